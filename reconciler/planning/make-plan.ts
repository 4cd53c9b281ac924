import { type Code, problem } from '../../spec/diagnostics/index.ts'
import {
  type DesiredQube,
  type DesiredState,
  type Ensure,
  SLIC_TABLES,
  type Value,
} from '../../spec/index.ts'
import { explainer, type Explainer, withHeirs, withMissing, withRivals } from '../annotate/index.ts'
import { foreseeQube, lookAt, observeFrom, observeRecord } from '../observe/index.ts'
import {
  formatRecord,
  ownRecord,
  type OwnershipRecord,
  restoreEntry,
  type Standing,
  standingOf,
  unproven,
} from '../ownership/index.ts'
import { needsApply, type Note, type Plan, PLAN_SCHEMA, PLAN_VERSION, type QubePlan } from '../plan/index.ts'
import { type HostQube, mapLimited, orListed } from '../ports/index.ts'
import { blockedQube, describe } from './blocked-qube.ts'
import { creationOf, growthsOf, templateProblem } from './creation.ts'
import { inScope, type PlanContext } from './plan-context.ts'
import { withGrowth } from './plan-growth.ts'
import { planObserved } from './plan-observed.ts'
import { planRemoval } from './plan-removal.ts'
import { settledPlan } from './settled.ts'

type Explaining = PlanContext & { readonly explain: Explainer; readonly open: ReadonlySet<string> }

/** Observes what the desired state names and says what an apply would do. Writes nothing. */
export async function makePlan(desired: DesiredState, context: PlanContext): Promise<Plan> {
  const dropped = await findDropped(desired, context)
  const wanted = [...desired.qubes.keys()].filter((name) => context.selects(name, ''))
  const names = [...wanted, ...dropped].sort()
  const there = new Map(context.qubes.map((qube) => [qube.name, qube]))
  const explain = explainer(context.host, context.explains === true)
  const open = (await context.receipts?.open()) ?? new Set<string>()
  const explaining: Explaining = { ...context, explain, open }
  let done = 0
  const planned = await mapLimited(names, context.parallelism, async (name) => {
    const plan = await planQube({ name, qube: there.get(name) }, desired, explaining)
    done += 1
    context.onQube?.(done, names.length)
    return plan
  })
  const named = withMissing(planned, context.qubes, context.host)
  const contested = await withRivals(named, context.qubes, explain, context.parallelism)
  const qubes = await withHeirs(contested, context.qubes, explain, context.parallelism)
  return {
    schema: PLAN_SCHEMA,
    version: PLAN_VERSION,
    createdAt: context.now,
    host: { where: context.host.where, release: context.version },
    spec: {
      name: desired.name,
      digest: desired.digest,
      commit: context.commit,
      ...(context.origins === undefined ? {} : { origins: context.origins }),
    },
    qubes,
    ...(await findOrphans(desired, context)),
    ...(explain.untold().length === 0 ? {} : { untold: explain.untold() }),
  }
}

/** Templates of ours go by a qube's name, and nothing takes them along when it is renamed or removed. */
async function findOrphans(
  desired: DesiredState,
  { host, qubes }: PlanContext,
): Promise<Pick<Plan, 'orphans' | 'orphansUnknown'>> {
  const asked = [...desired.qubes.values()].some(({ settings }) => settings.has(SLIC_TABLES))
  const listed = await host.tableTemplates(asked)
  if (listed.status === 'unknown') return { orphansUnknown: listed.problem }
  const all = listed.status === 'present' ? listed.value : []
  const orphans = all.filter(({ qube }) => !qubes.some(({ name }) => name === qube))
  return orphans.length === 0 ? {} : { orphans }
}

/**
 * Qubes that this configuration owns something on and no longer names. Only a configuration with a name of its own
 * can tell: without one, two repositories for one host would withdraw each other's settings.
 */
async function findDropped(desired: DesiredState, context: PlanContext): Promise<readonly string[]> {
  if (desired.name === null) return []
  const others = context.qubes.filter((q) => q.klass !== 'AdminVM' && !desired.qubes.has(q.name))
  const found = await mapLimited(others, context.parallelism, async (qube) => {
    if (!context.selects(qube.name, '')) return []
    const record = await observeRecord(context.host, { qube, version: context.version })
    // One that does not tell whose it is may be ours: it is planned for, so that this is told.
    if (record.kind === 'unreadable') return [qube.name]
    return record.kind === 'record' && record.record.name === desired.name ? [qube.name] : []
  })
  return found.flat()
}

async function planQube(
  { name, qube }: { readonly name: string; readonly qube: HostQube | undefined },
  desired: DesiredState,
  context: Explaining,
): Promise<QubePlan> {
  const whole = desired.qubes.get(name) ?? null
  const ensure = whole?.ensure
  const blocked = (on: HostQube, code: Code, why: string, hint: string): QubePlan =>
    blockedQube(on, problem(code, why, hint), whole)
  if (whole !== null && ensure === 'absent') {
    const removes = context.mode !== 'adopt' && context.selects(name, 'qube/label')
    if (qube === undefined || removes) return planRemoval(qube, whole, desired.name, context)
    const hint = '`qstate apply` does, with the whole qube as its target if it has one'
    return blocked(qube, 'removes-nothing', 'this removes no qube', hint)
  }
  if (qube === undefined) {
    if (whole !== null && ensure !== undefined && ensure !== 'absent' && context.mode !== 'adopt')
      return planCreation(whole, ensure, desired, context)
    const hint =
      'create it (qvm-create), let qstate create it (`ensure: present`), or correct the name in the spec; qvm-ls lists the qubes there are'
    const gone = { name, klass: '', state: '', uuid: null }
    return blocked(gone, 'unknown-qube', 'there is no such qube', orListed(hint, context.host, name))
  }
  const untold = desired.untold?.get(name)
  if (untold !== undefined) {
    // A setting that a selector may want is neither made nor taken back.
    const why = `whether a selector means it is not known: ${untold.message}`
    return blocked(qube, 'unresolved-selector', why, untold.hint)
  }
  const wanted = select(whole, context)
  const { host, providers, version } = context
  const look = await lookAt(host, providers, { qube, version }, wanted)
  // Where a run was cut off there may be something to note, and who adopts sees all that there is.
  const { uuid } = look.facts.qube
  const isWholeLook = context.mode === 'adopt' || (uuid !== null && context.open.has(uuid))
  const settled =
    wanted !== null && wanted === whole && !isWholeLook
      ? settledPlan(look, wanted, desired, providers)
      : undefined
  if (look.needs.usb) context.explain.saw(name, look.reading.usb())
  if (settled !== undefined) return settled
  const observed = await observeFrom(look, host, providers, wanted)
  const { record: reading } = observed
  if (reading.kind === 'unreadable') {
    return wanted === null
      ? untoldQube(qube, reading.problem.message)
      : blockedQube(qube, reading.problem, whole)
  }
  const record = reading.kind === 'record' ? reading.record : null
  const isAdopting = context.mode === 'adopt'
  if (!isAdopting && record !== null && record.name !== null && record.name !== desired.name) {
    const mine = desired.name === null ? 'this configuration has no name' : `this one is “${desired.name}”`
    const why = `the qube belongs to the configuration “${record.name}”, and ${mine}`
    const hint = `write \`name: ${record.name}\` in the spec, or take the qube over with \`qstate adopt\``
    return blocked(qube, 'other-configuration', why, hint)
  }
  const standing = await standingOf(observed.facts.qube, observed.recordText, reading, context.receipts)
  const known = isAdopting && !standing.isProven ? withKnownOriginals(record, standing) : record
  const planned = await planObserved(observed, wanted, known, desired, context, standing)
  const plan =
    record === null || standing.isProven
      ? planned
      : planUnproven(planned, record, { isNamed: wanted !== null, isAdopting, ...context }, whole)
  const owned = [...(record?.set.keys() ?? [])]
  const isWhole = wanted === whole && owned.every((path) => context.selects(name, path))
  if (standing.isOpen && isWhole && !needsApply(plan) && plan.blocked.length === 0 && plan.held === undefined)
    return { ...plan, closes: true }
  if (whole === null || ensure === undefined || ensure === 'absent') return plan
  if (observed.recordText !== null || isAdopting) return plan
  return withGrowth(plan, qube, whole, ensure, context.host)
}

/**
 * The plan of a qube whose record is not the one that was written from here: it explains what the record says, and does nothing
 * that follows from it. A record of version 1 knows no originals, so that what the spec names can be set all the same.
 */
function planUnproven(
  plan: QubePlan,
  record: OwnershipRecord,
  {
    isNamed,
    isAdopting,
    now,
  }: { readonly isNamed: boolean; readonly isAdopting: boolean; readonly now: string },
  declared: DesiredQube | null,
): QubePlan {
  const why = unproven(plan.qube, record)
  if (isAdopting) {
    // Written anew even where it says nothing else: from then on it is proven.
    const owned = ownRecord(plan.record.after, { name: plan.qube, uuid: plan.uuid })
    if (owned === null) return plan
    const after = formatRecord({ ...owned, version: 2, at: now })
    return {
      ...plan,
      record: { ...plan.record, after },
      takesOver: true,
      ...(after === plan.record.before ? { closes: true as const } : {}),
      notes: [...takenOver(owned), ...plan.notes],
    }
  }
  const isLeft = needsApply(plan) && (record.version === 2 || !isNamed)
  if (isLeft) return { ...blockedQube(hostQubeOf(plan), why, declared), notes: plan.notes }
  if (plan.waiting.length === 0) return plan
  const text = `what it says to wait for a restart is not believed: ${plan.waiting.join(', ')}`
  return { ...plan, waiting: [], notes: [...plan.notes, { kind: 'unproven', path: null, text }] }
}

const hostQubeOf = ({ qube: name, klass, uuid, running }: QubePlan): HostQube => ({
  name,
  klass,
  uuid,
  state: running ? 'Running' : 'Halted',
})

/** Each entry that a person takes over, with what it says was there before. */
const takenOver = ({ set, originals }: OwnershipRecord): readonly Note[] =>
  [...set].map(([path, value]) => {
    const original = originals.get(path)
    const before = original === undefined ? 'not known' : told(original)
    return { kind: 'taken-over', path, text: `is taken over: ${told(value)}; before qstate: ${before}` }
  })

const told = (value: Value | null): string => (value === null ? 'not set' : JSON.stringify(value))

/** What was written from here knows better what was there before than what is found. */
function withKnownOriginals(record: OwnershipRecord | null, { lost }: Standing): OwnershipRecord | null {
  if (record === null || lost === null) return record
  const originals = new Map(record.originals)
  for (const path of record.set.keys()) {
    if (lost.set.has(path)) restoreEntry(originals, lost.originals, path)
  }
  return { ...record, originals }
}

/** Whether the same plan makes a template, which an apply does first. */
function isCreated(name: string | null, desired: DesiredState, context: PlanContext): boolean {
  if (name === null || context.qubes.some((qube) => qube.name === name)) return false
  const ensure = desired.qubes.get(name)?.ensure
  if (ensure === undefined || ensure === 'absent') return false
  return ensure.klass === 'TemplateVM' && context.selects(name, 'qube/label')
}

async function planCreation(
  missing: DesiredQube,
  ensure: Ensure,
  desired: DesiredState,
  context: Explaining,
): Promise<QubePlan> {
  const { name } = missing
  const { klass, template, label } = ensure
  const qube: HostQube = { name, klass, state: 'Halted', uuid: null }
  const blocked = (code: Code, why: string, hint: string): QubePlan =>
    blockedQube(qube, problem(code, why, hint), missing)
  const why = isCreated(template, desired, context) ? null : templateProblem(template, context.qubes)
  if (why !== null) {
    const hint = 'name another, or let the spec create it (`ensure: { class: TemplateVM }`)'
    return blocked(
      'no-template',
      `it cannot be created: ${why}`,
      template === null ? hint : orListed(hint, context.host, template),
    )
  }
  if (!context.selects(name, 'qube/label'))
    return blocked(
      'partial-creation',
      'it is not there, and is created as a whole only',
      `use --target ${name}`,
    )
  const wanted = select(missing, context) ?? missing
  const created = new Map<string, Value>([
    ['qube/label', label],
    ...(template === null ? [] : [['qube/properties/template', template] as const]),
  ])
  const facts = { qube, version: context.version }
  const observed = await foreseeQube(context.host, context.providers, facts, wanted, created)
  const standing = await standingOf(qube, null, observed.record, null)
  const plan = await planObserved(observed, wanted, null, desired, context, standing)
  if (plan.blocked.some(({ path }) => path === null)) return plan
  const volumes = growthsOf(name, ensure)
  return { ...plan, create: creationOf(name, ensure), ...(volumes.length === 0 ? {} : { volumes }) }
}

function select(qube: DesiredQube | null, context: PlanContext): DesiredQube | null {
  if (qube === null) return null
  const settings = inScope(qube.settings, qube.name, context)
  return settings === qube.settings ? qube : { ...qube, settings }
}

/** Not named by the spec, and perhaps dropped from it: nothing of it is touched, and that is said. */
function untoldQube(qube: HostQube, why: string): QubePlan {
  const text = `whether this configuration has set anything here is not known: ${why}`
  return {
    ...describe(qube),
    changes: [],
    record: { before: null, after: null },
    blocked: [],
    waiting: [],
    notes: [{ kind: 'untold', path: null, text }],
  }
}
