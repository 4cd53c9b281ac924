import { type Value } from '../../spec/index.ts'
import { mergeWaits, type OwnershipRecord, type Waits } from '../ownership/index.ts'
import { type Change, type Note } from '../plan/index.ts'
import {
  type Host,
  type HostQube,
  isRunning,
  meansSame,
  NO_NEEDS,
  type Observation,
  type Providers,
  type QubeFacts,
  sameValue,
} from '../ports/index.ts'
import { withMore } from './observe.ts'

export interface PlannedWaits {
  /** The plan's, of which those that set a value back before it has counted are told as such. */
  readonly changes: readonly Change[]
  /** For the record. */
  readonly waits: Waits | null
  /** Of earlier runs, unless it is seen to be as it began. */
  readonly waiting: readonly string[]
  readonly note: readonly Note[]
}

/** A running qube as a plan sees it. */
export interface Seen {
  readonly providers: Providers
  readonly facts: QubeFacts
  readonly values: ReadonlyMap<string, Observation<Value>>
  /** The start time, where an answer happened to hold it; it is read only where something waits. */
  readonly started: Observation<string> | undefined
  /** What runs that were cut off may have caused to wait. */
  readonly unfinished: readonly Waits[]
}

/** What waits for the next start of a running qube: what did already, and what a plan adds or sets back. */
export async function planWaits(
  host: Host,
  seen: Seen,
  record: OwnershipRecord | null,
  changes: readonly Change[],
): Promise<PlannedWaits> {
  const { facts, started, unfinished } = seen
  const nothing: PlannedWaits = { changes, waits: null, waiting: [], note: [] }
  const known = [record?.waits ?? null, ...unfinished]
  const isLate = (change: Change): boolean => change.effect === 'next-start'
  if (!isRunning(facts.qube) || (known.every((waits) => waits === null) && !changes.some(isLate)))
    return nothing
  const start = started ?? (await readStart(host, facts.qube))
  if (start.status !== 'present' || start.value === '') {
    const why = start.status === 'unknown' ? start.problem.message : 'the qube has no start time'
    const text = `what waits for its next start cannot be told later: ${why}`
    return { ...nothing, note: [{ kind: 'untold', path: null, text }] }
  }
  const earlier = mergeWaits(known, start.value) ?? { start: start.value, paths: [], from: NO_VALUES }
  const told = changes.map((change) => {
    const began = earlier.from.get(change.path)
    const isBack =
      isLate(change) &&
      began !== undefined &&
      meansSame(seen.providers, change.path, began, change.after, facts)
    return isBack ? { ...change, effect: 'set-back' as const } : change
  })
  // What waits is looked at even where it is neither wanted nor owned: it may never have been set, or be set back by now.
  const unseen = earlier.paths.filter((path) => !seen.values.has(path))
  const values = await withMore(host, seen.providers, facts, seen.values, unseen)
  const changed = new Set(changes.map(({ path }) => path))
  const still = earlier.paths.filter((path) => !changed.has(path) && !isAsItBegan(path, values, earlier.from))
  const waits = waitsOf(earlier, still, told.filter(isLate))
  return { changes: told, waits, waiting: still, note: [] }
}

const NO_VALUES: ReadonlyMap<string, Value | null> = new Map()

/** Seen to be what it was before it was changed: nobody came to it, or it has been set back. */
function isAsItBegan(path: string, values: Seen['values'], from: Waits['from']): boolean {
  const value = seenValue(values, path)
  const began = from.get(path)
  return value !== undefined && began !== undefined && sameValue(began, value)
}

/** Undefined: not known. */
function seenValue(values: Seen['values'], path: string): Value | null | undefined {
  const seen = values.get(path)
  if (seen === undefined || seen.status === 'unknown') return undefined
  return seen.status === 'present' ? seen.value : null
}

function waitsOf(earlier: Waits, still: readonly string[], late: readonly Change[]): Waits | null {
  const paths = [...new Set([...still, ...late.map(({ path }) => path)])].sort()
  if (paths.length === 0) return null
  const from = new Map([...earlier.from].filter(([path]) => paths.includes(path)))
  for (const { path, before } of late) {
    if (!earlier.paths.includes(path)) from.set(path, before)
  }
  return { start: earlier.start, paths, from }
}

async function readStart(host: Host, qube: HostQube): Promise<Observation<string>> {
  const reading = await host.read(qube.name, { ...NO_NEEDS, properties: ['start_time'] })
  return reading.effective('start_time')
}
