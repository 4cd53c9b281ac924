import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Fault } from '../../simulator/wire/faults.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { windowsHost } from '../support/fixtures.ts'
import { foreignWritesOf, QUBES, randomHost, releases, wantedOf } from '../support/generate.ts'
import { type Applied, reportOf, startHost, statuses, type TestHost } from '../support/host.ts'
import { check, sample } from '../support/property.ts'
import { meaningOf, meaningOfValue, textIn } from '../support/settings.ts'
import { changedKeys, differences, ownedIn, withoutRecords } from '../support/snapshot.ts'
import { desiredState, type Wanted } from '../support/spec.ts'
import { ownScope } from '../support/temp.ts'

/** Promise 5, and faults at every call: one qube's trouble is its own, and the report is exact. */

const refusals = fc.record({
  release: releases,
  initial: foreignWritesOf(8),
  first: wantedOf(),
  wanted: wantedOf(),
  victim: fc.constantFrom(...QUBES),
  nth: fc.option(fc.nat(5), { nil: undefined }),
  parallelism: fc.constantFrom(1, 4),
})

/** What the report says of each setting is what is there. */
function assertReportIsTrue(host: TestHost, { report, code }: Applied): void {
  const snapshot = host.snapshot()
  for (const qube of report.qubes) {
    const planned = report.plan.qubes.find((plan) => plan.qube === qube.qube)
    for (const { path, status, error } of qube.outcomes) {
      const change = planned?.changes.find((candidate) => candidate.path === path)
      assert.ok(change)
      const there = meaningOf(path, textIn(snapshot, qube.qube, path))
      if (status === 'applied')
        assert.equal(there, meaningOfValue(path, change.after), `${qube.qube} ${path}`)
      if (status === 'skipped') assert.equal(error, null)
      if (status === 'failed') assert.ok(error, 'a failure says why')
    }
    const all = qube.outcomes.every((outcome) => outcome.status === 'applied')
    if (qube.status === 'applied') assert.ok(all)
  }
  const fine = report.qubes.every((qube) => ['applied', 'unchanged'].includes(qube.status))
  const blocked = report.plan.qubes.some((qube) => qube.blocked.length > 0)
  const wrote = report.qubes.some((qube) => qube.touched)
  if (fine && !blocked && report.interrupted === null) assert.equal(code, 0)
  else assert.equal(code, wrote ? 3 : 1)
}

test('a qube whose writes are refused, all or one, stops no other, and report and exit code say exactly what happened', async (t) => {
  let struck = 0
  await check(t, refusals, 30, async ({ release, initial, first, wanted, victim, nth, parallelism }) => {
    const scope = ownScope()
    try {
      const host = await randomHost(scope, release, initial)
      await host.apply(desiredState(first))
      const before = host.snapshot()
      host.simulator.setFaults([
        {
          match: { writesOnly: true, dest: victim },
          do: 'refuse',
          ...(nth === undefined ? {} : { after: nth, times: 1 }),
        },
      ])
      const applied = await host.apply(desiredState(wanted), { parallelism })
      for (const { qube, status, outcomes } of applied.report.qubes) {
        if (qube === victim) continue
        // A device that the victim did not give up is not given to another: that is the one thing that may fail.
        const wrong = outcomes.filter((outcome) => outcome.error !== null)
        assert.ok(
          wrong.every((outcome) => outcome.error?.code === 'device-in-use'),
          `${qube} ${JSON.stringify(wrong)}`,
        )
        if (wrong.length === 0) assert.ok(status === 'applied' || status === 'unchanged', `${qube} ${status}`)
      }
      assertReportIsTrue(host, applied)
      if (applied.code !== 0) {
        struck += 1
        assert.equal(reportOf(applied, victim).status, 'failed')
      }
      if (nth === undefined) {
        const touched = changedKeys(before, host.snapshot()).filter((key) => key.startsWith(`${victim} `))
        assert.deepEqual(touched, [], 'what is refused changes nothing')
      }
      host.simulator.setFaults([])
      const again = await host.apply(desiredState(wanted), { parallelism })
      assert.equal(again.code, 0)
      await host.apply(desiredState({}))
      assert.deepEqual(ownedIn(host.snapshot()), {})
    } finally {
      await scope.end()
    }
  })
  t.diagnostic(`${struck} of them were struck`)
})

const THREE: Wanted = {
  'win-a': { 'audio/model': 'ich6', 'tags/office': true },
  'win-b': { 'audio/model': 'ich6' },
  'win-c': { 'audio/model': 'ich6' },
}
const three = windowsHost([{ name: 'win-a' }, { name: 'win-b' }, { name: 'win-c' }])

test('a qube that cannot be read is blocked before any write, and the others are applied', async (t) => {
  const host = await startHost(t, {
    fixture: three,
    faults: [{ match: { dest: 'win-b', method: 'admin.vm.feature.Get' }, do: 'refuse' }],
  })
  const applied = await host.apply(desiredState(THREE))
  assert.deepEqual(statuses(applied), { 'win-a': 'applied', 'win-b': 'blocked', 'win-c': 'applied' })
  assert.equal(applied.code, 3)
  assert.equal(
    host.simulator.requests.some((request) => request.write && request.dest === 'win-b'),
    false,
  )
})

test('where qubesd fails over all properties at once, each is asked for by itself', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const host = await startHost(t, { fixture: three, release })
    // Two GUI qubes that refer to each other send qubesd round in circles over their keyboard layouts.
    const write = (qube: string, guivm: string): void => {
      host.simulator.act(Buffer.from(`admin.vm.property.Set+guivm dom0 name ${qube}\0${guivm}`))
    }
    write('win-a', 'win-b')
    write('win-b', 'win-a')
    const all = host.simulator.act(Buffer.from('admin.vm.property.GetAll dom0 name win-a\0'))
    assert.equal(all.length, 0, 'no answer')
    const applied = await host.apply(
      desiredState({
        'win-a': { 'qube/memory': 3000, 'qube/vcpus': 3, 'qube/properties/keyboard_layout': 'de++' },
      }),
    )
    // Nobody knows what the layout is, or was.
    assert.equal(applied.code, 3)
    assert.deepEqual(statuses(applied), { 'win-a': 'applied' })
    assert.deepEqual(
      applied.report.plan.qubes[0]?.blocked.map(({ path }) => path),
      ['qube/properties/keyboard_layout'],
    )
    assert.equal(textIn(host.snapshot(), 'win-a', 'qube/memory'), '3000')
  }
})

test('where nothing could be written the exit code is 1', async (t) => {
  const host = await startHost(t, {
    fixture: three,
    faults: [{ match: { method: 'admin.vm.feature.Get' }, do: 'refuse' }],
  })
  const applied = await host.apply(desiredState(THREE))
  const wanted = Object.entries(statuses(applied)).filter(([qube]) => Object.hasOwn(THREE, qube))
  assert.deepEqual(new Set(wanted.map(([, status]) => status)), new Set(['blocked']))
  assert.equal(applied.code, 1)
  assert.equal(host.simulator.writes(), 0)
})

test('with --fail-fast no qube is begun after one that failed', async (t) => {
  const host = await startHost(t, {
    fixture: three,
    faults: [{ match: { dest: 'win-a', writesOnly: true }, do: 'refuse' }],
  })
  const applied = await host.apply(desiredState(THREE), { failFast: true, parallelism: 1 })
  assert.deepEqual(statuses(applied), { 'win-a': 'failed', 'win-b': 'skipped', 'win-c': 'skipped' })
  assert.equal(applied.code, 3)
  assert.notEqual(applied.report.interrupted, null)
})

test('a file of dom0 that cannot be removed fails that setting and nothing else', async (t) => {
  const host = await startHost(t, { fixture: three })
  await host.apply(desiredState({ 'win-a': { 'slic/tables': ['host:SLIC'] } }))
  const applied = await host.apply(desiredState({ 'win-b': { 'audio/model': 'ich6' } }), {
    between: () => {
      // A folder in the file's place cannot be unlinked, whoever runs this.
      host.replaceTemplateByFolder('win-a')
    },
  })
  assert.equal(reportOf(applied, 'win-b').status, 'applied')
  assert.notEqual(reportOf(applied, 'win-a').status, 'applied')
  assert.equal(applied.code, 3)
})

const KINDS = [
  'refuse',
  'drop-before',
  'drop-after',
  'garbage',
  'truncate',
  'hang',
  'hang-after',
  'die-before',
  'die-after',
] as const

const FIRST: Wanted = {
  'win-a': {
    'audio/model': 'ac97',
    'tags/office': true,
    'qube/memory': 2048,
    'usb/sys-usb+2-2:*': { mode: 'auto-attach' },
  },
  'win-b': { 'stubdom/qrexec': true, 'slic/tables': ['host:SLIC'] },
}
const SECOND: Wanted = {
  'win-a': { 'audio/model': 'ich6', 'qube/memory': 4096, 'stubdom/qemuExtraArgs': '' },
  'win-b': {
    'usb/sys-usb+2-2:*': { mode: 'auto-attach' },
    'stubdom/qrexec': true,
    'slic/tables': ['host:MSDM'],
  },
  'win-c': { 'qube/defaultUser': 'bob', 'tags/office': true },
}

/** Calls of each kind that `npm test` tries. */
const SAMPLED_CALLS = 12

for (const kind of KINDS) {
  test(`${kind} at any call of a run is reported, and the next run converges`, async (t) => {
    const baseline = await prepared(t)
    baseline.simulator.clearLog()
    await baseline.apply(desiredState(SECOND), { parallelism: 1 })
    const calls = baseline.simulator.requests.length
    const goal = withoutRecords(baseline.snapshot())
    for (const nth of sample(t, [...Array(calls).keys()], SAMPLED_CALLS)) {
      const scope = ownScope()
      try {
        const host = await prepared(scope)
        host.simulator.clearLog()
        const fault: Fault = { match: {}, after: nth, times: 1, do: kind }
        host.simulator.setFaults([fault])
        const timeoutMs = kind.startsWith('hang') ? 80 : 20_000
        let run: Applied | undefined
        try {
          run = await host.apply(desiredState(SECOND), { parallelism: 1, timeoutMs })
        } catch (error) {
          assert.ok(error instanceof QstateError, `call ${nth}: ${String(error)}`)
        }
        if (run !== undefined) assertReportIsTrue(host, run)
        if (run !== undefined) {
          const told = run.report.qubes.reduce((sum, one) => sum + one.writes + one.unanswered, 0)
          // An empty answer is a refusal, also where the daemon died of the call.
          const refused = run.report.qubes
            .flatMap(({ error, outcomes }) => [error, ...outcomes.map((outcome) => outcome.error)])
            .some((error) => error?.code === 'refused')
          assert.ok(host.simulator.writes() <= told + (refused ? 1 : 0), `call ${nth}: each write is counted`)
        }
        if (run?.code === 0) assert.deepEqual(differences(goal, withoutRecords(host.snapshot())), [])
        host.simulator.setFaults([])
        await host.simulator.restart()
        const again = await host.apply(desiredState(SECOND), { parallelism: 1 })
        assert.equal(again.code, 0, `call ${nth}: ${JSON.stringify(again.report.qubes, null, 1)}`)
        assert.deepEqual(differences(goal, withoutRecords(host.snapshot())), [], `call ${nth}`)
        assert.deepEqual(ownedIn(host.snapshot()), ownedIn(baseline.snapshot()), `call ${nth}`)
        await host.apply(desiredState({}))
        assert.deepEqual(ownedIn(host.snapshot()), {}, `call ${nth}`)
        assert.equal(host.snapshot().get('win-a feature timer-period'), '7', 'what is foreign stays')
        // An answer that was cut may read as another value: then someone else is taken to have set what is there since, and it stays.
        const isSeenAsOthers = run?.report.qubes
          .flatMap(({ outcomes }) => outcomes)
          .some(({ path, error }) => path === 'audio/model' && error?.code === 'not-kept')
        const left = isSeenAsOthers === true ? 'ich6' : undefined
        assert.equal(host.snapshot().get('win-a feature audio-model'), left, 'what is ours is withdrawn')
      } finally {
        await scope.end()
      }
    }
  })
}

async function prepared(scope: Parameters<typeof startHost>[0]): Promise<TestHost> {
  const host = await startHost(scope, {
    fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }, { name: 'win-c' }]),
  })
  host.setFeature('win-a', 'timer-period', '7')
  await host.apply(desiredState(FIRST))
  return host
}
