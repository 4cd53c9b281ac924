import { createHash } from 'node:crypto'
import { type ConsentRequest, type Plan, type QubePlan, type Withdrawal } from '../plan/index.ts'
import { ownRecord } from './parse-record.ts'
import { heldRecord, renamedPaths } from './renames.ts'

/**
 * Consent to mass withdrawal. A line that is lost by mistake, or a folder that is moved, makes a spec that names fewer settings: a
 * plan that withdraws much of what is owned is for a person to agree to.
 */

/**
 * What was owned when a person last agreed to a withdrawal, with what has been taken since: paths by the qube's UUID. Withdrawals
 * are measured against it, so that many small ones count as the large one that they add up to.
 */
export type Baseline = Readonly<Record<string, readonly string[]>>

/** From more than this many settings on, a large part of what is owned is a mass. */
const MANY = 10
/** Parts of one qube's settings, and of those of all qubes. */
const MOST_OF_QUBE = 3 / 4
const MUCH_OF_ALL = 1 / 4

interface Leaving {
  readonly plan: QubePlan
  readonly leaves: readonly string[]
  /** Of the baseline: all, and those that are gone or go now. */
  readonly all: number
  readonly gone: number
}

/** The consent that a plan needs: null where none. */
export function consentNeeded(plan: Pick<Plan, 'qubes'>, baseline: Baseline): ConsentRequest | null {
  const measured = new Map(Object.entries(baseline))
  const leaving = plan.qubes.flatMap((qube) => leavingOf(qube, measured))
  const known = new Set(leaving.flatMap(({ plan: { uuid, movedFrom } }) => [uuid, movedFrom?.uuid]))
  const others = [...measured].filter(([uuid]) => !known.has(uuid))
  const all = sum(leaving.map((one) => one.all)) + sum(others.map(([, paths]) => paths.length))
  const gone = sum(leaving.map((one) => one.gone))
  const isMuch = gone > MANY && gone > all * MUCH_OF_ALL
  const asks = leaving.filter((one) => writes(one.plan) && (isMuch || isMostOf(one)))
  return asks.length === 0 ? null : requestFor(asks)
}

function leavingOf(plan: QubePlan, baseline: ReadonlyMap<string, readonly string[]>): readonly Leaving[] {
  const owned = ownedOf(plan)
  if (plan.uuid === null || owned === undefined) return []
  const { leaves = [] } = plan
  const stays = new Set(owned.filter((path) => !leaves.includes(path)))
  const all = baselineOf(plan, plan.uuid, baseline) ?? owned
  return [{ plan, leaves, all: all.length, gone: all.filter((path) => !stays.has(path)).length }]
}

/** Of a qube that was renamed, that of the one whose place it has taken. */
function baselineOf(
  { movedFrom, renames }: QubePlan,
  uuid: string,
  baseline: ReadonlyMap<string, readonly string[]>,
): readonly string[] | undefined {
  const paths = baseline.get(uuid) ?? baseline.get(movedFrom?.uuid ?? '')
  return paths && renamedPaths(paths, renames)
}

const isMostOf = ({ all, gone }: Leaving): boolean =>
  gone === all || (gone > MANY && gone > all * MOST_OF_QUBE)

function requestFor(leaving: readonly Leaving[]): ConsentRequest {
  const withdrawals = withdrawalsOf(leaving.map(({ plan }) => plan))
  return {
    qubes: leaving.map((one) => ({
      qube: one.plan.qube,
      leaves: one.leaves,
      isWhole: one.gone === one.all,
    })),
    withdrawals,
    digest: digestOf(withdrawals),
  }
}

const withdrawalsOf = (qubes: readonly QubePlan[]): readonly Withdrawal[] =>
  qubes
    .flatMap(({ qube, uuid, changes, leaves = [] }) =>
      changes.flatMap(({ path, after }) =>
        leaves.includes(path) ? [{ qube, uuid: uuid ?? '', path, after }] : [],
      ),
    )
    .sort((a, b) => compare(a.uuid, b.uuid) || compare(a.path, b.path))

const digestOf = (withdrawals: readonly Withdrawal[]): string =>
  createHash('sha256')
    .update(JSON.stringify(withdrawals.map(({ uuid, path, after }) => [uuid, path, after])))
    .digest('hex')

/** Why a plan that was read does not withdraw what it asks consent for; undefined: it does. */
export function consentProblem({ consent, qubes }: Pick<Plan, 'consent' | 'qubes'>): string | undefined {
  if (consent === undefined) return undefined
  const named = new Set(consent.qubes.map(({ qube }) => qube))
  const withdrawals = withdrawalsOf(qubes.filter(({ qube }) => named.has(qube)))
  const isSame = JSON.stringify(withdrawals) === JSON.stringify(consent.withdrawals)
  return isSame && digestOf(withdrawals) === consent.digest
    ? undefined
    : 'it asks consent for other withdrawals than it makes'
}

/** Whether a consent covers a request: nothing is withdrawn that a person has not seen, nor to another value. */
export function isCovered(request: ConsentRequest, agreed: readonly Withdrawal[]): boolean {
  const known = new Set(agreed.map(keyOf))
  return request.withdrawals.every((one) => known.has(keyOf(one)))
}

/**
 * The baseline once a plan has been applied. What a person gave up or removed is no longer measured, and neither is a
 * qube that is not among `uuids`, since it is gone for good; after a consent, what is owned then is the new start.
 */
export function baselineAfter(
  baseline: Baseline,
  plan: Pick<Plan, 'qubes'>,
  { agreed, uuids }: { readonly agreed: boolean; readonly uuids: ReadonlySet<string> },
): Baseline {
  const known = new Map(Object.entries(baseline))
  const next = new Map([...known].filter(([uuid]) => uuids.has(uuid)))
  for (const qube of plan.qubes) {
    const { uuid, leaves = [], record } = qube
    if (uuid === null) continue
    // Nothing was taken or given up: no need to read what it owns.
    const isSame = record.before === record.after && leaves.length === 0
    if (isSame && !agreed && next.has(uuid)) continue
    const before = ownedOf(qube) ?? []
    const after = pathsIn(record.after, qube) ?? []
    const measured = baselineOf(qube, uuid, known)
    // What waits for a consent is measured by what was owned before: settings that are new beside it make it no smaller part.
    if (leaves.some((path) => after.includes(path))) {
      next.set(uuid, measured ?? before)
      continue
    }
    const givenUp = new Set(before.filter((path) => !after.includes(path) && !leaves.includes(path)))
    const kept = agreed ? [] : (measured ?? []).filter((path) => !givenUp.has(path))
    const all = [
      ...new Set([...kept, ...(agreed ? [] : before.filter((path) => !givenUp.has(path))), ...after]),
    ]
    if (all.length === 0) next.delete(uuid)
    else next.set(uuid, all.sort())
  }
  return Object.fromEntries(next)
}

function ownedOf(plan: QubePlan): readonly string[] | undefined {
  const record = heldRecord(plan.record.before, plan)
  return record === null ? undefined : [...record.set.keys()]
}

function pathsIn(text: string | null, { qube, uuid }: QubePlan): readonly string[] | undefined {
  const record = ownRecord(text, { name: qube, uuid })
  return record === null ? undefined : [...record.set.keys()]
}

const writes = ({ changes, leaves = [] }: QubePlan): boolean =>
  changes.some(({ path }) => leaves.includes(path))

const keyOf = ({ uuid, path, after }: Withdrawal): string => JSON.stringify([uuid, path, after])

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** A plan from which withdrawals were left out, with the settings that still leave: they wait for a consent. */
export const withLeaving = <P extends Pick<Plan, 'qubes'>>(
  plan: P,
  leaving: ReadonlyMap<string, readonly string[]>,
): P => ({
  ...plan,
  qubes: plan.qubes.map((qube) => {
    const leaves = leaving.get(qube.qube)
    return leaves === undefined ? qube : { ...qube, leaves: [...(qube.leaves ?? []), ...leaves] }
  }),
})
