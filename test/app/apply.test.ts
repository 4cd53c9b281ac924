import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Reviewer, runApply, type RunOptions } from '../../app/apply/run.ts'
import { planRollback, rollbackScope } from '../../app/apply/rollback.ts'
import { connect, connectManaged } from '../../app/host/connect.ts'
import { driftIn } from '../../app/inspect/drift.ts'
import { listGenerations } from '../../app/inspect/history.ts'
import { statusOf } from '../../app/inspect/status.ts'
import { type PlanOptions, planSpec } from '../../app/plan/plan-spec.ts'
import { loadSpec } from '../../app/source/load.ts'
import { type Plan, planIsEmpty } from '../../reconciler/plan/plan.ts'
import { hasCode } from '../../spec/diagnostics/problem.ts'
import { startHost } from '../support/host.ts'
import { at, targetOf, testContext, write } from './world.ts'

const SPEC = 'apiVersion: qstate/v1\nqubes: { win10-work: { qube: { memory: 6144 } } }\n'
const PLAN: PlanOptions = { targets: [], parallelism: 4, explain: 'no' }
const RUN: RunOptions = {
  kind: 'apply',
  lockWaitMs: 0,
  parallelism: 4,
  failFast: false,
  allowRemove: [],
  restart: { policy: 'never', timeoutMs: 1000, kill: false, ask: null },
  attach: false,
}

const reviewer = (answer: boolean, seen: Plan[] = []): Reviewer => ({
  takesTime: true,
  approve: (plan) => {
    seen.push(plan)
    return Promise.resolve(answer)
  },
  applied: () => undefined,
})

test('a spec is planned, approved, applied, remembered and rolled back, without a command line', async (t) => {
  const host = await startHost(t)
  const context = testContext(host.folder)
  const target = targetOf(host)
  const spec = await loadSpec(at(write(host.folder, 'qstate.yaml', SPEC)), context)
  const connection = connect(target, context)
  const seen: Plan[] = []
  const { applied } = await runApply(
    connection,
    (connected) => planSpec(spec, connected, PLAN, context),
    RUN,
    reviewer(true, seen),
    context,
  )
  assert.equal(seen.length, 1)
  assert.deepEqual(
    applied?.qubes.map(({ qube, status, waiting }) => [qube, status, waiting]),
    [['win10-work', 'applied', ['qube/memory']]],
  )
  assert.equal(applied.generation, 1)
  const connected = await connectManaged(target, context)
  const again = await planSpec(spec, connected, PLAN, context)
  assert.equal(planIsEmpty(again), true)
  assert.deepEqual(
    statusOf(again).map(({ qube, state, waiting }) => [qube, state, waiting]),
    [['win10-work', 'as wanted', ['qube/memory']]],
  )
  const [generation] = await listGenerations(connected.stateFolder)
  assert.equal(generation?.outcome, 'applied')
  assert.equal(generation.who, 'alice@test-host')
  const scope = await rollbackScope(connected.stateFolder, null)
  const back = await planRollback(scope, connected, context)
  assert.deepEqual(
    back.qubes.flatMap(({ changes }) => changes.map(({ path, after }) => [path, after])),
    [['qube/memory', 8192]],
  )
  assert.deepEqual(context.warnings, [])
})

test('what is not approved is not written', async (t) => {
  const host = await startHost(t)
  const context = testContext(host.folder)
  const spec = await loadSpec(at(write(host.folder, 'qstate.yaml', SPEC)), context)
  const { applied, plan } = await runApply(
    connect(targetOf(host), context),
    (connected) => planSpec(spec, connected, PLAN, context),
    RUN,
    reviewer(false),
    context,
  )
  assert.equal(applied, null)
  assert.equal(planIsEmpty(plan), false)
  assert.equal(host.simulator.writes(), 0)
})

test('drift is a value: what was set, and what stands there now', async (t) => {
  const host = await startHost(t)
  const context = testContext(host.folder)
  const text = 'apiVersion: qstate/v1\nqubes: { win10-work: { qube: { rpcClipboard: true } } }\n'
  const spec = await loadSpec(at(write(host.folder, 'qstate.yaml', text)), context)
  await runApply(
    connect(targetOf(host), context),
    (connected) => planSpec(spec, connected, PLAN, context),
    RUN,
    reviewer(true),
    context,
  )
  host.setFeature('win10-work', 'rpc-clipboard', '')
  const plan = await planSpec(spec, await connectManaged(targetOf(host), context), PLAN, context)
  assert.deepEqual(driftIn(plan, null), [
    { qube: 'win10-work', path: 'qube/features/rpc-clipboard', wanted: '1', found: '' },
  ])
})

test('a spec with errors is reported to the context, and fails by its code', async (t) => {
  const host = await startHost(t)
  const context = testContext(host.folder)
  const path = write(host.folder, 'qstate.yaml', SPEC.replace('6144', 'lots'))
  await assert.rejects(loadSpec(at(path), context), (error) => hasCode(error, 'invalid-spec'))
  assert.deepEqual(
    context.reported.map(({ severity, at: place }) => [severity, place.file, place.line]),
    [['error', 'qstate.yaml', 2]],
  )
})
