import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { type Fault } from '../../simulator/wire/faults.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import {
  foreignWritesOf,
  meaningsIn,
  QUBES,
  randomHost,
  releases,
  textsIn,
  wantedOf,
} from '../support/generate.ts'
import { type Applied, type TestHost } from '../support/host.ts'
import { check } from '../support/property.ts'
import { isKeyOf, KNOWN, meaningOf, meaningOfValue } from '../support/settings.ts'
import { changedKeys, ownedIn, RECORD, type Snapshot } from '../support/snapshot.ts'
import { desiredState, type Wanted } from '../support/spec.ts'
import { ownScope } from '../support/temp.ts'

/** Promise 4: a run that is cut off at any write is made good by the next, and nothing owned is forgotten. */

const CUTS = ['drop-before', 'drop-after', 'die-before', 'die-after'] as const

const cutRuns = fc.record({
  release: releases,
  initial: foreignWritesOf(10),
  first: wantedOf(),
  second: wantedOf(),
  third: wantedOf(),
  cut: fc.constantFrom(...CUTS),
  nth: fc.nat(12),
  parallelism: fc.constantFrom(1, 4),
})

/** Applies with the n-th write cut off. Undefined where the run ended before it could plan. */
async function cutOff(
  host: TestHost,
  wanted: Wanted,
  fault: Fault,
  parallelism: number,
): Promise<Applied | undefined> {
  host.simulator.setFaults([fault])
  try {
    return await host.apply(desiredState(wanted), { parallelism })
  } catch (error) {
    assert.ok(error instanceof QstateError, String(error))
    return undefined
  } finally {
    host.simulator.setFaults([])
    await host.simulator.restart()
  }
}

/** Lines outside all known settings of the generated qubes and outside the records. */
function strayKeys(before: Snapshot, after: Snapshot): readonly string[] {
  return changedKeys(before, after).filter(
    (key) =>
      !QUBES.some(
        (qube) => key === `${qube} feature ${RECORD}` || KNOWN.some(({ path }) => isKeyOf(qube, path, key)),
      ),
  )
}

test('cut off at any write, the next run of the same spec leaves what an uninterrupted run leaves, and owns the same', async (t) => {
  await check(t, cutRuns, 25, async ({ release, initial, first, second, cut, nth, parallelism }) => {
    const scope = ownScope()
    try {
      const [host, twin] = [
        await randomHost(scope, release, initial),
        await randomHost(scope, release, initial),
      ]
      const start = textsIn(host.snapshot())
      for (const each of [host, twin]) await each.apply(desiredState(first))
      const before = host.snapshot()
      const fault: Fault = { match: { writesOnly: true }, after: nth, times: 1, do: cut }
      const run = await cutOff(host, second, fault, parallelism)
      if (run !== undefined && run.code !== 0) {
        const failed = run.report.qubes.some((qube) => qube.status === 'failed')
        assert.ok(failed || run.report.interrupted !== null, 'it is told')
      }

      const again = await host.apply(desiredState(second), { parallelism })
      assert.equal(again.code, 0, JSON.stringify(again.report.qubes, null, 1))
      await twin.apply(desiredState(second))
      assert.deepEqual(meaningsIn(host.snapshot()), meaningsIn(twin.snapshot()))
      assert.deepEqual(ownedIn(host.snapshot()), ownedIn(twin.snapshot()))
      assert.deepEqual(strayKeys(before, host.snapshot()), [])

      for (const each of [host, twin]) await each.apply(desiredState({}))
      assert.deepEqual(textsIn(host.snapshot()), start, 'all of ours is withdrawn, and only ours')
      assert.deepEqual(textsIn(twin.snapshot()), start)
      assert.deepEqual(ownedIn(host.snapshot()), {})
    } finally {
      await scope.end()
    }
  })
})

/** What has to be at the end of first (whole), second (cut off), third (whole): third's values, and all else as it was. */
test('cut off at any write, and followed by another spec, everything that is not named is as it was before qstate', async (t) => {
  await check(t, cutRuns, 40, async ({ release, initial, first, second, third, cut, nth, parallelism }) => {
    const scope = ownScope()
    try {
      const host = await randomHost(scope, release, initial)
      const start = textsIn(host.snapshot())
      await host.apply(desiredState(first))
      const before = host.snapshot()
      const fault: Fault = { match: { writesOnly: true }, after: nth, times: 1, do: cut }
      await cutOff(host, second, fault, parallelism)

      const run = await host.apply(desiredState(third), { parallelism })
      assert.equal(run.code, 0, JSON.stringify(run.report.qubes, null, 1))
      const after = textsIn(host.snapshot())
      for (const qube of QUBES) {
        for (const { path } of KNOWN) {
          const key = `${qube} ${path}`
          const wanted = third[qube]?.[path]
          const now = after.get(key) ?? null
          if (wanted === undefined) assert.equal(now, start.get(key) ?? null, `${key}: not as it was`)
          else assert.equal(meaningOf(path, now), meaningOfValue(path, wanted), key)
        }
      }
      assert.deepEqual(strayKeys(before, host.snapshot()), [])
      host.simulator.clearLog()
      await host.apply(desiredState(third))
      assert.equal(host.simulator.writes(), 0)

      await host.apply(desiredState({}))
      assert.deepEqual(textsIn(host.snapshot()), start)
      assert.deepEqual(ownedIn(host.snapshot()), {})
    } finally {
      await scope.end()
    }
  })
})

test('a write that was given up after a time, and is done later all the same, is not forgotten', async (t) => {
  for (const [first, then] of [
    [{}, { 'win-a': { 'audio/model': 'ich6' } }],
    [{ 'win-a': { 'audio/model': 'ac97' } }, { 'win-a': { 'audio/model': 'ich6' } }],
  ] as const) {
    await lateWrite(t, first, then)
  }
})

async function lateWrite(t: TestContext, first: Wanted, then: Wanted): Promise<void> {
  const host = await randomHost(t, '4.3', [])
  await host.apply(desiredState(first))
  host.simulator.setFaults([{ match: { arg: 'audio-model', method: 'admin.vm.feature.Set' }, do: 'hang' }])
  const run = await host.apply(desiredState(then), { timeoutMs: 100 })
  assert.equal(run.code, 3)
  const [report] = run.report.qubes
  assert.deepEqual([report?.unanswered, report?.writes], [1, 1], 'the write may have been done')
  host.simulator.setFaults([])
  host.setFeature('win-a', 'audio-model', 'ich6')
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().get('win-a feature audio-model'), undefined)
  assert.deepEqual(ownedIn(host.snapshot()), {})
}
