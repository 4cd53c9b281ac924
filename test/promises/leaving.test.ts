import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { planIsEmpty } from '../../reconciler/plan/plan.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { foreignWritesOf, randomHost, releases, textsIn, wantedOf } from '../support/generate.ts'
import { hostOptions } from '../support/cli.ts'
import { type Applied, readFixture, startHost, type TestHost } from '../support/host.ts'
import { startQstate } from '../support/process.ts'
import { check, sample } from '../support/property.ts'
import { differences, RECORD, type Snapshot } from '../support/snapshot.ts'
import { desiredState } from '../support/spec.ts'
import { ownScope, type Scope } from '../support/temp.ts'
import { untilRequest } from '../support/watch.ts'

/** Leaving: whatever was applied, and wherever the run that gives it back is cut off, the host is as before qstate in the end. */

const CUTS = ['drop-before', 'drop-after', 'die-before', 'die-after'] as const

const histories = fc.record({
  release: releases,
  initial: foreignWritesOf(10),
  office: wantedOf(),
  home: wantedOf(),
  later: wantedOf(),
  cuts: fc.array(fc.record({ cut: fc.constantFrom(...CUTS), nth: fc.nat(12) }), { maxLength: 2 }),
})

/** Undefined where the run ended before it could plan. */
async function withdrawCutOff(host: TestHost, cut: (typeof CUTS)[number], nth: number): Promise<void> {
  host.simulator.setFaults([{ match: { writesOnly: true }, after: nth, times: 1, do: cut }])
  try {
    await host.withdraw()
  } catch (error) {
    assert.ok(error instanceof QstateError, String(error))
  } finally {
    host.simulator.setFaults([])
    await host.simulator.restart()
  }
}

const recordsIn = (snapshot: Snapshot): readonly string[] =>
  [...snapshot.keys()].filter((key) => key.endsWith(` feature ${RECORD}`))

/** Qubes of two configurations are not the same ones: what another one owns blocks. */
const only = <T>(wanted: Readonly<Record<string, T>>, isOffice: boolean): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(wanted).filter(([qube]) => (qube === 'win-a') === isOffice))

test('after any applies of two configurations, all is as before qstate, and the second run writes nothing', async (t) => {
  await check(t, histories, 30, async ({ release, initial, office, home, later, cuts }) => {
    const scope = ownScope()
    try {
      const host = await randomHost(scope, release, initial)
      const start = textsIn(host.snapshot())
      await host.apply(desiredState(only(office, true), 'office'))
      await host.apply(desiredState(only(home, false), 'home'))
      await host.apply(desiredState(only(later, true), 'office'))
      for (const { cut, nth } of cuts) await withdrawCutOff(host, cut, nth)
      const last: Applied = await host.withdraw()
      assert.equal(last.code, 0, JSON.stringify([last.plan.qubes, last.report.qubes], null, 1))
      assert.deepEqual(textsIn(host.snapshot()), start)
      assert.deepEqual(recordsIn(host.snapshot()), [])
      assert.deepEqual([...(await host.receipts.open())], [], 'nothing is left open')

      host.simulator.clearLog()
      const again = await host.withdraw()
      assert.ok(planIsEmpty(again.plan))
      assert.deepEqual([again.plan.qubes, host.simulator.writes()], [[], 0])
    } finally {
      await scope.end()
    }
  })
})

const SPEC = 'examples/office.yaml'

/** Points to try in `npm test`, spread over all of them; `QSTATE_LONG=1` tries every one. */
const DEFAULT_POINTS = 8

const officeHost = async (scope: Scope): Promise<TestHost> => {
  const host = await startHost(scope, { fixture: readFixture('examples/hosts/office.json') })
  const run = await startQstate([...hostOptions(host), 'apply', '--yes', SPEC]).ended
  assert.equal(run.code, 0, run.err)
  return host
}

const LEAVE = ['withdraw', '--all', '--yes']

test('killed before or after any write of leaving, the next run leaves what no kill would have left', async (t) => {
  const scope = ownScope()
  t.after(() => scope.end())
  const whole = await officeHost(scope)
  whole.simulator.clearLog()
  const run = await startQstate([...hostOptions(whole), ...LEAVE]).ended
  assert.equal(run.code, 0, run.out + run.err)
  const goal = whole.snapshot()
  assert.deepEqual(recordsIn(goal), [])
  const points = Array.from({ length: whole.simulator.writes() }, (_, nth) => nth).flatMap((nth) =>
    (['hang', 'hang-after'] as const).map((fault) => ({ nth, fault })),
  )
  for (const { nth, fault } of sample(t, points, DEFAULT_POINTS)) {
    const own = ownScope()
    try {
      const host = await officeHost(own)
      host.simulator.clearLog()
      host.simulator.setFaults([{ match: { writesOnly: true }, after: nth, times: 1, do: fault }])
      const watch = untilRequest(host.simulator, (request) => request.write, nth)
      const killed = startQstate([...hostOptions(host), ...LEAVE])
      await Promise.race([watch.taken, killed.ended])
      killed.child.kill('SIGKILL')
      assert.equal((await killed.ended).signal, 'SIGKILL', `${fault} ${nth}: it was killed at its work`)
      host.simulator.setFaults([])
      const again = await startQstate([...hostOptions(host), ...LEAVE]).ended
      assert.equal(again.code, 0, `${fault} ${nth}: ${again.out}${again.err}`)
      assert.deepEqual(differences(goal, host.snapshot()), [], `${fault} ${nth}`)
    } finally {
      await own.end()
    }
  }
})
