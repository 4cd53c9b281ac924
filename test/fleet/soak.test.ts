import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { rolloutLine } from '../../cli/views/rollout.ts'
import { type HostState, type RolloutState } from '../../documents/fleet/index.ts'
import { startRollout } from '../../fleet/rollout/start.ts'
import { localStore } from '../../fleet/store/local-store.ts'
import { KEYS } from '../../fleet/store/store.ts'
import { chooseWaves } from '../../spec/fleet/choose.ts'
import { loadFleet } from '../../spec/fleet/load.ts'
import { type Result, runCli } from '../cli/run-cli.ts'
import { tempFolder } from '../support/temp.ts'

const TEXT = `apiVersion: qstate/v1
kind: Fleet
name: home
hosts:
${['a', 'b', 'c', 'd'].map((name) => `  ${name}: { reach: { socket: ${name}.sock } }\n`).join('')}---
apiVersion: qstate/v1
kind: Rollout
name: careful
revision: main
canary: { hosts: [a, b], soak: 1d }
waves: [{ hosts: [c], approval: manual }, { soak: 0s }]
soak: 90m
`
const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** A rollout that has come so far by its own clock; hosts that are not said are waiting. */
function rolloutAt(clockMs: number, hosts: Readonly<Record<string, Partial<HostState>>>): RolloutState {
  const { fleet, rollouts } = loadFleet([{ path: 'fleet.yaml', text: TEXT }])
  assert.ok(fleet && rollouts[0])
  const [spec] = rollouts
  const waves = chooseWaves(spec, fleet)
  const state = startRollout({ serial: 1, spec, waves, commit: 'b'.repeat(40), by: 'me', at: '2026-11-24' })
  const moved = Object.entries(state.hosts).map(([name, host]) => [name, { ...host, ...hosts[name] }])
  return { ...state, clockMs, hosts: Object.fromEntries(moved) as RolloutState['hosts'] }
}

async function statusOf(t: TestContext, state: RolloutState, columns = 100): Promise<Result> {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'fleet.yaml'), TEXT)
  const store = localStore(join(folder, 'state/fleets/home/store'), () => Promise.resolve())
  await store.put(KEYS.rollout, state, 0)
  await store.close()
  return runCli(['rollout', 'status', '--state-dir', join(folder, 'state')], { cwd: folder, columns })
}

const soaking = (since: number): Partial<HostState> => ({ stage: 'soaking', since, given: true })

for (const { reason, state, expected } of [
  {
    reason: 'before anybody soaks, how long it will be',
    state: rolloutAt(0, { a: { stage: 'ordered' } }),
    expected: [
      '  ▸ canary  1 at work, 1 waiting; soak 1d',
      '    wave-1  1 waiting; needs approval; soak 1h 30m',
      '    wave-2  1 waiting',
    ],
  },
  {
    reason: 'what is left, of the host that began last',
    state: rolloutAt(5 * HOUR, { a: soaking(2 * HOUR), b: soaking(4 * HOUR + 15 * MINUTE) }),
    expected: ['  ▸ canary  2 soaking; soak 1d, over in 23h 15m'],
  },
  {
    reason: 'seconds at the end, and then that it is over and the host has still to answer',
    state: {
      ...rolloutAt(30 * HOUR, {
        a: { stage: 'passed' },
        b: { ...soaking(6 * HOUR), look: true },
        c: soaking(28 * HOUR + 30 * MINUTE + 40_000),
      }),
      wave: 1,
      approved: [1],
    },
    expected: [
      '    canary  1 passed, 1 soaking; soak 1d, over',
      '  ▸ wave-1  1 soaking; soak 1h 30m, over in 40s',
    ],
  },
  {
    reason: 'nothing of it where the wave has passed, or nobody is given the revision any more',
    state: {
      ...rolloutAt(30 * HOUR, { a: { stage: 'passed' }, b: { stage: 'passed' }, c: soaking(29 * HOUR) }),
      wave: 1,
      phase: 'stopping' as const,
    },
    expected: ['  ✓ canary  2 passed', '    wave-1  1 soaking'],
  },
]) {
  test(`a status says of a soak: ${reason}`, async (t) => {
    const { out } = await statusOf(t, state)
    const waves = out.split('\n').filter((line) => /canary|wave-/.test(line.slice(0, 12)))
    assert.deepEqual(waves.slice(0, expected.length), expected)
  })
}

test('a narrow terminal has what is said of a wave below it, and a log says nothing that changes by the minute', async (t) => {
  const state = rolloutAt(HOUR, { a: soaking(0), b: { stage: 'ordered' } })
  const { out } = await statusOf(t, state, 40)
  assert.match(out, /^ {2}▸ canary {2}1 at work, 1 soaking; soak\n {12}1d, over in 23h$/m)
  assert.equal(rolloutLine(state), 'running · canary: 1 at work, 1 soaking; soak 1d')
})
