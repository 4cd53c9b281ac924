import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatRecord, type OwnershipRecord } from '../../reconciler/ownership/index.ts'
import { type Value } from '../../spec/index.ts'
import { begin } from '../simulator/begin.ts'
import { transcripts } from '../simulator/recordings.ts'
import { RECORD } from '../support/snapshot.ts'

/** A record is proven by its bytes, so qubesd has to give back the ones that it was given. */

const PRINTABLE = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i)).join('')
const LONGEST = PRINTABLE.repeat(700).slice(0, 60_000)

const text = fc.string({ unit: 'binary', maxLength: 40 })
const value: fc.Arbitrary<Value> = fc.oneof(
  text,
  fc.integer(),
  fc.boolean(),
  fc.array(text, { maxLength: 3 }),
)

const record = fc
  .record({
    name: fc.option(text),
    by: fc.option(text),
    set: fc.dictionary(text, fc.option(value), { maxKeys: 6 }),
    originals: fc.dictionary(text, fc.option(value), { maxKeys: 6 }),
  })
  .map(({ name, by, set, originals }): OwnershipRecord => ({
    version: 2,
    uuid: '6d7a3ea6-1c05-4f0c-8f0e-0f1d7f2f4f10',
    name,
    commit: null,
    at: '2026-11-30T12:00:00.000Z',
    by,
    set: new Map(Object.entries(set)),
    originals: new Map(Object.entries({ ...originals, ...set })),
    once: new Set(),
    waits: null,
    extra: {},
  }))

test('a record is one line of printable ASCII, whatever it holds', () => {
  fc.assert(fc.property(record, (one) => /^[\x20-\x7e]+$/.test(formatRecord(one))))
})

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: the text of a record comes back byte for byte, after a restart of the daemon too`, async (t) => {
    const { simulator, act } = await begin(t, release)
    const texts = [PRINTABLE, LONGEST, ' leading and trailing ', ...fc.sample(record, 50).map(formatRecord)]
    for (const one of texts) {
      assert.equal(act(`admin.vm.feature.Set+${RECORD}`, 'win7-oem', one), '0|')
      assert.equal(act(`admin.vm.feature.Get+${RECORD}`, 'win7-oem'), `0|${one}`)
      await simulator.restart()
      assert.equal(act(`admin.vm.feature.Get+${RECORD}`, 'win7-oem'), `0|${one}`)
    }
  })
}

/** Folders of recordings of real daemons, with how many texts each was recorded to take and to give back. */
const RECORDED = [
  ['4.2', 8],
  ['4.3', 8],
  ['4.4-dev', 8],
] as const

for (const [folder, count] of RECORDED) {
  test(`${folder}: a real daemon gives back the text that it took`, () => {
    assert.equal(givenBack(folder), count)
  })
}

/** Reads of a feature after it was set, each of which has to be what was set last. */
function givenBack(folder: string): number {
  let reads = 0
  const path = join(transcripts(), folder)
  for (const file of readdirSync(path)) {
    const kept = new Map<string, string>()
    for (const line of readFileSync(join(path, file), 'utf8').split('\n').slice(1, -1)) {
      const { request, response } = exchangeOf(line)
      const [, verb, feature = ''] = /^admin\.vm\.feature\.([A-Z][a-z]+)\+?([^ ]*) /.exec(request) ?? []
      const end = request.indexOf('\0')
      const key = `${request.slice(0, end).split(' ').at(-1) ?? ''} ${feature}`
      if (verb === 'Set' && response === '0\0') kept.set(key, request.slice(end + 1))
      if (verb === 'Remove') kept.delete(key)
      const was = kept.get(key)
      if (verb !== 'Get' || was === undefined) continue
      reads++
      assert.equal(response, `0\0${was}`, `${folder}/${file}: ${key}`)
    }
  }
  return reads
}

function exchangeOf(line: string): { readonly request: string; readonly response: string } {
  const { request_b64, response_b64 } = JSON.parse(line) as Record<'request_b64' | 'response_b64', string>
  const bytes = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1')
  return { request: bytes(request_b64), response: bytes(response_b64) }
}
