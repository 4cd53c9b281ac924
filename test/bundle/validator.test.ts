import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { parse } from 'yaml'
import { manifestSchema } from '../../spec/schema/manifest-schema.ts'
import { validateManifest } from '../../spec/schema/manifest-validator.ts'
import { ROOT } from './run.ts'

// As in scripts/generate-validator.mjs.
const compiled = new Ajv2020({ allErrors: true, verbose: true, strict: true, validateSchema: false })
  .addVocabulary(['x-expected', 'x-setting', 'x-name'])
  .compile(manifestSchema)

function sayTheSame(document: unknown): void {
  assert.equal(validateManifest(document), compiled(document))
  assert.deepEqual(validateManifest.errors ?? [], compiled.errors ?? [])
}

test('the validator made ahead accepts the examples, as ajv does', () => {
  for (const name of ['office', 'windows-10', 'windows-7-oem', 'live-linux']) {
    const document: unknown = parse(readFileSync(join(ROOT, `examples/${name}.yaml`), 'utf8'))
    assert.equal(validateManifest(document), true)
    sayTheSame(document)
  }
})

test('the validator made ahead finds what ajv finds, in the same words', () => {
  // Words of the schema in places that may or may not be theirs, so that most documents are wrong in several ways.
  const words = [...new Set(JSON.stringify(manifestSchema).match(/[\w/.-]{2,24}/g))]
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.oneof(fc.constantFrom(...words), fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
      fc.dictionary(fc.constantFrom(...words), tie('value'), { maxKeys: 6 }),
      fc.array(tie('value'), { maxLength: 4 }),
    ),
  }))
  const body = fc.dictionary(
    fc.constantFrom('extends', 'slic', 'audio', 'stubdom', 'usb', 'qube', 'tags', 'restart', 'nothing'),
    value,
  )
  const document = fc.record(
    {
      apiVersion: fc.constantFrom('qstate/v1', 'qstate/v2'),
      kind: fc.constantFrom('Qubes', 'Fleet'),
      name: value,
      devices: fc.dictionary(fc.constantFrom(...words), value),
      profiles: fc.dictionary(fc.constantFrom(...words), body),
      qubes: fc.dictionary(fc.constantFrom(...words), body),
      select: fc.array(fc.oneof(body, value)),
    },
    { requiredKeys: [] },
  )
  fc.assert(fc.property(fc.oneof(document, value), sayTheSame), { numRuns: 400 })
})
