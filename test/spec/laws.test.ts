import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { formatDiagnostics } from '../../spec/diagnostics/format.ts'
import { type SourceFile } from '../../spec/diagnostics/source.ts'
import { checkSchema } from '../../spec/schema/check-schema.ts'
import { manifestSchema } from '../../spec/schema/manifest-schema.ts'
import { isSettingPath, isValueFor } from '../../spec/vocabulary/paths.ts'
import { USB_DEVICE } from '../../spec/vocabulary/settings.ts'
import { overlap, parseUsbKey, usbKey } from '../../spec/vocabulary/usb-device.ts'
import { writtenFrom } from '../../spec/yaml/node.ts'
import { SEED } from '../support/property.ts'
import { desiredOf, HANGS_MS, HEAD, host, source } from './manifests.ts'

const runs = (numRuns: number): { seed: number; numRuns: number; includeErrorInReport: boolean } => ({
  seed: SEED,
  numRuns,
  includeErrorInReport: true,
})

test('generated cases can be repeated', (t) => {
  t.diagnostic(`QSTATE_SEED=${SEED} repeats this run`)
})

const SAMPLE = `${HEAD}name: office
devices:
  headset: { backend: sys-usb, port: 2-2.1, identity: "0b0e:0412:0023A1B2:u010100u030000" }
  stick: "sys-usb+3-1:*"
profiles:
  office: { extends: windows-10, audio: { audiovm: sys-audio }, tags: [office] }
qubes:
  win10-work:
    extends: [office]
    slic: { tables: [host:MSDM] }
    audio: &audio { model: ich6 }
    stubdom: { qrexec: true }
    usb:
      headset: auto-attach
      "sys-usb+*:1050:0407::u030101u030000u0b0000": ask-to-attach
      denied: ["u080650", "u0e****"]
    qube:
      memory: 6144
      timezone: localtime
      features: { any-feature: value, other: 5 }
      properties: { any_property: "value" }
    tags: { windows: true, old-tag: off }
  win7: { extends: windows-7, slic: host, audio: *audio }
select:
  - match: { tag: windows, name: "win-*", class: AppVM }
    extends: office
    qube: { debug: off }
`

/** A JSON value as YAML, with the keys of each map in another order. */
function shuffled(value: unknown, order: (keys: string[]) => string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order))
  if (typeof value !== 'object' || value === null) return value
  const record = value as Record<string, unknown>
  return Object.fromEntries(order(Object.keys(record)).map((key) => [key, shuffled(record[key], order)]))
}

const MANIFEST = {
  apiVersion: 'qstate/v1',
  name: 'office',
  devices: { a: 'sys-usb+2-1:*', b: { backend: 'sys-usb', port: '2-2' } },
  profiles: {
    base: { extends: 'hvm', qube: { memory: 4000, vcpus: 2 } },
    more: { tags: { x: true, y: 'off' } },
  },
  qubes: {
    one: {
      extends: ['base', 'more'],
      usb: { a: 'auto-attach' },
      stubdom: { qrexec: true },
      qube: { debug: true },
    },
    two: { extends: 'more', audio: 'ich6', qube: { features: { z: 1, y: 'b' }, label: 'red' } },
  },
}

test('the digest does not depend on the order of keys', () => {
  const { digest } = desiredOf([source(JSON.stringify(MANIFEST))])
  assert.match(digest, /^[0-9a-f]{64}$/)
  fc.assert(
    fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 1000 })), (stream) => {
      const order = (keys: string[]): string[] =>
        keys
          .map((key) => [stream.next().value, key] as const)
          .sort(([a], [b]) => a - b)
          .map(([, key]) => key)
      assert.equal(desiredOf([source(JSON.stringify(shuffled(MANIFEST, order)))]).digest, digest)
    }),
    runs(50),
  )
})

test('the digest does not depend on how documents are split into files', () => {
  const { digest } = desiredOf([source(JSON.stringify(MANIFEST))])
  const { apiVersion, ...parts } = MANIFEST
  const qubes = Object.entries(parts.qubes).map(([name, body]) => ({ apiVersion, qubes: { [name]: body } }))
  const rest = [
    { apiVersion, name: 'office' },
    { apiVersion, devices: parts.devices },
    { apiVersion, profiles: parts.profiles },
  ]
  const documents = [...rest, ...qubes].map((document) => JSON.stringify(document))
  fc.assert(
    fc.property(
      fc.shuffledSubarray(documents, { minLength: documents.length }),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      (order, breaks) => {
        const files: string[][] = [[]]
        for (const [index, document] of order.entries()) {
          files.at(-1)?.push(document)
          if (breaks[index]) files.push([])
        }
        const sources = files.map((file, index) => source(file.join('\n---\n'), `${index}.yaml`))
        assert.equal(desiredOf(sources).digest, digest)
      },
    ),
    runs(50),
  )
})

test('the digest tells apart what is wanted, and nothing else', () => {
  const digest = (body: string): string => desiredOf([source(`${HEAD}qubes: { win: ${body} }`)]).digest
  assert.equal(digest('{ audio: ich6 }'), digest('{ qube: { features: { audio-model: "ich6" } } }'))
  assert.equal(digest('{ audio: unmanaged }'), digest('{}'))
  const different = [
    '{}',
    '{ audio: ich6 }',
    '{ audio: off }',
    '{ audio: inherit }',
    '{ tags: [a] }',
    '{ tags: { a: off } }',
  ]
  assert.equal(new Set(different.map(digest)).size, different.length)
})

/** Everything that must hold of any answer, whatever was asked. Returns the milliseconds it took. */
function checkAnswer(sources: readonly SourceFile[]): number {
  const start = performance.now()
  const { manifest, diagnostics } = loadManifest(sources)
  const told = formatDiagnostics(diagnostics, sources, { color: false, width: 80 })
  const took = performance.now() - start
  assert.equal(
    manifest === null,
    diagnostics.some(({ severity }) => severity === 'error'),
  )
  for (const { at, message, hint, code } of diagnostics) {
    const lines = (sources.find(({ path }) => path === at.file)?.text ?? '')
      .replace(/^\uFEFF/, '')
      .split('\n')
    const line = lines[at.line - 1]
    assert.ok(line !== undefined, `line ${at.line} of ${lines.length}: ${message}`)
    assert.ok(at.column >= 1 && at.column <= line.length + 1, `column ${at.column}: ${message}`)
    assert.ok(at.length >= 1 && at.length <= Math.max(line.length - at.column + 1, 1), message)
    assert.match(code, /^[a-z]+(?:-[a-z]+)*$/)
    assert.ok(message.length > 0 && !message.includes('\n') && !hint.includes('\n'))
  }
  assert.doesNotMatch(told, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  if (manifest === null) return took
  const { desired } = resolve(manifest, host('win10-work: AppVM windows', 'win-1: AppVM windows', 'x: AppVM'))
  for (const { settings } of desired.qubes.values()) {
    for (const { path, value } of settings.values()) {
      assert.ok(
        isSettingPath(path) && (value === null || isValueFor(path, value)),
        `${path} ${JSON.stringify(value)}`,
      )
    }
  }
  return took
}

const WORDS = [
  'off',
  'inherit',
  'unmanaged',
  'true',
  '5',
  '0755',
  '~',
  '[]',
  '{}',
  '- ',
  '? ',
  ': ',
  '<<: *audio',
  '*audio',
  '&x',
  '!!str',
  '|\n',
  '\t',
  '"',
  "'",
  '\r\n',
  '---\n',
  '%YAML 1.1\n',
  '#',
  'ü',
  '\u{1f600}',
  '\x00',
  '\ud800',
  '{ value: x }',
  'host',
  'auto-attach',
  '__proto__',
  'constructor',
]

test('a mutated document is answered, at valid places, and soon', () => {
  const edit = fc.record({
    at: fc.nat(SAMPLE.length),
    cut: fc.nat(12),
    put: fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 6 })),
  })
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
      const text = edits.reduce(
        (now, { at, cut, put }) => now.slice(0, at) + put + now.slice(at + cut),
        SAMPLE,
      )
      const took = checkAnswer([source(text)])
      assert.ok(took < HANGS_MS, `took ${took} ms`)
    }),
    runs(1500),
  )
})

test('random text is answered as well', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc
      .array(fc.constantFrom(...WORDS, ' ', '\n', '  ', 'a', 'qubes:'), { maxLength: 60 })
      .map((parts) => HEAD + parts.join('')),
  )
  fc.assert(
    fc.property(text, (random) => {
      assert.ok(checkAnswer([source(random)]) < 2000)
    }),
    runs(1500),
  )
})

test('any value in the place of any other is answered, and refused by the schema never goes untold', () => {
  const keys = [
    'apiVersion',
    'qubes',
    'a',
    'extends',
    'slic',
    'audio',
    'model',
    'stubdom',
    'usb',
    'denied',
    'qube',
    'features',
    'properties',
    'tags',
    'select',
    'match',
    'tables',
    'file',
    'sha256',
    'value',
    'mode',
    'memory',
    'timezone',
    'kernel',
    'gui',
    'devices',
    'backend',
    'port',
    'profiles',
  ]
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(
        'off',
        'inherit',
        'unmanaged',
        'ich6',
        'host',
        'hvm',
        'x',
        '',
        'sys-usb+2-1:*',
        'qstate/v1',
      ),
      fc.integer({ min: -1, max: 5000 }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('node'), { maxKeys: 5 }),
    ),
  }))
  const body = fc.dictionary(fc.constantFrom(...keys), node, { maxKeys: 6 })
  const document = fc.record(
    {
      apiVersion: fc.constant('qstate/v1'),
      qubes: fc.dictionary(fc.constantFrom('a', 'b'), body),
      profiles: fc.dictionary(fc.constantFrom('a', 'b'), body),
      select: fc.array(body, { maxLength: 2 }),
    },
    { requiredKeys: ['apiVersion'] },
  )
  const validate = new Ajv2020({ strict: false }).compile(manifestSchema)
  fc.assert(
    fc.property(fc.oneof(document, node), (value) => {
      checkAnswer([source(JSON.stringify(value))])
      const told: string[] = []
      checkSchema(writtenFrom(value, { file: '', line: 1, column: 1, length: 1 }), ({ code }) =>
        told.push(code),
      )
      assert.equal(told.length === 0, validate(value))
    }),
    runs(1500),
  )
})

test('the schema is valid by its own meta-schema, and has no domain name for an id', () => {
  new Ajv2020({ strict: true, validateSchema: true })
    .addVocabulary(['x-expected', 'x-setting', 'x-name'])
    .compile(manifestSchema)
  assert.equal((manifestSchema as { $id: string }).$id, 'urn:qstate:manifest:v1')
  assert.deepEqual(JSON.parse(JSON.stringify(manifestSchema)), manifestSchema, 'it prints as it is')
})

test('the sample of every area is sound', () => {
  assert.deepEqual(
    loadManifest([source(SAMPLE)]).diagnostics.map(({ code }) => code),
    ['msdm-table'],
  )
})

test('what takes a USB key apart agrees with the one expression that decides', () => {
  const part = fc.constantFrom(
    'sys-usb',
    'a',
    '',
    '+',
    '*',
    '2-1',
    '2-2.1',
    ':',
    '046d',
    '046D',
    '085b',
    'u0e0100',
    'u030101u030000',
    '?******',
    ' ',
    'S:1',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const key = parts.join('')
      const parsed = parseUsbKey(key)
      if ('problem' in parsed) assert.ok(!USB_DEVICE.test(key) || key.endsWith('+*:*'))
      else {
        assert.ok(USB_DEVICE.test(key))
        assert.equal(usbKey(parsed), key)
        assert.ok(overlap(parsed, parsed))
      }
    }),
    runs(2000),
  )
})

test('every example is sound: a file alone, a folder as one configuration', () => {
  const folder = join(process.cwd(), 'examples')
  const entries = readdirSync(folder, { withFileTypes: true })
  const filesIn = (path: string): string[] =>
    readdirSync(path)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => join(path, name))
  const sets = [
    ...filesIn(folder).map((path) => [path]),
    ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => filesIn(join(folder, name))),
  ]
    .filter((files) => files.length > 0)
    // A fleet lays its files over each other, host by host: test/fleet/commands.test.ts looks at those.
    .filter((files) => !files.some((path) => /^kind: Fleet$/m.test(readFileSync(path, 'utf8'))))
  for (const files of sets) {
    const sources = files.map((path) => source(readFileSync(path, 'utf8'), path))
    const errors = loadManifest(sources).diagnostics.filter(({ severity }) => severity === 'error')
    assert.equal(formatDiagnostics(errors, sources, { color: false, width: 110 }), '')
  }
})
