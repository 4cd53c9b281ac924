import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { planIsBlocked, planIsEmpty } from '../../reconciler/plan/plan.ts'
import {
  type ForeignWrite,
  foreignWritesOf,
  meddle,
  modelOf,
  QUBES,
  randomHost,
  releases,
  textsIn,
  wantedOf,
} from '../support/generate.ts'
import { type TestHost } from '../support/host.ts'
import { applyToModel, type Model } from '../support/model.ts'
import { check } from '../support/property.ts'
import { isKeyOf, KNOWN, meaningOfValue } from '../support/settings.ts'
import { changedKeys, ownedIn, RECORD, type Snapshot } from '../support/snapshot.ts'
import { desiredState, type Wanted } from '../support/spec.ts'
import { ownScope } from '../support/temp.ts'

/** Promises 1 and 2, and what is owned: sequences of specs, with other programs writing in between. */

interface Step {
  readonly meddling: readonly ForeignWrite[]
  readonly wanted: Wanted
}

const histories = fc.record({
  release: releases,
  initial: foreignWritesOf(12),
  steps: fc.array(fc.record({ meddling: foreignWritesOf(4), wanted: wantedOf() }), {
    minLength: 1,
    maxLength: 4,
  }),
  parallelism: fc.constantFrom(1, 4),
})

/** What the records on the host own is what the model owns, in the model's words. */
function assertOwnership(host: TestHost, model: Model): void {
  const owned = Object.entries(ownedIn(host.snapshot())).map(([key, json]) => {
    const path = key.slice(key.indexOf(' ') + 1)
    return [key, meaningOfValue(path, JSON.parse(json) as null)] as const
  })
  const expected = [...model.owned].flatMap(([qube, paths]) =>
    [...paths].map(([path, { last }]) => [`${qube} ${path}`, last] as const),
  )
  assert.deepEqual(Object.fromEntries(owned), Object.fromEntries(expected))
}

/** Whatever changed is a setting that the model changed, or a record. */
function assertNothingElse(before: Snapshot, after: Snapshot, changed: readonly string[]): void {
  const stray = changedKeys(before, after).filter(
    (key) =>
      !QUBES.some((qube) => key === `${qube} feature ${RECORD}`) &&
      !changed.some((entry) => {
        const [qube = '', path = ''] = entry.split(/ (.*)/s)
        return isKeyOf(qube, path, key)
      }),
  )
  assert.deepEqual(stray, [])
}

async function step(
  host: TestHost,
  model: Model,
  { meddling, wanted }: Step,
  parallelism: number,
): Promise<void> {
  meddle(host, meddling, model)
  const before = host.snapshot()
  host.simulator.clearLog()
  await host.plan(desiredState(wanted))
  assert.equal(host.simulator.writes(), 0, 'a plan makes no write call')
  assert.deepEqual(changedKeys(before, host.snapshot()), [])

  const { report, code } = await host.apply(desiredState(wanted), { parallelism })
  assert.equal(code, 0, JSON.stringify(report.qubes, null, 1))
  const changed = applyToModel(model, wanted)
  assert.deepEqual(new Map([...textsIn(host.snapshot())].sort()), new Map([...model.live].sort()))
  assertNothingElse(before, host.snapshot(), changed)
  assertOwnership(host, model)

  const settled = host.snapshot()
  host.simulator.clearLog()
  const again = await host.apply(desiredState(wanted), { parallelism })
  assert.equal(again.code, 0)
  assert.ok(planIsEmpty(again.plan), JSON.stringify(again.plan.qubes, null, 1))
  assert.equal(host.simulator.writes(), 0, 'the second apply makes no write call')
  assert.deepEqual(changedKeys(settled, host.snapshot()), [])
}

test('any sequence of specs and foreign writes leaves what the model says, owns what it says, and settles at once', async (t) => {
  await check(t, histories, 40, async ({ release, initial, steps, parallelism }) => {
    const scope = ownScope()
    try {
      const host = await randomHost(scope, release, initial)
      const model = modelOf(host)
      for (const each of steps) await step(host, model, each, parallelism)
      // Everything is dropped: all that qstate set and nobody changed since is as it was before, and no trace stays.
      await step(host, model, { meddling: [], wanted: {} }, parallelism)
      assert.deepEqual([...model.owned.keys()], [])
      assert.deepEqual(Object.keys(ownedIn(host.snapshot())), [])
    } finally {
      await scope.end()
    }
  })
})

test('every known setting can be planned on every release, and none is blocked', async () => {
  for (const release of ['4.3', '4.4'] as const) {
    const scope = ownScope()
    try {
      const host = await randomHost(scope, release, [])
      for (const { path, values } of KNOWN) {
        for (const value of values) {
          const plan = await host.plan(desiredState({ 'win-a': { [path]: value } }))
          assert.equal(planIsBlocked(plan), false, `${release} ${path}`)
        }
      }
    } finally {
      await scope.end()
    }
  }
})
