import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { allSchemas } from '../../cli/commands/schema.ts'
import { parseBytes, readDocument, readFileDocument } from '../../documents/read/index.ts'
import { TABLES } from '../../documents/tables.ts'
import { runCli } from '../cli/run-cli.ts'
import { tempFolder } from '../support/temp.ts'
import { DAMAGES, SAMPLES } from './samples.ts'

/** Every document that is stored or exchanged, as itself and as everything that it may have become. */

test('every document has a table, and every table that is read a sample', () => {
  const sent = ['notification']
  assert.deepEqual(
    Object.keys(SAMPLES).sort(),
    Object.keys(TABLES).filter((name) => !sent.includes(name)),
  )
})

for (const [name, sample] of Object.entries(SAMPLES)) {
  test(`${name}: what qstate writes is read, and nothing else is`, () => {
    const { document, json } = sample
    const read = readDocument(document, JSON.stringify(json), 'here')
    assert.deepEqual(read, { ok: true, value: json })
    const more = readDocument(document, JSON.stringify({ ...json, later: true }), 'here')
    assert.ok(more.ok, 'later versions add keys')
    for (const damage of DAMAGES) {
      const result = readDocument(document, damage.text(sample), 'here')
      assert.ok(!result.ok, damage.name)
      const { code, message, hint } = result.problem
      assert.equal(code, damage.code, `${damage.name}: ${message}`)
      assert.match(message, /^here /)
      assert.doesNotMatch(message, /[\x00-\x1f\x7f-\x9f\u202e]|undefined|\[object/)
      assert.notEqual(hint, '')
    }
  })

  test(`${name}: one that is too large is not even read`, async (t) => {
    const { document } = sample
    const file = join(tempFolder(t), 'file.json')
    const tight = { ...document, maxBytes: 1024 }
    writeFileSync(file, `{"a":"${'x'.repeat(2048)}"}`)
    const result = await readFileDocument(tight, file)
    assert.ok(result?.ok === false)
    assert.equal(result.problem.message, `${file} is damaged: it is larger than 1 KiB`)
    const packed = gzipSync(`[${'{},'.repeat(document.maxBytes / 3 + 1)}{}]`)
    assert.ok(packed.length < document.maxBytes / 50)
    assert.match(JSON.stringify(parseBytes(packed, document.maxBytes)), /it is larger than/)
  })
}

test('a fault is named by its place and by what is expected there', () => {
  const said = (name: string, change: (json: Record<string, unknown>) => object): string => {
    const { document, json } = SAMPLES[name]!
    const read = readDocument(document, JSON.stringify(change({ ...json })), 'f')
    return read.ok ? 'read' : read.problem.message
  }
  const cases: readonly (readonly [string, string])[] = [
    [said('memory', (memory) => ({ ...memory, drift: null })), 'f is damaged: at /drift, expected a list'],
    [
      said('memory', (memory) => ({ ...memory, refused: { commit: 'x' } })),
      'f is damaged: at /refused, expected the key "message"',
    ],
    [said('memory', (memory) => ({ ...memory, events: 5 })), 'f is damaged: at /events, expected text'],
    [
      said('memory', (memory) => ({ ...memory, error: 5 })),
      'f is damaged: at /error, expected an object or null',
    ],
    [
      said('snapshot', (snapshot) => ({ ...snapshot, recordedAt: undefined })),
      'f is damaged: at its top, expected the key "recordedAt"',
    ],
    [said('lease', (lease) => ({ ...lease, term: -1 })), 'f is damaged: at /term, expected at least 0'],
    [
      said('rollout-state', (state) => ({ ...state, phase: 'lost' })),
      'f is damaged: at /phase, expected "running", "paused", "stopping", "rolling-back", "succeeded", "partial", "aborted" or "rolled-back"',
    ],
    [
      said('memory', (memory) => ({ ...memory, restarting: { '\u001b[2J/\u202e': 5 } })),
      'f is damaged: at /restarting/\\u{1b}[2J~1\\u{202e}, expected text',
    ],
  ]
  for (const [message, expected] of cases) assert.equal(message, expected)
})

test('every schema that is printed is a JSON Schema in strict mode, and `qstate schema` alone prints that of a spec', async () => {
  const schemas = await allSchemas()
  for (const name of ['spec', 'agent', 'fleet', 'rollout', 'notification', ...Object.keys(SAMPLES)]) {
    const { code, out } = await runCli(['schema', name])
    assert.equal(code, 0, name)
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true })
    ajv.addVocabulary(['x-expected', 'x-setting', 'x-name'])
    const printed = JSON.parse(out) as { $schema: string; $id: string }
    assert.match(printed.$schema, /2020-12/)
    ajv.compile(printed)
    const sample = SAMPLES[name]
    if (sample !== undefined) assert.ok(ajv.validate(printed.$id, sample.json), JSON.stringify(ajv.errors))
  }
  const ids = Object.values(schemas).map((schema) => (schema as { $id: string }).$id)
  assert.equal(new Set(ids).size, ids.length)
  assert.equal((await runCli(['schema'])).out, (await runCli(['schema', 'spec'])).out)
  const { code, err } = await runCli(['schema', 'memmory'])
  assert.equal(code, 64)
  assert.match(err, /did you mean "memory"\? the schemas are spec, agent, fleet, rollout, /)
})
