import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { writeManifest } from '../../spec/export/manifest.ts'
import { type DesiredState, type Value } from '../../spec/vocabulary/desired-state.ts'
import {
  type ForeignWrite,
  foreignWritesOf,
  meddle,
  QUBES,
  randomHost,
  wantedOf,
} from '../support/generate.ts'
import { type TestHost } from '../support/host.ts'
import { check } from '../support/property.ts'
import { act } from '../support/requests.ts'
import { isKeyOf, meaningOf, meaningOfValue, textIn } from '../support/settings.ts'
import { changedKeys, RECORD, type Snapshot } from '../support/snapshot.ts'
import { type Wanted } from '../support/spec.ts'
import { ownScope } from '../support/temp.ts'
import { type AgentWorld, agentWorld } from './world.ts'
import { type SimulatedVersion } from '../../simulator/index.ts'

/** A day in the life of an agent: random commits, foreign changes and faults, in virtual time. */

type Happening =
  | { readonly what: 'commit'; readonly wanted: Wanted }
  | { readonly what: 'meddle'; readonly writes: readonly ForeignWrite[] }
  | { readonly what: 'refuse-writes'; readonly qube: string }
  | { readonly what: 'restart-qube'; readonly qube: string }
  | { readonly what: (typeof PLAIN)[number] }

const PLAIN = [
  'unsigned',
  'invalid',
  'rewind',
  'repository-away',
  'repository-back',
  'daemon-away',
  'daemon-back',
  'calls-drop',
  'calls-refused',
  'faults-over',
  'kill',
  'stop',
  'suspend',
  'resume',
  'nothing',
] as const

interface Step {
  readonly minutes: number
  readonly happening: Happening
}

const MINUTE = 60_000
const DAY_MINUTES = 24 * 60

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: wantedOf().map((wanted) => ({ what: 'commit' as const, wanted })) },
  {
    weight: 6,
    arbitrary: foreignWritesOf(4).map((writes) => ({ what: 'meddle' as const, writes })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...QUBES).map((name) => ({ what: 'refuse-writes' as const, qube: name })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...QUBES).map((name) => ({ what: 'restart-qube' as const, qube: name })),
  },
  { weight: 12, arbitrary: fc.constantFrom(...PLAIN).map((what) => ({ what })) },
)
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ minutes: fc.integer({ min: 0, max: 60 }), happening }),
  {
    minLength: 40,
    maxLength: 60,
  },
)

const days = fc.record({
  release: fc.constantFrom<SimulatedVersion>('4.3', '4.4'),
  initial: foreignWritesOf(6),
  steps,
})

/** A spec that says what is wanted, as far as one spec can. Off is written, absent is left out. */
function yamlOf(wanted: Wanted): string {
  const qubes = Object.entries(wanted).map(([name, values]) => ({
    name,
    settings: new Map(Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== null)),
    leftOut: [],
    isWindows: false,
    owned: new Set<string>(),
  }))
  return writeManifest({ header: [], name: 'test', qubes, devices: new Map() }).yaml
}

/** Says something that no good commit ever does. */
const FORBIDDEN =
  'apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: { qube: { features: { forbidden: "1" } } }\n'
const INVALID =
  'apiVersion: qstate/v1\nqubes:\n  win-a: { qube: { features: { forbidden: 1, forbidden: 2 } } }\n'

test('24 hours of commits, foreign changes and faults converge, and keep every promise on the way', async (t) => {
  await check(t, days, 4, async ({ release, initial, steps }) => {
    const scope = ownScope()
    try {
      const host = await randomHost(scope, release, initial)
      const agent = agentWorld(host, {
        policy: {
          commits: 'apply',
          drift: new Map([['default', 'correct']]),
          withdraw: 'apply',
        },
      })
      scope.after(() => agent.stop())
      const day = newDay(agent, host)
      commit({}, day)
      agent.begin()
      await agent.pass(MINUTE)
      let minutes = 0
      for (const { minutes: wait, happening } of steps) {
        await happen(happening, day)
        await passChecked(wait * MINUTE, day)
        minutes += wait
      }
      await settleDown(day)
      await passChecked(Math.max(0, DAY_MINUTES - minutes) * MINUTE, day)
      await assertConverged(day)
    } finally {
      await scope.end()
    }
  })
})

interface Day {
  readonly agent: AgentWorld
  readonly host: TestHost
  /** Paths that some good commit has asked for, by qube. */
  readonly asked: Map<string, Set<string>>
  readonly good: string[]
  suspended: boolean
}

const newDay = (agent: AgentWorld, host: TestHost): Day => ({
  agent,
  host,
  asked: new Map(),
  good: [],
  suspended: false,
})

async function happen(happening: Happening, day: Day): Promise<void> {
  const { agent, host } = day
  const { branch } = agent
  switch (happening.what) {
    case 'commit':
      commit(happening.wanted, day)
      return
    case 'meddle':
      meddle(host, happening.writes)
      return
    case 'refuse-writes':
      host.simulator.setFaults([{ match: { dest: happening.qube, writesOnly: true }, do: 'refuse' }])
      return
    case 'restart-qube':
      restart(happening.qube, host)
      return
    case 'unsigned':
      branch.commit(FORBIDDEN, 'unsigned')
      return
    case 'invalid':
      branch.commit(INVALID)
      return
    case 'rewind': {
      const [first] = branch.commits.keys()
      if (first !== undefined) branch.rewind(first)
      return
    }
    case 'repository-away':
    case 'repository-back':
      branch.reachable = happening.what === 'repository-back'
      return
    case 'daemon-away':
    case 'daemon-back':
      await agent.away(happening.what === 'daemon-away')
      return
    case 'calls-drop':
      host.simulator.setFaults([{ match: {}, after: 3, do: 'drop-after' }])
      return
    case 'calls-refused':
      host.simulator.setFaults([{ match: { method: 'admin.vm.feature.*' }, after: 2, do: 'refuse' }])
      return
    case 'faults-over':
      host.simulator.setFaults([])
      return
    case 'kill':
      await agent.kill()
      agent.begin()
      return
    case 'stop':
      await agent.stop()
      agent.begin()
      return
    case 'suspend':
    case 'resume':
      day.suspended = happening.what === 'suspend'
      await agent.store().suspend(day.suspended ? { until: null, by: 'test', since: '', why: '' } : null)
      agent.nudge()
      return
    case 'nothing':
  }
}

/** On top of a good commit: what is on top of a bad one is as bad. */
function commit(wanted: Wanted, { agent, asked, good }: Day): void {
  const last = good.at(-1)
  if (last !== undefined) agent.branch.rewind(last)
  const yaml = yamlOf(wanted)
  good.push(agent.branch.commit(yaml))
  for (const [qube, { settings }] of desiredIn(yaml).qubes) {
    const paths = asked.get(qube) ?? new Set()
    for (const path of settings.keys()) paths.add(path)
    asked.set(qube, paths)
  }
}

function desiredIn(yaml: string): DesiredState {
  const { manifest, diagnostics } = loadManifest([{ path: 'host.yaml', text: yaml }])
  assert.ok(manifest, JSON.stringify(diagnostics))
  const { desired } = resolve(manifest, { qubes: [] })
  assert.ok(desired)
  return desired
}

function restart(qube: string, { simulator }: TestHost): void {
  const isRunning = simulator.host.qubes.get(qube)?.state === 'Running'
  const method = isRunning ? 'admin.vm.Shutdown' : 'admin.vm.Start'
  try {
    act(simulator, { dest: qube, method, arg: '', payload: '' })
  } catch {
    // qubesd may say no: a required device that is not there, an app qube of a running template.
  }
}

/** Lets time go by, and looks at what the agent did in it. */
async function passChecked(ms: number, { agent, host, asked, suspended }: Day): Promise<void> {
  await agent.settle()
  const before = host.snapshot()
  const writes = host.simulator.writes()
  await agent.pass(ms)
  if (suspended) assert.equal(host.simulator.writes(), writes, 'suspended, and it wrote')
  const after = host.snapshot()
  for (const key of changedKeys(before, after)) assert.ok(isAskedFor(key, asked), `${key} is nobody’s wish`)
  for (const qube of QUBES) assert.equal(after.get(`${qube} feature forbidden`), undefined)
  assert.deepEqual(
    agent.log.filter((line) => line.startsWith('BUG')),
    [],
  )
}

function isAskedFor(key: string, asked: Day['asked']): boolean {
  if (key.endsWith(` feature ${RECORD}`)) return true
  return [...asked].some(([qube, paths]) => [...paths].some((path) => isKeyOf(qube, path, key)))
}

/** All is well again, and one more good commit comes. */
async function settleDown(day: Day): Promise<void> {
  const { agent, host, good } = day
  host.simulator.setFaults([])
  agent.branch.reachable = true
  await agent.away(false)
  day.suspended = false
  await agent.store().suspend(null)
  const last = good.at(-1) ?? ''
  agent.branch.rewind(last)
  good.push(agent.branch.commit(agent.branch.commits.get(last)?.yaml ?? ''))
  // Whatever was taken before, this one is.
  await agent.store().accept(agent.branch.tip)
  // The longest that anything is left alone for, and a comparison after it.
  await passChecked(8 * 60 * MINUTE, day)
  const held = agent.memory().held.filter(({ why }) => why === 'withdrawal')
  if (held.length === 0) return
  // All settings of a qube are withdrawn only once a person applies that.
  const { code } = await host.apply(agent.branch.commits.get(agent.branch.tip ?? '')?.yaml ?? '')
  assert.equal(code, 0)
  await passChecked(MINUTE, day)
}

async function assertConverged({ agent, host, good }: Day): Promise<void> {
  const yaml = agent.branch.commits.get(good.at(-1) ?? '')?.yaml ?? ''
  const snapshot = host.snapshot()
  for (const [qube, { settings }] of desiredIn(yaml).qubes)
    for (const { path, value } of settings.values()) assertMeans(snapshot, qube, path, value)
  const memory = agent.memory()
  const told = JSON.stringify({ ...memory, log: agent.log.slice(-5) }, null, 1)
  assert.equal(memory.inForce?.commit, agent.branch.tip, told)
  assert.deepEqual([memory.drift, memory.held, memory.error, memory.refused], [[], [], null, null], told)
  const writes = host.simulator.writes()
  agent.nudge()
  await agent.pass(MINUTE)
  assert.equal(host.simulator.writes(), writes, 'there was nothing to do, and it wrote')
}

function assertMeans(snapshot: Snapshot, qube: string, path: string, value: Value | null): void {
  assert.equal(
    meaningOf(path, textIn(snapshot, qube, path)),
    meaningOfValue(path, value),
    `${qube} ${path} is not as wanted`,
  )
}
