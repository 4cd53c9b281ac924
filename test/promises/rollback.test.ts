import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Fault } from '../../simulator/wire/faults.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { foreignWritesOf, randomHost, releases, textsIn, wantedOf } from '../support/generate.ts'
import { check } from '../support/property.ts'
import { ownedIn } from '../support/snapshot.ts'
import { desiredState } from '../support/spec.ts'
import { ownScope } from '../support/temp.ts'

/** Promise 4 for the way back: a rollback that is cut off, twice, is made good by the third, and forgets nothing. */

const cases = fc.record({
  release: releases,
  initial: foreignWritesOf(8),
  first: wantedOf(),
  second: wantedOf(),
  cuts: fc.array(
    fc.tuple(fc.constantFrom('drop-before', 'drop-after', 'die-before', 'die-after'), fc.nat(8)),
    { maxLength: 2 },
  ),
  parallelism: fc.constantFrom(1, 4),
})

test('a rollback brings back every value that the apply changed, wherever it is cut off, and what was owned then', async (t) => {
  await check(t, cases, 25, async ({ release, initial, first, second, cuts, parallelism }) => {
    const scope = ownScope()
    try {
      const host = await randomHost(scope, release, initial)
      const start = textsIn(host.snapshot())
      await host.apply(desiredState(first))
      const values = textsIn(host.snapshot())
      const { plan } = await host.apply(desiredState(second))
      for (const [cut, nth] of cuts) {
        const fault: Fault = { match: { writesOnly: true }, after: nth, times: 1, do: cut }
        host.simulator.setFaults([fault])
        await host.rollback([plan], { parallelism }).catch((error: unknown) => {
          assert.ok(error instanceof QstateError, String(error))
        })
        host.simulator.setFaults([])
        await host.simulator.restart()
      }
      const back = await host.rollback([plan], { parallelism })
      assert.equal(back.code, 0, JSON.stringify(back.report.qubes, null, 1))
      assert.deepEqual(textsIn(host.snapshot()), values)

      await host.apply(desiredState({}))
      assert.deepEqual(textsIn(host.snapshot()), start, 'what was there before is known from the record then')
      assert.deepEqual(ownedIn(host.snapshot()), {})
    } finally {
      await scope.end()
    }
  })
})

test('a rollback that is cut off twice between its record and its value forgets nothing', async (t) => {
  const host = await randomHost(t, '4.3', [])
  await host.apply(desiredState({ 'win-a': { 'audio/model': 'ac97' } }))
  const { plan } = await host.apply(desiredState({ 'win-a': { 'audio/model': 'ich6' } }))
  for (let round = 0; round < 2; round++) {
    host.simulator.setFaults([
      { match: { writesOnly: true, arg: 'audio-model' }, times: 1, do: 'die-before' },
    ])
    await host.rollback([plan])
    host.simulator.setFaults([])
    await host.simulator.restart()
    assert.equal(host.snapshot().get('win-a feature audio-model'), 'ich6')
  }
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().get('win-a feature audio-model'), undefined)
})
