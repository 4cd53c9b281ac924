import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type Host } from '../../reconciler/ports/host.ts'
import { windowsHost } from '../support/fixtures.ts'
import {
  type ForeignWrite,
  foreignWritesOf,
  meddle,
  randomHost,
  releases,
  wantedOf,
} from '../support/generate.ts'
import { reportOf, startHost, statuses, type TestHost } from '../support/host.ts'
import { check } from '../support/property.ts'
import { KNOWN, meaningOf, meaningOfValue, textIn } from '../support/settings.ts'
import { changedKeys, differences, RECORD } from '../support/snapshot.ts'
import { desiredState } from '../support/spec.ts'
import { ownScope } from '../support/temp.ts'

/** Promise 3: what someone else changed between plan and apply is not overwritten. */

const cases = fc.record({
  initial: foreignWritesOf(10),
  first: wantedOf(),
  wanted: wantedOf(),
  meddling: foreignWritesOf(2),
  // Which of the planned changes others get to first, and what they write there.
  aimed: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 3 }),
  release: releases,
  parallelism: fc.constantFrom(1, 4),
})

/** `QUBE PATH` of every planned change whose old value is not there any more. */
function movedOn(plan: Plan, host: TestHost): readonly string[] {
  const snapshot = host.snapshot()
  return plan.qubes
    .flatMap((qube) => qube.changes.map((change) => ({ qube: qube.qube, ...change })))
    .filter(({ qube, path, before }) => {
      const there = meaningOf(path, textIn(snapshot, qube, path))
      return there !== meaningOfValue(path, before)
    })
    .map(({ qube, path }) => `${qube} ${path}`)
    .sort()
}

/** Foreign writes to settings that the plan changes. */
function aimedAt(plan: Plan, aims: readonly (readonly [number, number])[]): readonly ForeignWrite[] {
  const changes = plan.qubes.flatMap(({ qube, changes: own }) => own.map(({ path }) => ({ qube, path })))
  return aims.flatMap(([which, what]) => {
    const change = changes[which % changes.length]
    const texts = KNOWN.find(({ path }) => path === change?.path)?.foreign ?? []
    const text = texts[what % texts.length]
    return change === undefined || text === undefined ? [] : [{ ...change, text }]
  })
}

test('a saved plan is applied whole, or, after any foreign write to what it changes, not at all, with exit code 4 and the exact list', async (t) => {
  let stale = 0
  await check(t, cases, 40, async ({ release, initial, first, wanted, meddling, aimed, parallelism }) => {
    const scope = ownScope()
    try {
      const host = await randomHost(scope, release, initial)
      await host.apply(desiredState(first))
      const plan = await host.plan(desiredState(wanted))
      meddle(host, [...meddling, ...aimedAt(plan, aimed)])
      const expected = movedOn(plan, host)
      const before = host.snapshot()
      host.simulator.clearLog()
      const applied = await host.applyPlan(JSON.parse(JSON.stringify(plan)) as Plan, {
        recheck: true,
        parallelism,
      })
      const listed = applied.report.qubes.flatMap((qube) =>
        qube.stale.map(({ path }) => `${qube.qube} ${path}`),
      )
      assert.deepEqual(listed.toSorted(), expected)
      if (expected.length === 0) {
        assert.equal(applied.code, 0, JSON.stringify(applied.report.qubes, null, 1))
        return
      }
      stale += 1
      assert.equal(applied.code, 4)
      assert.equal(host.simulator.writes(), 0, 'no write at all')
      assert.deepEqual(differences(before, host.snapshot()), [])
    } finally {
      await scope.end()
    }
  })
  t.diagnostic(`${stale} of them met a foreign write`)
})

const TWO = { 'win-a': { 'audio/model': 'ich6', 'qube/memory': 2048 }, 'win-b': { 'audio/model': 'ich6' } }
const twoQubes = windowsHost([{ name: 'win-a' }, { name: 'win-b' }])

/** Meddles right after the n-th reading of a qube. */
const afterReading =
  (qube: string, nth: number, work: () => void) =>
  (host: Host): Host => {
    let seen = 0
    return {
      ...host,
      async read(name, needs) {
        const reading = await host.read(name, needs)
        if (name === qube && ++seen === nth) work()
        return reading
      },
    }
  }

for (const recheck of [false, true]) {
  test(`a value changed ${recheck ? 'after the check of the whole plan' : 'after a fresh plan'} and before the qube's first write is not overwritten`, async (t) => {
    const host = await startHost(t, { fixture: twoQubes })
    // The plan reads a qube once, the check of the whole plan a second time.
    const applied = await host.apply(desiredState(TWO), {
      recheck,
      parallelism: 1,
      wrap: afterReading('win-a', recheck ? 2 : 1, () => {
        host.setFeature('win-a', 'audio-model', 'ac97')
      }),
    })
    assert.deepEqual(statuses(applied), { 'win-a': 'stale', 'win-b': 'applied' })
    const { stale, writes } = reportOf(applied, 'win-a')
    assert.deepEqual(stale, [{ path: 'audio/model', planned: null, found: 'ac97' }])
    assert.equal(writes, 0)
    assert.equal(applied.code, 3, 'another qube was written')
    const features = host.simulator.host.qubes.get('win-a')?.features
    assert.equal(features?.get('audio-model'), 'ac97')
    assert.equal(features.has(RECORD), false)
    assert.equal(
      host.simulator.requests.some((request) => request.write && request.dest === 'win-a'),
      false,
    )
  })
}

test('a record that another run wrote since the plan makes the qube stale, though no value differs', async (t) => {
  const host = await startHost(t, { fixture: twoQubes })
  const applied = await host.apply(desiredState(TWO), {
    recheck: true,
    between: async () => {
      await host.apply(desiredState({ 'win-a': { 'tags/office': true } }))
      host.simulator.clearLog()
    },
  })
  assert.equal(applied.code, 4)
  assert.deepEqual(
    reportOf(applied, 'win-a').stale.map(({ path }) => path),
    [RECORD],
  )
  assert.equal(host.simulator.writes(), 0)
})

test('a record that another run writes while a device is being moved is not overwritten', async (t) => {
  const fixture = windowsHost([{ name: 'win-a' }, { name: 'win-b' }])
  const host = await startHost(t, { fixture })
  const device = 'usb/sys-usb+2-2:*'
  const auto = { mode: 'auto-attach' } as const
  await host.apply(desiredState({ 'win-a': { [device]: auto, 'audio/model': 'ich6' } }))
  let foreign = ''
  const applied = await host.apply(
    desiredState({ 'win-a': { 'audio/model': 'ac97' }, 'win-b': { [device]: auto } }),
    {
      parallelism: 1,
      // Readings of win-a: its plan, twice (the device is no longer in the spec), then its first guard.
      wrap: afterReading('win-a', 3, () => {
        const record = host.simulator.host.qubes.get('win-a')?.features.get(RECORD) ?? ''
        foreign = record.replace('"set":{', '"set":{"tags/other":true,')
        host.setFeature('win-a', RECORD, foreign)
      }),
    },
  )
  assert.notEqual(foreign, '')
  assert.equal(host.simulator.host.qubes.get('win-a')?.features.get(RECORD), foreign)
  assert.equal(host.simulator.host.qubes.get('win-a')?.features.get('audio-model'), 'ich6')
  assert.equal(applied.code, 3)
  assert.notEqual(reportOf(applied, 'win-a').status, 'applied')
})

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: a saved plan is not applied to another qube that has taken the name`, async (t) => {
    const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }], release) })
    const plan = await host.plan(desiredState(TWO))
    host.simulator.host.qubes.get('win-a')?.properties.set('uuid', '20000000-0000-4000-8000-000000000000')
    host.simulator.clearLog()
    const applied = await host.applyPlan(plan, { recheck: true })
    assert.equal(host.simulator.writes(), 0)
    assert.equal(applied.code, 4)
    assert.match(reportOf(applied, 'win-a').error?.message ?? '', /not the qube that was planned for/)
  })

  test(`${release}: a saved plan whose qube is gone is not applied to the others`, async (t) => {
    const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }], release) })
    const plan = await host.plan(desiredState(TWO))
    host.simulator.host.qubes.delete('win-a')
    const applied = await host.applyPlan(plan, { recheck: true })
    assert.equal(host.simulator.writes(), 0)
    assert.equal(applied.code, 4)
  })
}

test('a plan for another release of Qubes is not applied', async (t) => {
  const host = await startHost(t, { fixture: twoQubes })
  const plan = await host.plan(desiredState(TWO))
  const applied = await host.applyPlan({ ...plan, host: { ...plan.host, release: '4.2' } }, { recheck: true })
  assert.equal(host.simulator.writes(), 0)
  assert.equal(applied.code, 4)
})

test('a value that someone else sets between the write and the second look is reported and not claimed', async (t) => {
  const host = await startHost(t, { fixture: twoQubes })
  const applied = await host.apply(desiredState(TWO), {
    parallelism: 1,
    wrap: (plain) => ({
      ...plain,
      async write(call) {
        await plain.write(call)
        if (call.arg === 'audio-model' && call.dest === 'win-a')
          host.setFeature('win-a', 'audio-model', 'ac97')
      },
    }),
  })
  assert.equal(applied.code, 3)
  const outcome = reportOf(applied, 'win-a').outcomes.find(({ path }) => path === 'audio/model')
  assert.equal(outcome?.status, 'failed')
  assert.equal(outcome.error?.code, 'not-kept')
  const before = host.snapshot()
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().get('win-a feature audio-model'), 'ac97')
  assert.ok(!changedKeys(before, host.snapshot()).includes('win-a feature audio-model'))
})
