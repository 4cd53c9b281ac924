import { type DesiredState } from '../../spec/index.ts'
import { type ObservedQube, observeRecord } from '../observe/index.ts'
import { parseRecord, uuidIn } from '../ownership/index.ts'
import { type QubePlan } from '../plan/index.ts'
import { type HostQube, mapLimited } from '../ports/index.ts'
import { moveLine, type Moves } from './moves.ts'
import { type PlanContext } from './plan-context.ts'

/** Qubes of the host that the spec does not name: dropped from it, or one that it names, by another name. */
export interface OtherQubes {
  /** Those on which this configuration owns something. */
  readonly dropped: readonly string[]
  /** By the UUID that they had, qubes that are named and not on the host, as what was written from here says. */
  readonly gone: ReadonlyMap<string, string>
  /** Of these, each with a qube that carries its record. */
  readonly carriers: ReadonlyMap<string, string>
}

type Context = PlanContext & { readonly moves: Moves }

/** Takes a call for each qube, where the configuration has a name, or may know of one that is missing. */
export async function findOthers(desired: DesiredState, context: Context): Promise<OtherQubes> {
  const { host, version, selects, moves, parallelism } = context
  const gone = await missingQubes(desired, context)
  const others = context.qubes.filter((q) => q.klass !== 'AdminVM' && !desired.qubes.has(q.name))
  const mayBeDropped = ({ name }: HostQube): boolean =>
    desired.name !== null && !moves.isRenamed(name) && selects(name, '')
  const looked = gone.size > 0 ? others : others.filter(mayBeDropped)
  const dropped: string[] = []
  const carriers = new Map<string, string>()
  await mapLimited(looked, parallelism, async (qube) => {
    const found = await observeRecord(host, { qube, version })
    if (mayBeDropped(qube) && (await isDropped(qube, found, desired, context))) dropped.push(qube.name)
    const origin = found.record.kind === 'foreign' ? gone.get(found.record.uuid) : undefined
    if (origin !== undefined) carriers.set(origin, qube.name)
  })
  return { dropped, gone, carriers }
}

async function missingQubes(
  { qubes }: DesiredState,
  { qubes: listed, selects, receipts }: Context,
): Promise<ReadonlyMap<string, string>> {
  const there = new Set(listed.map(({ name }) => name))
  const missing = [...qubes.values()].filter(
    ({ name, ensure }) => !there.has(name) && ensure !== 'absent' && selects(name, ''),
  )
  if (missing.length === 0 || receipts === null) return new Map()
  return receipts.ofNames(new Set(missing.map(({ name }) => name)))
}

/**
 * Whether this configuration owns something on it. Only a configuration with a name of its own can tell: without one, two repositories
 * for one host would withdraw each other's settings.
 */
async function isDropped(
  { name, uuid }: HostQube,
  { record, recordText }: Pick<ObservedQube, 'record' | 'recordText'>,
  desired: DesiredState,
  { receipts, moves }: Context,
): Promise<boolean> {
  // One that does not tell whose it is may be ours: it is planned for, so that this is reported.
  if (record.kind === 'unreadable') return true
  if (record.kind === 'record') return isNameOf(desired, record.record.name)
  if (record.kind === 'none' || uuid === null) return false
  // Entries of another qube pass over to it, or a run that was cut off has begun that.
  const isMoved =
    moves.formerNamesOf(name).length > 0 ||
    (await receipts?.read(uuid))?.accepted.includes(recordText) === true
  const origin = parseRecord(recordText ?? undefined, { name, uuid: record.uuid })
  return isMoved && origin.kind === 'record' && isNameOf(desired, origin.record.name)
}

/** Whether a name that a record has is that of a configuration, or one that it had before. */
export const isNameOf = ({ name, formerly = [] }: DesiredState, other: string | null): boolean =>
  other !== null && (other === name || formerly.includes(other))

/** Says with each qube that is missing which one carries its record. */
export function withCarriers(
  plans: readonly QubePlan[],
  { gone, carriers }: OtherQubes,
): readonly QubePlan[] {
  if (gone.size === 0) return plans
  const all = new Map(carriers)
  for (const { qube, record, movedFrom } of plans) {
    const uuid = movedFrom === undefined ? uuidIn(record.before, qube) : null
    const origin = gone.get(uuid ?? '')
    if (origin !== undefined) all.set(origin, qube)
  }
  return plans.map((plan) => {
    const to = all.get(plan.qube)
    return to === undefined ? plan : withCarrier(plan, to)
  })
}

function withCarrier(plan: QubePlan, to: string): QubePlan {
  const { qube: from, blocked } = plan
  const line = `name it ${to} in the spec, and write ${moveLine({ from, to })}`
  if (plan.create !== undefined) {
    const text = `${to} carries its record: where that is ${from} under another name, ${line}`
    return { ...plan, notes: [{ kind: 'moved', path: null, text }, ...plan.notes] }
  }
  const told = blocked.map(({ path, problem }) => {
    if (problem.code !== 'unknown-qube') return { path, problem }
    const message = `${from} is not on the host; ${to} carries its record`
    return {
      path,
      problem: { ...problem, message, hint: `where that is ${from} under another name, ${line}` },
    }
  })
  return { ...plan, blocked: told }
}
