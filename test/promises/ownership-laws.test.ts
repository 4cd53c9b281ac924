import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { applyPlan } from '../../reconciler/applying/apply.ts'
import { ownRecord, parseRecord } from '../../reconciler/ownership/parse-record.ts'
import { type OwnershipRecord } from '../../reconciler/ownership/record.ts'
import { needsApply, type Plan } from '../../reconciler/plan/plan.ts'
import { type Report } from '../../reconciler/plan/report.ts'
import { makePlan } from '../../reconciler/planning/make-plan.ts'
import { makeRollbackPlan } from '../../reconciler/planning/rollback-plan.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Value } from '../../spec/vocabulary/desired-state.ts'
import { NO_JOURNAL } from '../support/host.ts'
import {
  assignmentText,
  cutOff,
  type MemoryHost,
  memoryHost,
  recordKey,
  setText,
} from '../support/memory-host.ts'
import { check } from '../support/property.ts'
import { desiredState, type Wanted, type Ways } from '../support/spec.ts'

/**
 * What qstate takes, it gives back: laws over random hosts, specs, writers and cut-offs, on texts and not on meanings. Sets of
 * values are tiny, so that values meet far more often than in life.
 */

const QUBES = ['win-a', 'win-b'] as const

interface Setting {
  readonly path: string
  /** Below the qube. */
  readonly key: string
  readonly values: readonly (Value | null)[]
  /** Texts of others that mean none of these values. */
  readonly foreign: readonly string[]
  /** Texts that mean what qstate may have set itself: nobody can tell whose they are. */
  readonly own: readonly string[]
}

const device = { device_id: '*', port_id: '2-1', backend_domain: 'sys-usb' }

const SETTINGS: readonly Setting[] = [
  {
    path: 'audio/model',
    key: 'feature audio-model',
    values: ['ich6', 'ac97', '', null],
    foreign: ['banana', 'sb16'],
    own: ['ich6', ''],
  },
  {
    path: 'stubdom/qrexec',
    key: 'feature stubdom-qrexec',
    values: [false, null],
    foreign: ['True', 'yes', '1'],
    own: [''],
  },
  {
    path: 'qube/features/gui-emulated',
    key: 'feature gui-emulated',
    values: ['1', '', null],
    foreign: ['0'],
    own: ['1'],
  },
  { path: 'qube/vcpus', key: 'property vcpus', values: [2, 3, null], foreign: ['7', '9'], own: ['2'] },
  { path: 'tags/office', key: 'tag office', values: [true, null], foreign: [], own: [''] },
  {
    path: 'usb/sys-usb+2-1:*',
    key: 'usb sys-usb+2-1+_',
    values: [{ mode: 'auto-attach' }, { mode: 'ask-to-attach' }, null],
    foreign: [
      assignmentText({ ...device, mode: 'required' }),
      assignmentText({ ...device, mode: 'required', '_no-strict-reset': 'True' }),
    ],
    own: [assignmentText({ ...device, mode: 'auto-attach', _x: '1' })],
  },
]

const KEYS = QUBES.flatMap((qube) => SETTINGS.map(({ key }) => `${qube} ${key}`))

interface ForeignText {
  readonly key: string
  readonly text: string | null
}

const foreignText = (isOwnToo: boolean): fc.Arbitrary<ForeignText> =>
  fc
    .constantFrom(...QUBES)
    .chain((qube) =>
      fc
        .constantFrom(...SETTINGS)
        .chain(({ key, foreign, own }) =>
          fc
            .constantFrom(...foreign, ...(isOwnToo || foreign.length === 0 ? [...own, null] : []))
            .map((text) => ({ key: `${qube} ${key}`, text })),
        ),
    )

const initials = fc.array(foreignText(true), { maxLength: 10 })

/** What a spec says of both qubes, and how. */
interface Spec {
  readonly wanted: Wanted
  readonly ways: Ways
}

type Way = Ways[string][string] | 'plain'

const specsOf = (...ways: readonly Way[]): fc.Arbitrary<Spec> =>
  fc
    .tuple(
      ...QUBES.map(() =>
        fc.tuple(
          ...SETTINGS.map(({ values }) =>
            fc.option(fc.tuple(fc.constantFrom(...values), fc.constantFrom(...ways)), { nil: undefined }),
          ),
        ),
      ),
    )
    .map((qubes) => {
      const byQube = <T>(
        pick: (value: Value | null, way: Way) => T | undefined,
      ): Record<string, Record<string, T>> =>
        Object.fromEntries(
          qubes.map((settings, index) => [
            QUBES[index] ?? '',
            Object.fromEntries(
              settings.flatMap((one, at) => {
                const picked = one === undefined ? undefined : pick(...one)
                return picked === undefined ? [] : [[SETTINGS[at]?.path ?? '', picked]]
              }),
            ),
          ]),
        )
      return {
        wanted: byQube((value) => value),
        ways: byQube((_, way) => (way === 'plain' ? undefined : way)),
      }
    })

const specs = specsOf('plain', 'plain', 'once', 'report')

const NOTHING: Spec = { wanted: {}, ways: {} }

interface Disturbance {
  /** The step after which nothing more comes to pass. */
  readonly cut?: number | undefined
  /** What others do before each step. */
  readonly between?: (step: number) => void
  /** The write of this number is refused. */
  readonly refused?: number | undefined
}

interface Ran {
  readonly plan: Plan
  readonly report: Report | null
  readonly isCut: boolean
}

/** Other than records; an assignment is one text. */
const stateOf = ({ texts }: MemoryHost): ReadonlyMap<string, string> =>
  new Map([...texts].filter(([key]) => !key.endsWith('qstate.applied')).sort())

const begin = (initial: readonly ForeignText[]): MemoryHost => {
  const memory = memoryHost(QUBES)
  for (const { key, text } of initial) setText(memory.texts, key, text)
  return memory
}

let clock = 0

const contextOf = ({ host, qubes, receipts }: MemoryHost) =>
  ({
    host,
    providers,
    qubes,
    receipts,
    version: '4.3',
    now: new Date((clock += 1000)).toISOString(),
    commit: null,
    by: 'user@test',
    selects: () => true,
    parallelism: 1,
  }) as const

const planFor = (memory: MemoryHost, { wanted, ways }: Spec): Promise<Plan> =>
  makePlan(desiredState(wanted, 'test', ways), contextOf(memory))

/** Applies a plan while others write, a write is refused, or the run is killed. */
async function run(
  memory: MemoryHost,
  plan: Plan,
  { cut, between, refused }: Disturbance = {},
): Promise<Ran> {
  let [steps, writes, isCut] = [0, 0, false]
  memory.onStep = ({ kind, phase }) => {
    if (isCut || steps === cut) {
      isCut = true
      throw cutOff()
    }
    between?.(steps)
    if (kind === 'write' && phase === 'before' && writes++ === refused)
      throw new QstateError(problem('refused', 'not now', 'later'))
    steps += 1
  }
  const { host, qubes, receipts } = memory
  try {
    const signal = new AbortController().signal
    const options = { parallelism: 1, failFast: false, recheck: false, journal: NO_JOURNAL, signal }
    const report = await applyPlan(plan, { host, providers, qubes, receipts, ...options })
    return { plan, report, isCut }
  } finally {
    memory.onStep = () => undefined
  }
}

const apply = async (memory: MemoryHost, spec: Spec, how?: Disturbance): Promise<Ran> =>
  run(memory, await planFor(memory, spec), how)

/** Nothing is named any more, until nothing is left to do. */
async function leave(memory: MemoryHost): Promise<void> {
  for (let round = 0; round < 4; round++) {
    const { plan } = await apply(memory, NOTHING)
    if (!plan.qubes.some(needsApply)) break
  }
  for (const qube of QUBES)
    assert.equal(memory.texts.has(recordKey(qube)), false, `a record stays on ${qube}`)
}

const disturbances = fc.record({
  cut: fc.option(fc.nat(24), { nil: undefined }),
  refused: fc.option(fc.nat(8), { nil: undefined, freq: 3 }),
})

test('whatever was named, refused and cut off: in the end everything is as it was before qstate, to the letter', async (t) => {
  const history = fc.array(fc.record({ spec: specs, how: disturbances }), { minLength: 1, maxLength: 5 })
  await check(t, fc.tuple(initials, history), 600, async ([initial, steps]) => {
    const memory = begin(initial)
    const start = stateOf(memory)
    for (const { spec, how } of steps) {
      const { wanted } = spec
      const { report, isCut, plan } = await apply(memory, spec, how)
      if (isCut || report === null || report.qubes.some(({ status }) => !DONE.has(status))) continue
      assert.equal(plan.qubes.flatMap(({ blocked }) => blocked).length, 0)
      const now = stateOf(memory)
      for (const qube of QUBES) {
        for (const { path, key } of SETTINGS) {
          if (wanted[qube]?.[path] !== undefined) continue
          assert.equal(now.get(`${qube} ${key}`), start.get(`${qube} ${key}`), `${qube} ${path} is not named`)
        }
      }
    }
    await leave(memory)
    assert.deepEqual(stateOf(memory), start)
  })
})

const DONE: ReadonlySet<string> = new Set(['applied', 'unchanged'])

test('a run takes one write for each value and one for the record, and a second run takes none', async (t) => {
  const history = fc.array(
    fc.record({ spec: specs, foreign: fc.array(foreignText(true), { maxLength: 3 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  await check(t, fc.tuple(initials, history), 300, async ([initial, steps]) => {
    const memory = begin(initial)
    for (const { spec, foreign } of [...steps, { spec: NOTHING, foreign: [] }]) {
      for (const { key, text } of foreign) setText(memory.texts, key, text)
      memory.log.length = 0
      const { plan } = await apply(memory, spec)
      for (const { qube, changes } of plan.qubes) {
        const calls = changes.reduce((sum, { calls: own }) => sum + own.length, 0)
        const made = memory.log.filter(({ key }) => key.startsWith(`${qube} `)).length
        // A device that another qube waits for is given up first, so that what is withdrawn beside it leaves the record later.
        const isGiven = changes.some(({ path, after, reason }) => {
          return path.startsWith('usb/') && after === null && reason !== 'withdrawn'
        })
        const more = isGiven && changes.some(({ reason }) => reason === 'withdrawn') ? 2 : 1
        assert.ok(made <= calls + more, `${qube}: ${made} writes for ${calls} calls`)
      }
      memory.log.length = 0
      const again = await apply(memory, spec)
      assert.deepEqual([memory.log, again.plan.qubes.filter(needsApply)], [[], []])
      assert.deepEqual([...(await memory.receipts.open())], [])
    }
  })
})

test('what others set is never undone after them, and nothing of ours is left behind, also where runs are cut off', async (t) => {
  const step = fc.record({
    spec: specs,
    how: disturbances,
    foreign: fc.array(foreignText(false), { maxLength: 2 }),
    between: fc.array(
      fc.tuple(foreignText(false), fc.nat(20)).map(([text, at]) => ({ ...text, at })),
      { maxLength: 2 },
    ),
  })
  const history = fc.array(step, { minLength: 1, maxLength: 4 })
  await check(t, fc.tuple(initials, history), 600, async ([initial, steps]) => {
    const memory = begin(initial)
    const start = stateOf(memory)
    const seen = new Map(KEYS.map((key) => [key, [start.get(key)]]))
    const last = new Map<string, 'ours' | 'foreign'>()
    const byOthers = ({ key, text }: ForeignText): void => {
      setText(memory.texts, key, text)
      seen.get(key)?.push(text ?? undefined)
      last.set(key, 'foreign')
    }
    const watched = async (spec: Spec, how: Disturbance = {}): Promise<void> => {
      memory.log.length = 0
      const own = memory.log.push.bind(memory.log)
      memory.log.push = (...lines) => {
        for (const { key } of lines) last.set(key, 'ours')
        return own(...lines)
      }
      try {
        await apply(memory, spec, how)
      } finally {
        memory.log.push = own
      }
    }
    for (const { spec, how, foreign, between } of steps) {
      foreign.forEach(byOthers)
      const write = (step: number): void => {
        for (const one of between) if (one.at === step) byOthers(one)
      }
      await watched(spec, { ...how, between: write })
    }
    for (let round = 0; round < 4; round++) await watched(NOTHING)
    await leave(memory)
    const end = stateOf(memory)
    for (const key of KEYS) {
      if (isOwnOnly(key)) continue
      const texts = seen.get(key) ?? []
      if (last.get(key) === 'foreign') assert.equal(end.get(key), texts.at(-1), `${key}: theirs was undone`)
      else assert.ok(texts.includes(end.get(key)), `${key}: ${String(end.get(key))} is ours, and was left`)
    }
  })
})

test('under `drift: report` and `once` nothing foreign is overwritten and called ours, and nothing of ours is stuck, also where runs are cut off', async (t) => {
  const step = fc.record({
    spec: specsOf('report', 'report', 'once'),
    how: disturbances,
    foreign: fc.array(foreignText(false), { maxLength: 3 }),
  })
  let [left, overwritten] = [0, 0]
  await check(
    t,
    fc.tuple(initials, fc.array(step, { minLength: 1, maxLength: 4 })),
    600,
    async ([initial, steps]) => {
      const memory = begin(initial)
      const seen = new Map(KEYS.map((key) => [key, new Set([memory.texts.get(key)])]))
      // Nobody can tell whose a text is that was there before.
      const theirs = new Set<string>()
      const byOthers = ({ key, text }: ForeignText): void => {
        const known = seen.get(key)
        if (known?.has(text ?? undefined) === true || isOwnOnly(key)) theirs.delete(key)
        else theirs.add(key)
        known?.add(text ?? undefined)
        setText(memory.texts, key, text)
      }
      const watched = async (spec: Spec, how: Disturbance = {}): Promise<Plan> => {
        const owned = new Map(QUBES.map((qube) => [qube, recordOf(memory, qube)]))
        memory.log.length = 0
        const { plan } = await apply(memory, spec, how)
        for (const { key, text } of memory.log) {
          seen.get(key)?.add(text ?? undefined)
          if (!theirs.delete(key)) continue
          const { qube, path } = settingAt(key)
          const record = owned.get(qube)
          const [before, wanted] = [record?.set.get(path), spec.wanted[qube]?.[path]]
          overwritten += 1
          assert.ok(wanted !== undefined, `${key}: theirs was withdrawn`)
          if (before === undefined) continue
          assert.notEqual(spec.ways[qube]?.[path], 'once', `${key} was given once`)
          const isAnother = JSON.stringify(before) !== JSON.stringify(wanted)
          assert.ok(isAnother || record?.once.has(path) === true, `${key}: theirs was overwritten`)
        }
        // What was there when a setting was taken is its original: an unfinished run goes on to replace it.
        for (const key of KEYS) {
          const { qube, path } = settingAt(key)
          const isKnown = owned.get(qube)?.set.has(path) === true
          if (!isKnown && recordOf(memory, qube)?.set.has(path) === true) theirs.delete(key)
        }
        return plan
      }
      for (const { spec, how, foreign } of steps) {
        foreign.forEach(byOthers)
        await watched(spec, how)
      }
      const { spec } = steps.at(-1)!
      let plan = await watched(spec)
      for (let round = 0; round < 3 && plan.qubes.some(needsApply); round++) plan = await watched(spec)
      assert.deepEqual(plan.qubes.filter(needsApply), [])
      for (const { qube, reported = [] } of plan.qubes) {
        for (const { path, key } of SETTINGS) {
          const text = memory.texts.get(`${qube} ${key}`)
          const isReported = reported.some((one) => one.path === path)
          if (OWN_ONLY.has(key) || spec.wanted[qube]?.[path] === undefined) continue
          const isDrift = spec.ways[qube]?.[path] === 'report' && isForeign(key, text)
          assert.equal(isReported, isDrift, `${qube} ${path}: ${String(text)}`)
          if (isReported) left += 1
        }
      }
    },
  )
  assert.ok(left > 20 && overwritten > 20, `${left} left, ${overwritten} overwritten`)
})

const recordOf = ({ texts, qubes }: MemoryHost, name: string): OwnershipRecord | null =>
  ownRecord(texts.get(recordKey(name)) ?? null, {
    name,
    uuid: qubes.find((qube) => qube.name === name)?.uuid ?? null,
  })

function settingAt(key: string): { readonly qube: (typeof QUBES)[number]; readonly path: string } {
  const qube = QUBES.find((name) => key.startsWith(`${name} `))
  const setting = SETTINGS.find((one) => key === `${qube} ${one.key}`)
  assert.ok(qube !== undefined && setting !== undefined, `${key} is no setting`)
  return { qube, path: setting.path }
}

const isForeign = (key: string, text: string | undefined): boolean =>
  SETTINGS.some(
    (one) => ` ${key}`.endsWith(` ${one.key}`) && text !== undefined && one.foreign.includes(text),
  )

const isOwnOnly = (key: string): boolean => OWN_ONLY.has(key.slice(key.indexOf(' ') + 1))

/** Settings of which every foreign text is one that qstate may have set. */
const OWN_ONLY: ReadonlySet<string> = new Set(
  SETTINGS.filter(({ foreign }) => foreign.length === 0).map(({ key }) => key),
)

test('on the word of a record that was not last written from here nothing is written', async (t) => {
  const forgeries = fc.constantFrom('replayed', 'withdraws', 'originals', 'another qube’s', 'taken away')
  const history = fc.array(fc.record({ spec: specs, forgery: fc.option(forgeries) }), {
    minLength: 2,
    maxLength: 5,
  })
  let forged = 0
  await check(t, fc.tuple(initials, history), 300, async ([initial, steps]) => {
    const memory = begin(initial)
    const genuine = new Map<string, string[]>(QUBES.map((qube) => [recordKey(qube), []]))
    for (const { spec, forgery } of steps) {
      const { wanted } = spec
      const false_ = new Set<string>()
      for (const qube of QUBES) {
        const key = recordKey(qube)
        const there = memory.texts.get(key)
        const text = forge(forgery, there, genuine.get(key) ?? [], memory.texts.get(recordKey('win-b')))
        if (text === there) continue
        setText(memory.texts, key, text ?? null)
        if (text !== undefined) false_.add(qube)
        forged += 1
      }
      memory.log.length = 0
      await apply(memory, spec)
      for (const { key } of memory.log) {
        const qube = key.slice(0, key.indexOf(' '))
        assert.ok(!false_.has(qube) || isForeignUuid(memory, qube), `${key} is written on a false word`)
        const setting = SETTINGS.find((one) => key === `${qube} ${one.key}`)
        const isNamed = setting !== undefined && wanted[qube]?.[setting.path] !== undefined
        const owned = ownedBy(memory, qube, genuine.get(recordKey(qube))?.at(-1))
        assert.ok(setting === undefined || isNamed || owned.has(setting.path), `${key} is nobody’s to write`)
      }
      for (const { key, text } of memory.log) if (text !== null) genuine.get(key)?.push(text)
    }
  })
  assert.ok(forged > 50, String(forged))
})

function forge(
  kind: string | null,
  there: string | undefined,
  genuine: readonly string[],
  other: string | undefined,
): string | undefined {
  switch (kind) {
    case 'replayed':
      return genuine.at(-2) ?? there
    case 'withdraws':
      return there?.replace('"set":{', '"set":{"qube/memory":400,')
    case 'originals':
      return there?.replace(/,"orig":\{"([0-9]+)":[^,}]*/, ',"orig":{"$1":"9"')
    case 'another qube’s':
      return other
    case 'taken away':
      return undefined
    default:
      return there
  }
}

/** The record of another qube is not believed, and is replaced, as on a clone. */
function isForeignUuid(memory: MemoryHost, qube: string): boolean {
  return qube === 'win-a' && memory.log.some(({ key }) => key === recordKey('win-a'))
}

function ownedBy(memory: MemoryHost, name: string, text: string | undefined): ReadonlySet<string> {
  const uuid = memory.qubes.find((qube) => qube.name === name)?.uuid ?? ''
  const reading = parseRecord(text, { name, uuid })
  return new Set(reading.kind === 'record' ? reading.record.set.keys() : [])
}

/**
 * An assignment without its options. Qubes keeps them where the mode alone is set, and a record of what a spec wants has the mode
 * alone: they come back only where the run itself had replaced them.
 */
const withoutOptions = (text: string | undefined): string | undefined =>
  text?.startsWith('{') === true ? text.replace(/,"options":\{[^}]*\}/, '') : text

test('a rollback to before a run leaves each setting that it knew as it found it', async (t) => {
  const step = fc.record({ spec: specs, foreign: fc.array(foreignText(false), { maxLength: 3 }) })
  const history = fc.tuple(fc.array(step, { minLength: 1, maxLength: 4 }), fc.nat(3))
  await check(t, fc.tuple(initials, history), 300, async ([initial, [steps, nth]]) => {
    const memory = begin(initial)
    const runs: {
      readonly ran: Ran
      readonly found: ReadonlyMap<string, string>
      readonly spec: Spec
    }[] = []
    for (const { spec, foreign } of steps) {
      for (const { key, text } of foreign) setText(memory.texts, key, text)
      const found = stateOf(memory)
      runs.push({ ran: await apply(memory, spec), found, spec })
    }
    const from = nth % runs.length
    const undone = runs.slice(from).map(({ ran: { plan, report } }) => ({ plan, report }))
    const { spec, found } = runs[from]!
    const { wanted, ways } = spec
    if (!runs[from]!.ran.plan.qubes.some(needsApply)) return
    const plan = await makeRollbackPlan(undone.reverse(), contextOf(memory))
    // What others have set since is left to them, and nothing else is.
    const left = new Set(
      plan.qubes.flatMap(({ qube, blocked }) => {
        return blocked.map(({ path }) => `${qube} ${SETTINGS.find((one) => one.path === path)?.key ?? ''}`)
      }),
    )
    for (const key of left)
      if (!isOwnOnly(key)) assert.ok(isForeign(key, memory.texts.get(key)), `${key} is ours to give back`)
    const before = stateOf(memory)
    await run(memory, plan)
    for (const qube of QUBES) {
      for (const { path, key, own } of SETTINGS) {
        // Of a text that qstate might have written there is no telling how it was spelt.
        if (own.includes(found.get(`${qube} ${key}`) ?? '')) continue
        if (wanted[qube]?.[path] === undefined || OWN_ONLY.has(key) || left.has(`${qube} ${key}`)) continue
        const now = memory.texts.get(`${qube} ${key}`)
        if (isForeign(`${qube} ${key}`, now) && now === before.get(`${qube} ${key}`)) continue
        // Given once, it was the user's by then: what they have set meanwhile comes back to them.
        if (ways[qube]?.[path] === 'once' && isForeign(`${qube} ${key}`, now)) continue
        const then = found.get(`${qube} ${key}`)
        assert.equal(
          withoutOptions(now),
          withoutOptions(then),
          `${qube} ${path} is as generation ${from + 1} found it`,
        )
      }
    }
  })
})
