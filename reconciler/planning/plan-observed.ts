import { located, problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type DesiredState } from '../../spec/index.ts'
import { explained } from '../annotate/index.ts'
import { type ObservedQube, planWaits } from '../observe/index.ts'
import {
  formatRecord,
  isEmptyRecord,
  type OwnershipRecord,
  recordTooLong,
  restorePath,
  sameOwnership,
  type Standing,
} from '../ownership/index.ts'
import {
  type Blocked,
  type HeldSetting,
  byOrder,
  type Change,
  diffSettings,
  type Note,
  type Operation,
  type QubePlan,
} from '../plan/index.ts'
import { providerOf, type Providers, sameValue } from '../ports/index.ts'
import { blockedQube, describe } from './blocked-qube.ts'
import { changeOf } from './change.ts'
import { type Difference, diffQube } from './diff.ts'
import { inScope, type PlanContext, type Planning } from './plan-context.ts'
import { untilHalted } from './until-halted.ts'

/** What becomes of a qube as it was seen. `withheld`: settings that are left as they are, with the reason. */
export async function planObserved(
  observed: ObservedQube,
  wanted: DesiredQube | null,
  record: OwnershipRecord | null,
  desired: DesiredState,
  context: Planning,
  standing: Standing,
  withheld: ReadonlyMap<string, Problem> = unfitIn(wanted),
): Promise<QubePlan> {
  const { providers } = context
  const { facts } = observed
  const ours = record === null ? null : scoped(record, facts.qube.name, context)
  const difference = diffQube(providers, wanted, observed, ours, {
    standing,
    isCreated: standing.isCreated || !isThere(facts.qube.name, context),
    withdrawsUnmatched: context.withdrawsUnmatched ?? (() => false),
  })
  const { set, originals, leaves, once, blocked } = difference
  const restore = (path: string): void => {
    restorePath(difference, record, path)
  }
  for (const [path, why] of withheld) {
    blocked.push({ path, problem: located(why, wanted?.settings.get(path)?.position) })
    restore(path)
  }
  const held: HeldSetting[] = []
  const made: Change[] = []
  const operations = operationsOf(facts.qube.name, difference.differences)
  for (const d of difference.differences.filter(({ path }) => !withheld.has(path))) {
    if (context.mode === 'adopt') {
      restore(d.path)
      continue
    }
    const lacking = await context.references.problem(d, facts)
    if (lacking !== undefined) {
      blocked.push({ path: d.path, problem: located(lacking, d.at) })
      restore(d.path)
      continue
    }
    const wait = await untilHalted(d, facts, context)
    const change = wait ?? planChange(d, operations.get(d.path), observed, providers)
    if ('problem' in change) {
      if (wait !== undefined && isHaltedSomeDay(wanted?.restart)) held.push({ ...change, after: d.after })
      else blocked.push(change)
      restore(d.path)
    } else made.push(change)
  }
  const planned =
    made.length === 0
      ? made
      : await explained(made.sort(byOrder), observed, {
          ...context,
          madeFrom: templateToBe(wanted, context),
        })
  // What is not looked at keeps its place.
  if (record !== null && record !== ours) {
    for (const path of record.set.keys()) if (ours?.set.has(path) !== true) restore(path)
  }

  const { changes, waits, waiting, note } = await planWaits(
    context.host,
    {
      providers,
      facts,
      values: observed.values,
      started: observed.peek('start_time'),
      unfinished: standing.waits,
    },
    record,
    planned,
  )
  const next: OwnershipRecord = {
    version: 2,
    uuid: facts.qube.uuid ?? '',
    name: desired.name,
    commit: context.commit,
    at: context.now,
    by: context.by,
    set,
    originals,
    once,
    waits,
    extra: record?.extra ?? {},
  }
  const isKnownMade = wanted !== null && record !== null && isEmptyRecord(record)
  const isMade =
    isKnownMade || (isToBeThere(wanted) && (record !== null || !isThere(facts.qube.name, context)))
  const after = recordAfter(observed.recordText, record, next, isMade)
  if (facts.qube.uuid === null && after !== observed.recordText && isThere(facts.qube.name, context)) {
    const hint = 'the property uuid has to be readable: without it, a clone could not be told from its origin'
    return blockedQube(
      facts.qube,
      problem('unreadable-uuid', 'the qube does not tell its UUID', hint),
      wanted,
    )
  }
  if (after !== null && recordTooLong(after)) {
    const longest = longestOriginal(next, record, withheld)
    if (longest !== undefined)
      return planObserved(
        observed,
        wanted,
        record,
        desired,
        context,
        standing,
        new Map([...withheld, [longest, TOO_LONG]]),
      )
    const hint = 'declare fewer settings on this qube, or shorter values'
    const why = 'the ownership record would not fit into a feature'
    return blockedQube(facts.qube, problem('record-too-large', why, hint), wanted)
  }
  return {
    ...describe(facts.qube),
    ...(leaves.length === 0 ? {} : { leaves }),
    changes,
    record: { before: observed.recordText, after },
    ...(isMade && record !== null ? { made: true as const } : {}),
    blocked,
    ...(held.length === 0 ? {} : { held }),
    ...(difference.unmatched.length === 0 ? {} : { unmatched: difference.unmatched }),
    ...(difference.reported.length === 0 ? {} : { reported: difference.reported }),
    waiting,
    ...(wanted?.restart === undefined ? {} : { restart: wanted.restart }),
    notes: [...cloneNote(observed), ...lostNote(observed, standing), ...difference.notes, ...note],
  }
}

/** A shutdown comes that lets the change be made: of its user, or in a restart. */
const isHaltedSomeDay = (restart: DesiredQube['restart']): boolean =>
  restart !== undefined && restart !== 'never'
/** Of those that are looked at. */
function unfitIn(wanted: DesiredQube | null): ReadonlyMap<string, Problem> {
  return new Map(
    (wanted?.unfit ?? []).flatMap(({ path, problem: why }) =>
      path !== null && wanted?.settings.has(path) === true ? [[path, why] as const] : [],
    ),
  )
}

/** The text of the record to be; null for none. One that owns nothing is kept of a qube that qstate has made. */
function recordAfter(
  text: string | null,
  record: OwnershipRecord | null,
  next: OwnershipRecord,
  isMade: boolean,
): string | null {
  const isKept = isMade || !isEmptyRecord(next)
  // What is there and no record of this qube is left alone.
  if (!isKept) return record === null ? text : null
  return record !== null && sameOwnership(record, next) ? text : formatRecord(next)
}

/** Created where it is not there: its record is kept, so that it can be removed by the one that made it. */
const isToBeThere = (wanted: DesiredQube | null): boolean =>
  wanted?.ensure !== undefined && wanted.ensure !== 'absent'

/** By path. */
function operationsOf(qube: string, differences: readonly Difference[]): ReadonlyMap<string, Operation> {
  if (differences.length === 0) return new Map()
  const before = new Map(differences.map((d) => [d.path, d.before]))
  return diffSettings(qube, before, new Map(differences.map((d) => [d.path, d.after])))
}

/** The template of a qube that is still to be created, where it is there itself. */
function templateToBe(wanted: DesiredQube | null, { qubes }: PlanContext): string | null {
  const ensure = wanted?.ensure
  if (ensure === undefined || ensure === 'absent') return null
  return qubes.some(({ name }) => name === ensure.template) ? ensure.template : null
}

/** A change with what a person should know of it. */
function planChange(
  difference: Difference,
  operation: Operation | undefined,
  observed: ObservedQube,
  providers: Providers,
): Change | Blocked {
  const { path, before, after } = difference
  const { facts, peek } = observed
  const provider = providerOf(providers, path)
  const isOnce = difference.once === true
  const remarks = [difference.remark, provider.remark?.(path, after, facts), isOnce ? GIVEN_ONCE : undefined]
  const inherited = before === null ? provider.inherited?.(path, peek) : undefined
  return changeOf(difference, operation, provider, facts, {
    remarks: remarks.filter((remark) => remark !== undefined),
    ...(inherited === undefined ? {} : { inherited }),
  })
}

const GIVEN_ONCE = 'given once: from then on it is the user’s, and nothing that is set there is drift'

/**
 * The setting whose original takes the most room among those that the record is to say something new of: it is left as it is,
 * and the rest goes on.
 */
function longestOriginal(
  next: OwnershipRecord,
  record: OwnershipRecord | null,
  withheld: ReadonlyMap<string, Problem>,
): string | undefined {
  const lengthOf = (path: string): number => JSON.stringify(next.originals.get(path) ?? null).length
  const isNew = (path: string): boolean => {
    const last = record?.set.get(path)
    return last === undefined || !sameValue(last, next.set.get(path) ?? null)
  }
  return [...next.set.keys()]
    .filter((path) => !withheld.has(path) && isNew(path) && lengthOf(path) > SHORT)
    .sort((a, b) => lengthOf(b) - lengthOf(a))[0]
}

/** An original of no more than this makes no record too long. */
const SHORT = 40

const TOO_LONG = problem(
  'record-too-large',
  'what is there now is too long to be kept, to go back to it',
  'set it by hand to what it is to be; qstate then takes it as it is',
)

const isThere = (qube: string, { qubes }: PlanContext): boolean => qubes.some(({ name }) => name === qube)

/** The record itself, where all of it is looked at. */
function scoped(record: OwnershipRecord, qube: string, context: PlanContext): OwnershipRecord {
  const set = inScope(record.set, qube, context)
  return set === record.set ? record : { ...record, set }
}

function lostNote({ record }: ObservedQube, { lost }: Standing): readonly Note[] {
  const text =
    'its ownership record was taken away: what the spec names is taken anew, and nothing is withdrawn'
  return lost === null || record.kind === 'record' ? [] : [{ kind: 'record-lost', path: null, text }]
}

function cloneNote(observed: ObservedQube): readonly Note[] {
  if (observed.record.kind !== 'foreign') return []
  const text = `carries the record of another qube (${observed.record.uuid}), as a clone does: not believed, and replaced`
  return [{ kind: 'clone', path: null, text }]
}
