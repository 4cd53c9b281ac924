import { type DesiredQube, type DesiredState, type Ensure, type Value } from '../spec/index.ts'
import { blockedQube, describe } from './blocked-qube.ts'
import { changeOf } from './change.ts'
import { creationOf, growthsOf, templateProblem } from './creation.ts'
import { diffQube, type Difference, type Unfinished } from './diff.ts'
import { type Host, type HostQube, type Release } from './host.ts'
import { foreseeQube, type ObservedQube, observeQube, observeRecord } from './observe.ts'
import { mapLimited } from './map-limited.ts'
import { byOrder } from './order.ts'
import { diffSettings, type Operation } from './patch.ts'
import { type Blocked, type Change, type Note, type Plan, PLAN_SCHEMA, type QubePlan } from './plan.ts'
import { providerOf, type Providers } from './provider.ts'
import { planRemoval } from './plan-removal.ts'
import { withGrowth } from './plan-growth.ts'
import {
  formatRecord,
  isEmptyRecord,
  type OwnershipRecord,
  recordTooLong,
  restoreEntry,
  sameOwnership,
} from './record.ts'
import { planWaits } from './waits.ts'

export interface PlanContext {
  readonly host: Host
  readonly providers: Providers
  readonly qubes: readonly HostQube[]
  readonly release: Release
  /** ISO 8601, for the plan and the records that it writes. */
  readonly now: string
  readonly commit: string | null
  /** `adopt` takes over what is right already, changes no value, and takes a qube over from another configuration. */
  readonly mode?: 'apply' | 'adopt'
  /** What an earlier run meant to do and did not come to, where that is known: it explains, and decides nothing. */
  readonly unfinished?: Unfinished
  /** Which settings are looked at; others keep their place in the record. */
  readonly selects: (qube: string, path: string) => boolean
  /** Qubes planned at once. */
  readonly parallelism: number
  readonly onQube?: (done: number, total: number) => void
}

/** Observes what the desired state names and says what an apply would do. Writes nothing. */
export async function makePlan(desired: DesiredState, context: PlanContext): Promise<Plan> {
  const dropped = await findDropped(desired, context)
  const wanted = [...desired.qubes.keys()].filter((name) => context.selects(name, ''))
  const names = [...wanted, ...dropped].sort()
  const there = new Map(context.qubes.map((qube) => [qube.name, qube]))
  let done = 0
  const qubes = await mapLimited(names, context.parallelism, async (name) => {
    const plan = await planQube({ name, qube: there.get(name) }, desired, context)
    done += 1
    context.onQube?.(done, names.length)
    return plan
  })
  const orphans = (await context.host.tableTemplates()).filter(({ qube }) => !there.has(qube))
  return {
    schema: PLAN_SCHEMA,
    version: 1,
    createdAt: context.now,
    host: { where: context.host.where, release: context.release },
    spec: { name: desired.name, digest: desired.digest, commit: context.commit },
    qubes,
    ...(orphans.length === 0 ? {} : { orphans }),
  }
}

/**
 * Qubes that this configuration owns something on and no longer names. Only a configuration with a name of its own
 * can tell: without one, two repositories for one host would prune each other's qubes.
 */
async function findDropped(desired: DesiredState, context: PlanContext): Promise<readonly string[]> {
  if (desired.name === null) return []
  const others = context.qubes.filter((q) => q.klass !== 'AdminVM' && !desired.qubes.has(q.name))
  const found = await mapLimited(others, context.parallelism, async (qube) => {
    if (!context.selects(qube.name, '')) return []
    const record = await observeRecord(context.host, { qube, release: context.release })
    // One that does not tell whose it is may be ours: it is planned for, so that this is told.
    if (record.kind === 'unreadable') return [qube.name]
    return record.kind === 'record' && record.record.name === desired.name ? [qube.name] : []
  })
  return found.flat()
}

async function planQube(
  { name, qube }: { readonly name: string; readonly qube: HostQube | undefined },
  desired: DesiredState,
  context: PlanContext,
): Promise<QubePlan> {
  const ensure = desired.qubes.get(name)?.ensure
  if (ensure === 'absent') {
    const removes = context.mode !== 'adopt' && context.selects(name, 'qube/label')
    if (qube === undefined || removes) return planRemoval(qube, name, desired.name, context.host)
    const hint = '`qstate apply` does, with the whole qube as its target if it has one'
    return blockedQube(qube, { path: null, why: 'this removes no qube', hint })
  }
  if (qube === undefined) {
    const missing = desired.qubes.get(name)
    if (missing !== undefined && ensure !== undefined && context.mode !== 'adopt')
      return planCreation(missing, ensure, desired, context)
    const hint =
      'create it (qvm-create), let qstate create it (`ensure: present`), or correct the name in the spec; qvm-ls lists the qubes there are'
    const gone = { name, klass: '', state: '', uuid: null }
    return blockedQube(gone, { path: null, why: 'there is no such qube', hint })
  }
  const untold = desired.untold?.get(name)
  if (untold !== undefined) {
    // A setting that a selector may want is neither made nor taken back.
    const why = `whether a selector means it is not known: ${untold.why}`
    return blockedQube(qube, { path: null, why, hint: untold.hint })
  }
  const wanted = select(desired.qubes.get(name) ?? null, context)
  const observed = await observeQube(
    context.host,
    context.providers,
    { qube, release: context.release },
    wanted,
  )
  const { record: reading } = observed
  if (reading.kind === 'unreadable') {
    const { why, hint } = reading
    return wanted === null ? untoldQube(qube, why) : blockedQube(qube, { path: null, why, hint })
  }
  const record = reading.kind === 'record' ? reading.record : null
  if (context.mode !== 'adopt' && record !== null && record.name !== null && record.name !== desired.name) {
    const mine = desired.name === null ? 'this configuration has no name' : `this one is “${desired.name}”`
    const why = `the qube belongs to the configuration “${record.name}”, and ${mine}`
    const hint = `write \`name: ${record.name}\` in the spec, or take the qube over with \`qstate adopt\``
    return blockedQube(qube, { path: null, why, hint })
  }
  const plan = await planObserved(observed, wanted, record, desired, context)
  if (ensure === undefined || observed.recordText !== null || context.mode === 'adopt') return plan
  return withGrowth(plan, qube, ensure, context.host)
}

async function planCreation(
  missing: DesiredQube,
  ensure: Ensure,
  desired: DesiredState,
  context: PlanContext,
): Promise<QubePlan> {
  const { name } = missing
  const { klass, template, label } = ensure
  const qube: HostQube = { name, klass, state: 'Halted', uuid: null }
  const blocked = (why: string, hint: string): QubePlan => blockedQube(qube, { path: null, why, hint })
  const why = templateProblem(template, context.qubes)
  if (why !== null) {
    const hint = 'name another; a template that this spec creates is there for the next apply'
    return blocked(`it cannot be created: ${why}`, hint)
  }
  if (!context.selects(name, 'qube/label'))
    return blocked('it is not there, and is created as a whole only', `use --target ${name}`)
  const wanted = select(missing, context) ?? missing
  const created = new Map<string, Value>([
    ['qube/label', label],
    ...(template === null ? [] : [['qube/properties/template', template] as const]),
  ])
  const facts = { qube, release: context.release }
  const observed = await foreseeQube(context.host, context.providers, facts, wanted, created)
  const plan = await planObserved(observed, wanted, null, desired, context)
  if (plan.blocked.some(({ path }) => path === null)) return plan
  const volumes = growthsOf(name, ensure)
  return { ...plan, create: creationOf(name, ensure), ...(volumes.length === 0 ? {} : { volumes }) }
}

async function planObserved(
  observed: ObservedQube,
  wanted: DesiredQube | null,
  record: OwnershipRecord | null,
  desired: DesiredState,
  context: PlanContext,
): Promise<QubePlan> {
  const { providers } = context
  const { facts } = observed
  const inScope = record === null ? null : scoped(record, facts.qube.name, context)
  const difference = diffQube(providers, wanted, observed, inScope, context.unfinished)
  const blocked: Blocked[] = [...difference.blocked]
  const set = new Map(difference.set)
  const was = new Map(difference.was)
  const changes: Change[] = []
  const operations = diffSettings(
    facts.qube.name,
    new Map(difference.differences.map((d) => [d.path, d.before])),
    new Map(difference.differences.map((d) => [d.path, d.after])),
  )
  for (const d of difference.differences) {
    if (context.mode === 'adopt') {
      restore(set, was, d.path, inScope)
      continue
    }
    const planned = planChange(d, operations.get(d.path), observed, providers)
    if ('why' in planned) {
      blocked.push(planned)
      restore(set, was, d.path, inScope)
    } else changes.push(planned)
  }
  changes.sort(byOrder)
  for (const [path, value] of record?.set ?? [])
    if (!context.selects(facts.qube.name, path)) set.set(path, value)
  for (const [path, value] of record?.was ?? [])
    if (!context.selects(facts.qube.name, path)) was.set(path, value)

  const { waits, waiting, note } = await planWaits(
    context.host,
    facts,
    observed.peek('start_time'),
    record,
    changes,
  )
  const next: OwnershipRecord = {
    uuid: facts.qube.uuid ?? '',
    name: desired.name,
    commit: context.commit,
    at: context.now,
    set,
    was,
    waits,
  }
  const after = sameOwnership(record, next)
    ? observed.recordText
    : isEmptyRecord(next)
      ? null
      : formatRecord(next)
  const isThere = (): boolean => context.qubes.some(({ name }) => name === facts.qube.name)
  if (facts.qube.uuid === null && after !== observed.recordText && isThere()) {
    const hint = 'the property uuid has to be readable: without it, a clone could not be told from its origin'
    return blockedQube(facts.qube, { path: null, why: 'the qube does not tell its UUID', hint })
  }
  if (after !== null && recordTooLong(after)) {
    const hint = 'declare fewer settings on this qube, or shorter values'
    return blockedQube(facts.qube, {
      path: null,
      why: 'the ownership record would not fit into a feature',
      hint,
    })
  }
  return {
    ...describe(facts.qube),
    changes,
    record: { before: observed.recordText, after },
    blocked,
    waiting,
    ...(wanted?.restart === undefined ? {} : { restart: wanted.restart }),
    notes: [...cloneNote(observed), ...droppedNote(wanted, changes), ...difference.notes, ...note],
  }
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
  const change = changeOf(difference, operation, provider, facts)
  if ('why' in change) return change
  const remark = provider.remark?.(path, after, facts)
  const inherited = before === null ? provider.inherited?.(path, peek) : undefined
  return {
    ...change,
    remarks: remark === undefined ? [] : [remark],
    ...(inherited === undefined ? {} : { inherited }),
  }
}

/** A difference that cannot be made leaves ownership as it was. */
function restore(
  set: Map<string, Value | null>,
  was: Map<string, Value | null>,
  path: string,
  record: OwnershipRecord | null,
): void {
  restoreEntry(set, record?.set, path)
  restoreEntry(was, record?.was, path)
}

function select(qube: DesiredQube | null, context: PlanContext): DesiredQube | null {
  if (qube === null) return null
  return {
    ...qube,
    settings: new Map([...qube.settings].filter(([path]) => context.selects(qube.name, path))),
  }
}

function scoped(record: OwnershipRecord, qube: string, context: PlanContext): OwnershipRecord {
  const inScope = (map: ReadonlyMap<string, Value | null>): Map<string, Value | null> =>
    new Map([...map].filter(([path]) => context.selects(qube, path)))
  return { ...record, set: inScope(record.set), was: inScope(record.was) }
}

/** A whole qube that is dropped is told in a headline: its line may have been lost by mistake. */
function droppedNote(wanted: DesiredQube | null, changes: readonly Change[]): readonly Note[] {
  if (wanted !== null || changes.length === 0) return []
  const text = 'no longer named by this configuration: all that it owns here is taken back'
  return [{ kind: 'dropped', path: null, text }]
}

function cloneNote(observed: ObservedQube): readonly Note[] {
  if (observed.record.kind !== 'foreign') return []
  const text = `carries the record of another qube (${observed.record.uuid}), as a clone does: not believed, and replaced`
  return [{ kind: 'clone', path: null, text }]
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
