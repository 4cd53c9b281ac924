import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { applyPlan } from '../../reconciler/applying/apply.ts'
import { needsApply, type Plan } from '../../reconciler/plan/plan.ts'
import { makePlan } from '../../reconciler/planning/make-plan.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type DesiredState, type Value } from '../../spec/vocabulary/desired-state.ts'
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
import { desiredState } from '../support/spec.ts'

/**
 * Renames, between any two runs and after any cut-off: what qstate took is given back on the qube that has the place of the one it
 * was taken from. Qubes and the backend of a device are renamed; `$usb` in a path stands for its present name.
 */

const QUBES = ['win-a', 'win-b', 'sys-usb'] as const
type Name = (typeof QUBES)[number]

interface Setting {
  readonly path: string
  readonly key: string
  readonly values: readonly (Value | null)[]
  readonly texts: readonly string[]
}

const ask = assignmentText({ device_id: '*', port_id: '2-1', backend_domain: '$usb', mode: 'required' })

const SETTINGS: readonly Setting[] = [
  {
    path: 'audio/model',
    key: 'feature audio-model',
    values: ['ich6', 'ac97', null],
    texts: ['banana', 'ich6'],
  },
  { path: 'qube/vcpus', key: 'property vcpus', values: [2, 3, null], texts: ['7', '2'] },
  { path: 'tags/office', key: 'tag office', values: [true], texts: [''] },
  {
    path: 'usb/$usb+2-1:*',
    key: 'usb $usb+2-1+_',
    values: [{ mode: 'auto-attach' }, { mode: 'ask-to-attach' }],
    texts: [ask],
  },
]

/** One value of a table, or none, for each setting of both qubes. */
const each = <T>(of: (setting: Setting) => readonly T[]): fc.Arbitrary<ReadonlyMap<string, T>> =>
  fc
    .tuple(
      ...['win-a', 'win-b'].flatMap((qube) =>
        SETTINGS.map((setting) =>
          fc
            .option(fc.constantFrom(...of(setting)), { nil: undefined })
            .map((value) => [`${qube} ${setting.path}`, value] as const),
        ),
      ),
    )
    .map(
      (all) => new Map(all.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))),
    )

type Wanted = ReadonlyMap<string, Value | null>

interface Disturbance {
  /** The step after which nothing more comes to pass. */
  readonly cut?: number | undefined
  /** The write of this number is refused. */
  readonly refused?: number | undefined
}

/** A host, with the names that its qubes have by now. Settings are told by the names of the beginning. */
interface World {
  readonly memory: MemoryHost
  rename(name: Name): void
  plan(wanted: Wanted): Promise<Plan>
  /** Whether it came to its end. */
  apply(wanted: Wanted, how?: Disturbance): Promise<boolean>
  /** All but the records, under the names of the beginning. */
  state(): ReadonlyMap<string, string>
  /** Nothing is named any more, until nothing is left to do. */
  leave(): Promise<void>
}

function newWorld(initial: ReadonlyMap<string, string>): World {
  const memory = memoryHost(['win-a', 'win-b'])
  const { host, qubes, receipts } = memory
  const names = new Map<Name, string>(QUBES.map((name) => [name, name]))
  const moved: { readonly from: string; readonly to: string }[] = []
  let clock = 0
  const nameOf = (name: Name): string => names.get(name) ?? ''
  const present = (text: string): string => text.replaceAll('$usb', nameOf('sys-usb'))

  for (const [at, text] of initial) {
    const [qube = '', path = ''] = at.split(' ')
    const key = SETTINGS.find((one) => one.path === path)?.key ?? ''
    setText(memory.texts, present(`${qube} ${key}`), present(text))
  }

  function desired(wanted: Wanted): DesiredState {
    const byQube: Record<string, Record<string, Value | null>> = {}
    for (const [at, value] of wanted) {
      const [qube = '', path = ''] = at.split(' ')
      ;(byQube[nameOf(qube as Name)] ??= {})[present(path)] = value
    }
    const position = { file: 'test', line: 1, column: 1, length: 1 }
    return { ...desiredState(byQube), moved: moved.map((move) => ({ ...move, position })) }
  }

  const plan = (wanted: Wanted): Promise<Plan> =>
    makePlan(desired(wanted), {
      ...{ host, providers, qubes, receipts, version: '4.3', commit: null, by: 'user@test' },
      now: new Date((clock += 1000)).toISOString(),
      selects: () => true,
      parallelism: 1,
    })

  async function apply(wanted: Wanted, { cut, refused }: Disturbance = {}): Promise<boolean> {
    const made = await plan(wanted)
    assert.deepEqual(
      made.qubes.flatMap(({ blocked }) => blocked),
      [],
    )
    let [steps, writes, isCut] = [0, 0, false]
    memory.onStep = ({ kind, phase }) => {
      if (isCut || steps === cut) {
        isCut = true
        throw cutOff()
      }
      if (kind === 'write' && phase === 'before' && writes++ === refused)
        throw new QstateError(problem('refused', 'not now', 'later'))
      steps += 1
    }
    const { signal } = new AbortController()
    const options = { parallelism: 1, failFast: false, recheck: false, journal: NO_JOURNAL, signal }
    try {
      await applyPlan(made, { host, providers, qubes, receipts, ...options })
    } catch (error) {
      assert.ok(isCut, String(error))
    } finally {
      memory.onStep = () => undefined
    }
    return !isCut
  }

  function state(): ReadonlyMap<string, string> {
    const back = (text: string): string =>
      [...names].reduce(
        (all, [name, now]) => all.replaceAll(new RegExp(`\\b${now}(?=[ +"])`, 'g'), name),
        text,
      )
    return new Map(
      [...memory.texts]
        .filter(([key]) => !key.endsWith('qstate.applied'))
        .map(([key, text]) => [back(key), back(text)] as const)
        .sort(),
    )
  }

  return {
    memory,
    rename(name) {
      const move = { from: nameOf(name), to: `${name}${moved.length + 1}` }
      memory.rename(move.from, move.to)
      names.set(name, move.to)
      moved.push(move)
    },
    plan,
    apply,
    state,
    async leave() {
      for (let round = 0; round < 4; round++) {
        if (!(await plan(new Map())).qubes.some(needsApply)) break
        await apply(new Map())
      }
      for (const qube of names.values())
        assert.equal(memory.texts.has(recordKey(qube)), false, `a record stays on ${qube}`)
    },
  }
}

test('renamed between any two runs, also where writes are refused or a run is cut off, everything is given back in the end, to the letter', async (t) => {
  const step = fc.record({
    wanted: each(({ values }) => values),
    how: fc.record({
      cut: fc.option(fc.nat(24), { nil: undefined }),
      refused: fc.option(fc.nat(8), { nil: undefined }),
      again: fc.option(fc.nat(4), { nil: undefined }),
    }),
    renamed: fc.subarray([...QUBES]),
  })
  const history = fc.array(step, { minLength: 1, maxLength: 4 })
  await check(
    t,
    fc.tuple(
      each(({ texts }) => texts),
      history,
    ),
    500,
    async ([initial, steps]) => {
      const world = newWorld(initial)
      const start = world.state()
      for (const { wanted, how, renamed } of steps) {
        await world.apply(wanted, how)
        await world.apply(wanted, { refused: how.again })
        // What has just begun to pass over is not renamed once more before the next run.
        await world.apply(wanted)
        assert.deepEqual(
          (await world.plan(wanted)).qubes.filter(needsApply),
          [],
          'a second apply writes nothing',
        )
        renamed.forEach((name) => {
          world.rename(name)
        })
      }
      await world.leave()
      assert.deepEqual(world.state(), start)
    },
  )
})

const WANTED: Wanted = new Map<string, Value | null>([
  ['win-a audio/model', 'ich6'],
  ['win-a qube/vcpus', 3],
  ['win-a usb/$usb+2-1:*', { mode: 'auto-attach' }],
])
const INITIAL = new Map([
  ['win-a audio/model', 'banana'],
  ['win-a qube/vcpus', '7'],
])
/** Of what passes over one is dropped, one gets another value, one stays. */
const AFTER: Wanted = new Map<string, Value | null>([
  ['win-a qube/vcpus', 2],
  ['win-a usb/$usb+2-1:*', { mode: 'auto-attach' }],
])

const SPECS: readonly { readonly what: string; readonly next: Wanted }[] = [
  { what: 'with the same spec', next: AFTER },
  { what: 'with the spec of before', next: WANTED },
  { what: 'with nothing named any more', next: new Map() },
]

for (const { what, next } of SPECS) {
  test(`cut off at any step of the run that passes entries over, the next one goes on, ${what}`, async () => {
    for (let cut = 0, isDone = false; !isDone; cut++) {
      const world = newWorld(INITIAL)
      const start = world.state()
      await world.apply(WANTED)
      world.rename('win-a')
      world.rename('sys-usb')
      isDone = await world.apply(AFTER, { cut })
      assert.ok(cut < 60, 'it ends')
      await world.apply(next)
      assert.deepEqual((await world.plan(next)).qubes.filter(needsApply), [], `cut off after ${cut} steps`)
      await world.leave()
      assert.deepEqual(world.state(), start, `cut off after ${cut} steps`)
    }
  })
}

test('a write that is refused after a cut-off leaves its setting as the last finished run had it', async () => {
  const dropped: Wanted = new Map([['win-a tags/office', true]])
  for (let cut = 0, isDone = false; !isDone; cut++) {
    for (let refused = 0; refused < 5; refused++) {
      const world = newWorld(INITIAL)
      const start = world.state()
      await world.apply(WANTED)
      world.rename('win-a')
      world.rename('sys-usb')
      isDone = await world.apply(AFTER, { cut })
      await world.apply(dropped, { refused })
      await world.leave()
      assert.deepEqual(world.state(), start, `cut off after ${cut} steps, then write ${refused} was refused`)
    }
  }
})

test('what someone sets back after a cut-off is drift: the run that passes entries over has not set it', async () => {
  for (let cut = 0, isDone = false; !isDone; cut++) {
    const world = newWorld(INITIAL)
    await world.apply(WANTED)
    world.rename('win-a')
    isDone = await world.apply(WANTED, { cut })
    const [key = ''] = [...world.memory.texts.keys()].filter((one) => one.endsWith('property vcpus'))
    setText(world.memory.texts, key, '7')
    const changes = (await world.plan(WANTED)).qubes.flatMap((qube) => qube.changes)
    // While a run is unfinished its original may have been given back by that, and cannot be told from someone's own.
    assert.deepEqual(
      changes.map(({ path }) => path),
      ['qube/vcpus'],
      `cut off after ${cut} steps`,
    )
    const reasons = changes.map(({ reason }) => reason)
    assert.ok(
      isDone ? reasons[0] === 'drift' : /^(?:drift|new)$/.test(reasons[0] ?? ''),
      `after ${cut} steps`,
    )
  }
})

test('a run that was cut off before a rename is carried on after it', async () => {
  for (let cut = 0, isDone = false; !isDone; cut++) {
    const world = newWorld(INITIAL)
    const start = world.state()
    await world.apply(WANTED)
    isDone = await world.apply(AFTER, { cut })
    world.rename('win-a')
    world.rename('sys-usb')
    await world.apply(AFTER)
    assert.deepEqual((await world.plan(AFTER)).qubes.filter(needsApply), [], `cut off after ${cut} steps`)
    await world.leave()
    assert.deepEqual(world.state(), start, `cut off after ${cut} steps`)
  }
})
