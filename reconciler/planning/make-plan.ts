import { type Code, escapeForTerminal, problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type DesiredState, matchedDigest } from '../../spec/index.ts'
import { explainer, withHeirs, withRivals } from '../annotate/index.ts'
import { withHindrances } from '../harm/index.ts'
import { lookAt, observeFrom } from '../observe/index.ts'
import { type Membership, membershipOf, type OwnershipRecord, type Standing } from '../ownership/index.ts'
import {
  needsApply,
  type Plan,
  PLAN_SCHEMA,
  PLAN_VERSION,
  type QubePlan,
  type Untold,
} from '../plan/index.ts'
import {
  type HostQube,
  mapLimited,
  type Observation,
  orListed,
  type Orphan,
  sameValue,
} from '../ports/index.ts'
import { blockedQube, describe } from './blocked-qube.ts'
import { movesOn, type Moves } from './moves.ts'
import { asksForTemplates, findOrphans } from './orphans.ts'
import { findOthers, isNameOf, withCarriers } from './others.ts'
import { inScopeOf, type PlanContext, type Planning } from './plan-context.ts'
import { planCreation } from './plan-creation.ts'
import { withEnsure } from './plan-ensure.ts'
import { planObserved } from './plan-observed.ts'
import { planRemoval } from './plan-removal.ts'
import { planUnproven, withKnownOriginals } from './plan-unproven.ts'
import { recordedOn, unprovenMove, withHolder } from './recorded.ts'
import { didYouMean, references } from './references.ts'
import { settledPlan } from './settled.ts'

type Explaining = Planning & {
  readonly moves: Moves
  /** Templates of ours with ACPI tables, also those of qubes that are gone. */
  readonly templates: Observation<readonly Orphan[]>
  readonly open: ReadonlySet<string>
  /** The receipts say which `select` entries match which qubes. */
  readonly isMatchedNoted: boolean
}

/** Observes what the desired state names and says what an apply would do. Writes nothing. */
export async function makePlan(desired: DesiredState, context: PlanContext): Promise<Plan> {
  const moving = { ...context, moves: movesOn(desired, context.qubes) }
  const others = await findOthers(desired, moving)
  const wanted = [...desired.qubes.keys()].filter((name) => context.selects(name, ''))
  const names = [...wanted, ...others.dropped].sort()
  const there = new Map(context.qubes.map((qube) => [qube.name, qube]))
  const explain = explainer(context.host, context.explains === true)
  const open = (await context.receipts?.open()) ?? new Set<string>()
  const matched = context.receipts === null ? null : matchedDigest(desired)
  const isMatchedNoted = matched === null || (await context.receipts?.matched()) === matched
  const lookUp = references({ ...context, desired })
  const templates = await context.host.tableTemplates(asksForTemplates(desired, there))
  const explaining: Explaining = { ...moving, explain, references: lookUp, templates, open, isMatchedNoted }
  let done = 0
  const planned = await mapLimited(names, context.parallelism, async (name) => {
    const plan = await planQube({ name, qube: there.get(name) }, desired, explaining)
    done += 1
    context.onQube?.(done, names.length)
    return plan
  })
  const told = withCarriers(planned, others)
  const contested = await withRivals(told, context.qubes, explain, context.parallelism)
  const annotated = await withHeirs(contested, context.qubes, explain, context.parallelism)
  // From a management qube it takes policy lines that no plan needs.
  const asksForDevices = explain.asks || !context.host.hasPolicy
  const qubes = await withHindrances(annotated, desired, { ...context, asksForDevices })
  return {
    schema: PLAN_SCHEMA,
    version: PLAN_VERSION,
    createdAt: context.now,
    host: { where: context.host.where, release: context.version },
    spec: {
      name: desired.name,
      ...(desired.formerly === undefined ? {} : { formerly: desired.formerly }),
      digest: desired.digest,
      commit: context.commit,
      ...(context.origins === undefined ? {} : { origins: context.origins }),
    },
    qubes,
    ...(matched === null || isMatchedNoted || !notesMatched(qubes, desired) ? {} : { matched }),
    ...(await findOrphans(desired, planned, templates, moving)),
    ...untoldIn([...explain.untold(), ...lookUp.untold()]),
  }
}

const untoldIn = (untold: readonly Untold[]): Pick<Plan, 'untold'> => (untold.length === 0 ? {} : { untold })

/** Whether an apply of the plans of some qubes brings the receipts of all that `select` entries match up to date. */
function notesMatched(plans: readonly QubePlan[], desired: DesiredState): boolean {
  const noted = new Set(
    plans.filter(({ blocked }) => blocked.every(({ path }) => path !== null)).map(({ qube }) => qube),
  )
  return [...desired.qubes.values()].every(({ name, matched }) => matched === undefined || noted.has(name))
}

const NONE_GONE: ReadonlySet<string> = new Set()

async function planQube(
  { name, qube }: { readonly name: string; readonly qube: HostQube | undefined },
  desired: DesiredState,
  context: Explaining,
  /** Tags that the host still has, and that the desired state is already without. */
  gone: ReadonlySet<string> = NONE_GONE,
): Promise<QubePlan> {
  const whole = desired.qubes.get(name) ?? null
  const ensure = whole?.ensure
  const blocked = (on: HostQube, code: Code, why: string, hint: string): QubePlan =>
    blockedQube(on, problem(code, why, hint), whole)
  if (whole !== null && ensure === 'absent') {
    const removes = context.mode !== 'adopt' && context.selects(name, 'qube/label')
    if (qube === undefined || removes) return planRemoval(qube, whole, desired, context)
    const hint = '`qstate apply` does, with the whole qube as its target if it has one'
    return blocked(qube, 'removes-nothing', 'this removes no qube', hint)
  }
  const renamed = context.moves.stillThere(name)
  if (qube === undefined) {
    const gone = { name, klass: '', state: '', uuid: null }
    if (renamed !== undefined) return blockedQube(gone, notCloned(name, renamed), whole)
    if (whole !== null && ensure !== undefined && ensure !== 'absent' && context.mode !== 'adopt')
      return planCreation(whole, ensure, desired, context)
    const near = didYouMean(
      name,
      context.qubes.filter(({ klass }) => klass !== 'AdminVM').map((one) => one.name),
    )
    const hint = `${near}create it (qvm-create), let qstate create it (\`ensure: present\`), or correct the name in the spec; qvm-ls lists the qubes there are`
    return blocked(gone, 'unknown-qube', 'there is no such qube', orListed(hint, context.host, name))
  }
  const untold = desired.untold?.get(name)
  if (untold !== undefined) {
    // A setting that a selector may want is neither made nor taken back.
    const why = `whether a selector means it is not known: ${untold.message}`
    return blocked(qube, 'unresolved-selector', why, untold.hint)
  }
  const unfit = whole?.unfit?.find(({ path }) => path === null)
  if (unfit !== undefined) return blockedQube(qube, unfit.problem, whole)
  const wanted = whole === null ? null : inScopeOf(whole, context)
  const { host, providers, version } = context
  const look = await lookAt(host, providers, { qube, version }, wanted)
  const ensured = (plan: QubePlan): QubePlan | Promise<QubePlan> =>
    whole === null || ensure === undefined || ensure === 'absent'
      ? plan
      : withEnsure(plan, look, whole, ensure, context)
  // Where a run was cut off there may be something to note, and who adopts sees all that there is.
  const { uuid } = look.facts.qube
  const isOpen = uuid !== null && context.open.has(uuid)
  const isWholeLook = context.mode === 'adopt' || isOpen || renamed !== undefined
  const settled =
    wanted !== null &&
    wanted === whole &&
    whole.unfit === undefined &&
    !isWholeLook &&
    (whole.matched === undefined || context.isMatchedNoted)
      ? settledPlan(look, wanted, desired, providers, context.moves.renames)
      : undefined
  if (look.needs.usb) context.explain.saw(name, look.reading.usb())
  if (settled !== undefined) return ensured(settled)
  const observed = await observeFrom(look, host, providers, wanted)
  const { record: reading } = observed
  if (reading.kind === 'unreadable') {
    return wanted === null
      ? untoldQube(qube, reading.problem.message)
      : blockedQube(qube, reading.problem, whole)
  }
  const recorded = await recordedOn(observed, context)
  if (!recorded.ok) return blockedQube(qube, recorded.problem, whole)
  const { record, standing: proof, holder } = recorded.value
  const isAdopting = context.mode === 'adopt'
  if (!isAdopting && record !== null && record.name !== null && !isNameOf(desired, record.name))
    return blockedQube(qube, otherConfiguration(record.name, desired.name), whole)
  if (!isAdopting && holder.movedFrom !== undefined && !proof.isProven)
    return blockedQube(qube, unprovenMove(name, holder.movedFrom), whole)
  const membership = membershipIn(desired, whole, record, proof)
  const leaving = [...membership.leaving].filter(
    (tag) => !gone.has(tag) && context.selects(name, `tags/${tag}`),
  )
  if (leaving.length > 0 && !isAdopting) {
    const tags = new Set([...gone, ...leaving])
    return planQube({ name, qube }, withoutTags(name, tags, desired), context, tags)
  }
  const standing: Standing = { ...proof, unmatched: membership.unmatched }
  const known = isAdopting && !standing.isProven ? withKnownOriginals(record, standing) : record
  const seen = recorded.value.observed
  const observing = await planObserved(seen, wanted, known, desired, context, standing)
  const planned = withHolder(observing, { ...recorded.value, record: known }, context)
  const plan =
    record === null || standing.isProven
      ? planned
      : planUnproven(planned, record, { isNamed: wanted !== null, isAdopting, ...context }, whole)
  const isNoted = sameValue(membership.matched, standing.matched)
  const matched = isNoted && membership.matched.length === 0 ? {} : { matched: membership.matched }
  const owned = [...(record?.set.keys() ?? [])]
  const isWhole = wanted === whole && owned.every((path) => context.selects(name, path))
  const all = await ensured(plan)
  if (standing.isOpen && isWhole && !needsApply(all) && all.blocked.length === 0 && all.held === undefined)
    return { ...all, ...matched, closes: true }
  if (needsApply(all)) return { ...all, ...matched }
  const closes = !isNoted && !standing.isOpen && standing.isProven && record !== null
  return closes ? { ...all, ...matched, closes } : all
}

function otherConfiguration(owner: string, name: string | null): Problem {
  const mine = name === null ? 'this configuration has no name' : `this one is “${name}”`
  const renamed =
    name === null
      ? ''
      : `, or \`formerly: [${escapeForTerminal(owner)}]\` beside its name where it was renamed`
  return problem(
    'other-configuration',
    `the qube belongs to the configuration “${owner}”, and ${mine}`,
    `write \`name: ${escapeForTerminal(owner)}\` in the spec${renamed}; or take the qube over with \`qstate adopt\``,
  )
}

const notCloned = (to: string, from: string): Problem =>
  problem(
    'moved-still-there',
    `there is no such qube, and ${from} is still on the host, which \`moved\` says is ${to} now`,
    `clone ${from} to ${to} (\`qvm-clone ${from} ${to}\`) and remove it, or drop the line`,
  )

/** What `select` entries have to do with what is owned; of a record that is not proven nothing follows. */
function membershipIn(
  { selections }: DesiredState,
  whole: DesiredQube | null,
  record: OwnershipRecord | null,
  { isProven, matched }: Standing,
): Membership {
  if (selections === undefined || record === null || !isProven)
    return { unmatched: new Map(), leaving: NONE_GONE, matched: whole?.matched ?? [] }
  return membershipOf(whole, record, matched, selections)
}

/** The desired state once tags have left a qube that the host still has: they go in the same apply as what they brought. */
function withoutTags(name: string, tags: ReadonlySet<string>, desired: DesiredState): DesiredState {
  const next = desired.selections?.without(name, tags) ?? null
  const qubes = new Map(desired.qubes)
  if (next === null) qubes.delete(name)
  else qubes.set(name, next)
  return { ...desired, qubes }
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
