import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { planIsEmpty } from '../../reconciler/plan/plan.ts'
import { mapLimited } from '../../reconciler/ports/map-limited.ts'
import { hostOptions } from '../support/cli.ts'
import { readFixture, ROOT, startHost, type TestHost } from '../support/host.ts'
import { windowsHost } from '../support/fixtures.ts'
import { type Running, startQstate } from '../support/process.ts'
import { sample } from '../support/property.ts'
import { differences, ownedIn, type Snapshot, withoutRecords } from '../support/snapshot.ts'
import { desiredState } from '../support/spec.ts'
import { ownScope, type Scope } from '../support/temp.ts'
import { untilRequest } from '../support/watch.ts'
import { type SimulatedVersion } from '../../simulator/index.ts'

/**
 * Promises 2 and 4 with real processes: `qstate apply` of the office of twelve qubes is killed (SIGKILL) right before and
 * right after every single write to qubesd, each on a host of its own, and run again.
 */

const SPEC = 'examples/office.yaml'
const RELEASES: readonly SimulatedVersion[] = ['4.3', '4.4']
/** Points to try in `npm test`, spread over all of them; `QSTATE_LONG=1` tries every one. */
const DEFAULT_POINTS = 20

interface Goal {
  readonly start: Snapshot
  readonly applied: Snapshot
  /** After the spec no longer asks for anything. */
  readonly dropped: Snapshot
  readonly writes: number
}

interface Point {
  readonly release: SimulatedVersion
  readonly nth: number
  readonly moment: 'before' | 'after'
  readonly parallelism: 1 | 4
}

const office = (scope: Scope, release: SimulatedVersion): Promise<TestHost> =>
  startHost(scope, { fixture: readFixture('examples/hosts/office.json'), release })

/** What an uninterrupted run leaves, and what is left when everything is dropped. */
async function goalOf(release: SimulatedVersion): Promise<Goal> {
  const scope = ownScope()
  try {
    const host = await office(scope, release)
    const start = host.snapshot()
    const run = await startQstate([...hostOptions(host), 'apply', '--yes', SPEC]).ended
    assert.equal(run.code, 0, run.err)
    const writes = host.simulator.writes()
    const applied = host.snapshot()
    await dropAll(host)
    return { start, applied, dropped: host.snapshot(), writes }
  } finally {
    await scope.end()
  }
}

/**
 * Nothing is asked for any more. On a qube that runs, the record stays for as long as something waits for its next start;
 * so that they are stopped, and it is said once more.
 */
async function dropAll(host: TestHost): Promise<void> {
  assert.equal((await host.apply(desiredState({}, 'office'))).code, 0)
  assert.deepEqual(ownedIn(host.snapshot()), {})
  for (const qube of host.simulator.host.qubes.values())
    if (qube.klass === 'StandaloneVM') qube.state = 'Halted'
  assert.equal((await host.apply(desiredState({}, 'office'))).code, 0)
}

async function killAt({ release, nth, moment, parallelism }: Point, goal: Goal): Promise<void> {
  const scope = ownScope()
  const where = `${release}, ${moment} write ${nth + 1}, ${parallelism} at once`
  try {
    const host = await office(scope, release)
    const argv = [...hostOptions(host), 'apply', '--yes', '--parallelism', String(parallelism), SPEC]
    const fault = moment === 'before' ? 'hang' : 'hang-after'
    host.simulator.setFaults([{ match: { writesOnly: true }, after: nth, times: 1, do: fault }])
    const watch = untilRequest(host.simulator, (request) => request.write, nth)
    const killed = startQstate(argv)
    await Promise.race([watch.taken, killed.ended])
    killed.child.kill('SIGKILL')
    assert.equal((await killed.ended).signal, 'SIGKILL', `${where}: it was killed at its work`)
    host.simulator.setFaults([])

    const again = await startQstate(argv).ended
    assert.equal(again.code, 0, `${where}: ${again.out}${again.err}`)
    assert.match(
      again.err,
      /warning: the last apply \(generation 1, .*\) was cut off after [0-9]+ writes?\b/,
      where,
    )
    const expected = differences(withoutRecords(goal.applied), withoutRecords(host.snapshot()))
    assert.deepEqual(expected, [], `${where}: the same state as of a run that nobody killed`)
    assert.deepEqual(ownedIn(host.snapshot()), ownedIn(goal.applied), `${where}: the same is owned`)

    const yaml = readFileSync(join(ROOT, SPEC), 'utf8')
    assert.ok(planIsEmpty(await host.plan(yaml)), `${where}: and nothing is left to do`)
    await dropAll(host)
    assert.deepEqual(differences(goal.dropped, host.snapshot()), [], `${where}: nothing owned was forgotten`)
  } finally {
    await scope.end()
  }
}

test('killed before or after any write of an apply of twelve qubes, the next run leaves what no kill would have left', async (t) => {
  const goals = new Map<SimulatedVersion, Goal>()
  for (const release of RELEASES) goals.set(release, await goalOf(release))
  const all = [...goals].flatMap(([release, { writes }]) =>
    Array.from({ length: writes }, (_, nth) => nth).flatMap((nth): Point[] => [
      { release, nth, moment: 'before', parallelism: nth % 2 === 0 ? 1 : 4 },
      { release, nth, moment: 'after', parallelism: nth % 2 === 0 ? 4 : 1 },
    ]),
  )
  await mapLimited(sample(t, all, DEFAULT_POINTS), 2, (point) => killAt(point, goals.get(point.release)!))
})

test('dropping everything leaves no trace of qstate, and of the host only what qstate took over from it is gone', async () => {
  const { start, dropped } = await goalOf('4.3')
  assert.deepEqual(
    [...dropped.keys()].filter((key) => /qstate/.test(key)),
    [],
  )
  const gone = differences(start, dropped)
  const surprising = gone.filter((line) => !line.endsWith('-> nothing') && !line.includes(' state: '))
  assert.deepEqual(surprising, [], 'no value is left that was not there')
})

test('what a run has taken that was killed is measured as all else: to drop it needs consent', async () => {
  const tags = Array.from({ length: 18 }, (_, number) => `t${number}`)
  const spec = (qubes: string): string => `apiVersion: qstate/v1\nname: test\nqubes:\n${qubes}`
  const [few, many] = [
    '  win-a: { qube: { vcpus: 3 } }\n',
    `  win-a: { qube: { vcpus: 3 }, tags: [${tags.join()}] }\n`,
  ]
  // All of win-a is set, the record of win-b is written; all is set.
  for (const nth of [19, 20]) {
    const scope = ownScope()
    try {
      const host = await startHost(scope, { fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }]) })
      const run = (word: string, text: string): Running => {
        const path = join(host.folder, 'spec.yaml')
        writeFileSync(path, spec(text))
        const options = word === 'plan' ? ['--json'] : ['--yes', '--parallelism', '1']
        return startQstate([...hostOptions(host), word, ...options, path])
      }
      assert.equal((await run('apply', few).ended).code, 0)
      const more = `${many}  win-b: { tags: [last] }\n`
      host.simulator.setFaults([{ match: { writesOnly: true }, after: nth, times: 1, do: 'hang-after' }])
      host.simulator.clearLog()
      const watch = untilRequest(host.simulator, (request) => request.write, nth)
      const killed = run('apply', more)
      await Promise.race([watch.taken, killed.ended])
      killed.child.kill('SIGKILL')
      assert.equal((await killed.ended).signal, 'SIGKILL')
      host.simulator.setFaults([])
      assert.equal((await run('apply', more).ended).code, 0)

      const { out, err } = await run('plan', `${few}  win-b: { tags: [last] }\n`).ended
      const { consent } = JSON.parse(out) as { consent?: { withdrawals: object[] } }
      assert.equal(consent?.withdrawals.length, tags.length, `write ${nth + 1}: ${err}`)
    } finally {
      await scope.end()
    }
  }
})
