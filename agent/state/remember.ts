import { type Memory } from '../../documents/agent/index.ts'
import {
  changeDigest,
  changesOf,
  driftLeft,
  failureOf,
  isCovered,
  needsApply,
} from '../../reconciler/index.ts'
import { bringsNews, type Held, isUndone, keyOf, type Reconciled, settledBy } from '../policy/index.ts'
import { type NoticedBy } from './cause.ts'
import { type Drift } from './memory.ts'

/** What a reconciliation was about, and when. */
export interface Occasion {
  /** Null: all qubes. */
  readonly about: ReadonlySet<string> | null
  readonly noticedBy: NoticedBy
  /** ISO 8601. */
  readonly now: string
  readonly commit: string
}

/** What is known after a reconciliation. Of qubes that it was not about, what was known before. Pure. */
export function remember(memory: Memory, done: Reconciled, occasion: Occasion): Memory {
  const { about, now, commit } = occasion
  const outside = <T extends { readonly qube: string }>(list: readonly T[]): readonly T[] =>
    about === null ? [] : list.filter(({ qube }) => !about.has(qube))
  const after = settledBy(done.applied?.report)
  const held = [...outside(memory.held), ...done.held, ...untilHalted(done)].sort(byQube)
  const blocked = done.seen.qubes.flatMap(({ qube, blocked }) => blocked.map((entry) => ({ qube, ...entry })))
  const next: Memory = {
    ...memory,
    comparedAt: about === null ? now : memory.comparedAt,
    compared: memory.compared || about === null,
    drift: [...outside(memory.drift), ...driftIn(done, after, memory.drift, occasion)].sort(byQube),
    held,
    withdrawal: withdrawalNow(memory, held, done, commit),
    blocked: [...outside(memory.blocked), ...blocked].sort(byQube),
    failing: failingNow(memory.failing, done),
    waiting: [...outside(memory.waiting), ...waitingIn(done, memory.waiting)].sort(byQube),
    corrections: done.tried.corrections,
    failures: done.tried.failures,
    put: [...new Set([...memory.put, ...after])].sort(),
    took: tookNow(memory.took, done, occasion),
  }
  return isApplied(done, next) ? { ...next, settled: true, applied: appliedAt(memory, commit, now) } : next
}

/** What a person would agree to. Of some qubes only, what is known of all of them holds as long as it has that. */
function withdrawalNow(
  { withdrawal: before = null }: Memory,
  held: readonly Held[],
  { seen: { consent } }: Reconciled,
  commit: string,
): NonNullable<Memory['withdrawal']> | null {
  if (!held.some(({ why }) => why === 'withdrawal')) return null
  if (consent === undefined || (before?.commit === commit && isCovered(consent, before.withdrawals)))
    return before
  return { commit, digest: consent.digest, withdrawals: consent.withdrawals }
}

function failingNow(before: Memory['failing'], { applied, tried }: Reconciled): Memory['failing'] {
  return Object.keys(tried.failures)
    .sort()
    .flatMap((qube) => {
      const report = applied?.report.qubes.find((one) => one.qube === qube)
      const failure = report === undefined ? null : failureOf(report)
      return failure === null ? before.filter((one) => one.qube === qube) : [{ qube, ...failure }]
    })
}

/** What a commit changes is what is seen when everything is compared with it for the first time. */
function tookNow(before: Memory['took'], done: Reconciled, { about, commit }: Occasion): Memory['took'] {
  const generation = done.applied?.generation ?? null
  if (before?.commit === commit) return generation === null ? before : { ...before, generation }
  return about === null ? { commit, digest: changeDigest(changesOf(done.seen)), generation } : before
}

/** What only a halted qube takes: its shutdown is an event. */
const untilHalted = ({ seen }: Reconciled): Memory['held'] =>
  seen.qubes.flatMap(({ qube, held = [] }) =>
    held.map(({ path }) => ({ qube, path, why: 'running' as const, until: null })),
  )

function driftIn(
  done: Reconciled,
  after: ReadonlySet<string>,
  before: readonly Drift[],
  { noticedBy, now }: Occasion,
): readonly Drift[] {
  return done.seen.qubes.flatMap((plan) => {
    const { qube, changes } = plan
    const undone = changes
      .filter((change) => isUndone(qube, change, done) && !after.has(keyOf(qube, change.path)))
      .map(({ path, before: found, after: wanted }) => ({ path, found, wanted }))
    const left = driftLeft(plan).map(({ path, value, wanted }) => ({ path, found: value, wanted }))
    return [...undone, ...left].map(({ path, found, wanted }): Drift => {
      const known = before.find((one) => one.qube === qube && one.path === path)
      const same = known !== undefined && JSON.stringify(known.found) === JSON.stringify(found)
      return same
        ? { ...known, wanted }
        : { qube, path, wanted, found, since: now, noticed: noticedBy(qube, path) }
    })
  })
}

function waitingIn(done: Reconciled, before: Memory['waiting']): Memory['waiting'] {
  return done.seen.qubes.flatMap(({ qube, waiting, restart = 'never' }) => {
    const paths = done.applied?.report.qubes.find((one) => one.qube === qube)?.waiting ?? waiting
    const held = before.find((one) => one.qube === qube)?.held
    const more = held === undefined ? {} : { held }
    return paths.length === 0 ? [] : [{ qube, paths: [...paths].sort(), restart, ...more }]
  })
}

/** Whether the commit has come to all that it can: what is left is only what others have changed since. */
function isApplied(done: Reconciled, memory: Memory): boolean {
  const drifted = new Set(memory.drift.map(({ qube, path }) => keyOf(qube, path)))
  const isOthers = ({ qube, path }: { qube: string; path: string | null }): boolean =>
    path !== null && drifted.has(keyOf(qube, path))
  if (done.again || done.busy !== null || memory.blocked.length > 0) return false
  if (Object.keys(memory.failures).length > 0) return false
  const isLeft = (held: Held): boolean =>
    !PUT_OFF.has(held.why) && !isOthers(held) && !isOnlyDrift(done, held.qube)
  if (memory.held.some(isLeft)) return false
  return memory.compared
}

/** Not done, and as it should be: the policy says so, or the qube is to be found halted first. */
const PUT_OFF: ReadonlySet<Held['why']> = new Set(['reported', 'running'])

/** A qube that is held as a whole, and that only others have changed. */
function isOnlyDrift(done: Reconciled, name: string): boolean {
  const qube = done.seen.qubes.find((one) => one.qube === name)
  return qube !== undefined && needsApply(qube) && !bringsNews(qube, done)
}

/** When it was first seen; one that was in force before, and is again, has to be applied again. */
const appliedAt = ({ applied, settled }: Memory, commit: string, now: string): Memory['applied'] =>
  settled && applied?.commit === commit ? applied : { commit, at: now }

const byQube = (a: { readonly qube: string }, b: { readonly qube: string }): number =>
  a.qube < b.qube ? -1 : a.qube > b.qube ? 1 : 0
