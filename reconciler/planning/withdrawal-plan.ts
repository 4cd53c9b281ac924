import { problem } from '../../spec/diagnostics/index.ts'
import { type DesiredState, isValueFor, SLIC_TABLES, type Value } from '../../spec/index.ts'
import { explainer, withHeirs, withRivals } from '../annotate/index.ts'
import { lookAt, observeFrom, type ObservedQube, observePaths } from '../observe/index.ts'
import { type OwnershipRecord, ownRecord, standingOf, unproven } from '../ownership/index.ts'
import { needsApply, type Note, type Plan, PLAN_SCHEMA, PLAN_VERSION, type QubePlan } from '../plan/index.ts'
import { type HostQube, mapLimited, type Receipts } from '../ports/index.ts'
import { blockedQube } from './blocked-qube.ts'
import { removedOrphan } from './orphans.ts'
import { type PlanContext, type Planning } from './plan-context.ts'
import { planObserved } from './plan-observed.ts'
import { references } from './references.ts'

export type WithdrawalContext = Omit<PlanContext, 'commit' | 'mode' | 'origins'> & {
  readonly receipts: Receipts
}

/** All that one qube is judged by. */
type Withdrawing = Planning & {
  /** Qubes that have a template of ours. */
  readonly templates: ReadonlySet<string>
}

/**
 * A plan that gives back all that qstate owns on some qubes, whichever configuration has set it: as if nothing named any of it any
 * more. Qubes that qstate has set nothing on are not in it. What cannot be proven to be of this installation is left, and blocks.
 */
export async function makeWithdrawalPlan(
  qubes: readonly HostQube[],
  context: WithdrawalContext,
): Promise<Plan> {
  const { host, parallelism } = context
  const explain = explainer(host, context.explains === true)
  const listed = await host.tableTemplates(true)
  const templates = listed.status === 'present' ? listed.value : []
  const withdrawing: Withdrawing = {
    ...context,
    commit: null,
    explain,
    references: references(context),
    templates: new Set(templates.map(({ qube }) => qube)),
  }
  let done = 0
  const found = await mapLimited(qubes, parallelism, async (qube) => {
    const plan = await withdrawQube(qube, withdrawing)
    done += 1
    context.onQube?.(done, qubes.length)
    return plan
  })
  const planned = found.flatMap((plan) => plan ?? []).sort((a, b) => (a.qube < b.qube ? -1 : 1))
  const contested = await withRivals(planned, context.qubes, explain, parallelism)
  const gone = templates.filter(({ qube }) => !context.qubes.some(({ name }) => name === qube))
  const isAll = context.qubes.every((one) => one.klass === 'AdminVM' || qubes.includes(one))
  return {
    schema: PLAN_SCHEMA,
    version: PLAN_VERSION,
    createdAt: context.now,
    host: { where: host.where, release: context.version },
    spec: { name: null, digest: '', commit: null },
    qubes: await withHeirs(contested, context.qubes, explain, parallelism),
    ...(isAll && gone.length > 0
      ? { orphans: await mapLimited(gone, 1, (one) => removedOrphan(one, context)) }
      : {}),
    ...(listed.status === 'unknown' ? { orphansUnknown: listed.problem } : {}),
    ...(explain.untold().length === 0 ? {} : { untold: explain.untold() }),
  }
}

/** Undefined: there is nothing of qstate on it. */
async function withdrawQube(qube: HostQube, context: Withdrawing): Promise<QubePlan | undefined> {
  const { host, providers, version, receipts } = context
  const { name } = qube
  const look = await lookAt(host, providers, { qube, version }, null)
  const observed = await observeFrom(look, host, providers, null)
  const { record: reading, recordText, facts } = observed
  if (reading.kind === 'unreadable') return blockedQube(facts.qube, reading.problem)
  const giveUp = `\`qstate release ${name}\` gives it up, and changes no value`
  if (reading.kind === 'foreign') {
    const why = 'the ownership record is another qube’s, as on a clone: it is left'
    return blockedQube(facts.qube, problem('foreign-record', why, giveUp))
  }
  const standing = await standingOf({ qube: name, uuid: facts.qube.uuid }, recordText, reading, receipts)
  const record = reading.kind === 'record' ? reading.record : null
  if (record !== null && !standing.isProven) {
    const why = unproven(name, record)
    return blockedQube(facts.qube, { ...why, hint: `${why.hint}; ${giveUp}` })
  }
  const template = await looseTemplate(observed, record, context)
  const owned = withTemplate(record, template, facts.qube.uuid ?? '')
  const isLost = record === null && standing.lost !== null
  if (owned === null && !standing.isOpen && !isLost) return undefined
  const values = new Map(observed.values)
  if (template !== null) values.set(SLIC_TABLES, { status: 'present', value: template })
  const planned = await planObserved(
    { ...observed, values },
    null,
    owned,
    nothingIn(record),
    context,
    standing,
  )
  const plan = withoutRecord(planned)
  const notes = [...plan.notes, ...(isLost ? [LOST] : []), ...createdNote(record)]
  const closes = standing.isOpen && !needsApply(plan) && plan.blocked.length === 0
  return { ...plan, notes, ...(closes ? { closes: true } : {}) }
}

/** The spec that a record is compared with: one of the same name, that names nothing. */
const nothingIn = (record: OwnershipRecord | null): DesiredState => ({
  name: record?.name ?? null,
  digest: '',
  qubes: new Map(),
  tables: new Map(),
})

/** What waits for a restart, or was made by qstate, is no reason to keep a record that owns nothing any more. */
function withoutRecord(plan: QubePlan): QubePlan {
  const after = ownRecord(plan.record.after, { name: plan.qube, uuid: plan.uuid })
  return after === null || after.set.size > 0 ? plan : { ...plan, record: { ...plan.record, after: null } }
}

/** What a template of ours holds that no record owns. */
async function looseTemplate(
  { facts }: ObservedQube,
  record: OwnershipRecord | null,
  { host, providers, templates }: Withdrawing,
): Promise<Value | null> {
  if (!templates.has(facts.qube.name) || record?.set.has(SLIC_TABLES) === true) return null
  const seen = (await observePaths(host, providers, facts, [SLIC_TABLES])).values.get(SLIC_TABLES)
  return seen?.status === 'present' ? seen.value : null
}

/** Nobody else makes such templates, so that before qstate there was none. One that someone has edited is changed since. */
function withTemplate(
  record: OwnershipRecord | null,
  template: Value | null,
  uuid: string,
): OwnershipRecord | null {
  if (template === null) return record
  const base = record ?? { ...EMPTY, uuid }
  return {
    ...base,
    set: new Map([...base.set, [SLIC_TABLES, isValueFor(SLIC_TABLES, template) ? template : null]]),
    originals: new Map([...base.originals, [SLIC_TABLES, null]]),
  }
}

const EMPTY: OwnershipRecord = {
  version: 2,
  uuid: '',
  name: null,
  commit: null,
  at: '',
  by: null,
  set: new Map(),
  originals: new Map(),
  once: new Set(),
  waits: null,
  extra: {},
}

const LOST: Note = {
  kind: 'record-lost',
  path: null,
  text: 'its ownership record was taken away: nothing is given back; to have that done, `qstate adopt SPEC` first',
}

function createdNote(record: OwnershipRecord | null): readonly Note[] {
  const isCreated =
    record?.version === 2 && (record.set.size === 0 || record.originals.size < record.set.size)
  const text =
    'what was not there before qstate keeps its values: a qube that it created is removed by `ensure: absent` in its spec, applied before this'
  return isCreated ? [{ kind: 'created', path: null, text }] : []
}
