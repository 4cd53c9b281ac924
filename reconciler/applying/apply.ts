import { problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { SLIC_TABLES } from '../../spec/index.ts'
import {
  needsApply,
  type OrphanTemplate,
  type Plan,
  type QubePlan,
  type QubeReport,
  removedOrphans,
  type Report,
} from '../plan/index.ts'
import { templateProblem } from '../planning/index.ts'
import { type Host, type HostQube, mapLimited, type Providers, type Receipts } from '../ports/index.ts'
import { applyQube } from './apply-qube.ts'
import { movesOf } from './device-moves.ts'
import { type Journal } from './journal.ts'
import { removeOrphan } from './orphans.ts'
import { closeUnfinished } from './own-record.ts'
import { isMissing, notCreated, type Stage, stagesOf } from './qube-order.ts'
import { checkGuards, journalFailure, noted, type QubeRun, startReport } from './qube-run.ts'

export interface ApplyContext {
  readonly host: Host
  readonly providers: Providers
  /** The host's qubes as listed just now. */
  readonly qubes: readonly HostQube[]
  readonly parallelism: number
  /** Stops before the next qube after a failed one. */
  readonly failFast: boolean
  /** Checks all guards of all qubes before the first write: for a plan that is not fresh. */
  readonly recheck: boolean
  readonly journal: Journal
  readonly receipts: Receipts
  readonly signal: AbortSignal
  readonly onQube?: (report: QubeReport, done: number, total: number) => void
}

/**
 * Does what the plan says, and nothing else. Never throws for what a qube or the daemon does: the report tells.
 *
 * Per qube: guards, withdrawals, the record, values, and a second look. Devices that move from one qube to another are
 * taken from the first before the second gets them.
 */
export async function applyPlan(plan: Plan, context: ApplyContext): Promise<Report> {
  const moves = movesOf(plan)
  const runs: readonly QubeRun[] = plan.qubes.map((qube) =>
    startRun(
      qube,
      plan,
      context,
      (change) =>
        moves.withheld(qube.qube, change, (name) => byName.get(name)?.report) ??
        notCreated(change, (name) => byName.get(name)?.plan),
    ),
  )
  const byName: RunsByName = new Map(runs.map((run) => [run.plan.qube, run]))
  const todo = runs.filter((run) => needsApply(run.plan))
  if (context.recheck) {
    const gone = await checkAll(todo, context.parallelism)
    if (gone !== null) return finish(plan, runs, gone)
    if (todo.some((run) => run.report.status === 'stale' || run.report.status === 'failed'))
      return finish(plan, runs, null)
  }
  for (const run of runs) if (run.plan.closes === true) await closeUnfinished(run)
  const orphans = removedOrphans(plan)
  if (todo.length === 0 && orphans.length === 0) return noteMatched(plan, finish(plan, runs, null), context)
  await context.journal.begin(plan)

  let done = 0
  let stop: Problem | null = null
  const tell = ({ report }: QubeRun): void => context.onQube?.(report, ++done, todo.length)
  const step =
    (work: (run: QubeRun) => Promise<void>, final: boolean) =>
    async (run: QubeRun): Promise<void> => {
      if (context.signal.aborted) stop ??= STOPPED
      if (stop !== null) return
      try {
        await work(run)
      } catch (error) {
        if (!(error instanceof QstateError) || !error.fatal) throw error
        stop ??= error.problem
      }
      // Of one that is in use the last word is said below.
      if (isInUse(run)) return
      if (context.failFast && (run.report.status === 'failed' || run.report.status === 'stale')) {
        stop ??= failedFast(run.plan.qube)
      }
      if (final) tell(run)
    }
  const givers = todo.filter((run) => run.plan.changes.some(moves.gives))
  await mapLimited(
    givers,
    context.parallelism,
    step((run) => applyQube(run, moves.gives, 'part'), false),
  )
  const plans = todo.map((run) => run.plan)
  for (const stage of stagesOf(plans)) {
    await mapLimited(
      stage.plans.flatMap(({ qube }) => byName.get(qube) ?? []),
      context.parallelism,
      step((run) => applyOnce(run, byName, stage), stage.extent === 'rest'),
    )
  }

  // Which qubes name one that is removed is not in the plan: it is tried again once others are gone.
  let kept = todo.filter(isInUse)
  let isLess = todo.some(isRemoved)
  while (isLess && kept.length > 0) {
    await mapLimited(
      kept,
      1,
      step((run) => {
        run.report = startReport(run.plan)
        return applyOnce(run, byName, { extent: 'rest', chosen: () => true })
      }, true),
    )
    const still = kept.filter(isInUse)
    isLess = still.length < kept.length
    kept = still
  }
  kept.forEach(tell)

  const removed: QubeReport[] = []
  for (const orphan of orphans) {
    try {
      if (context.signal.aborted) stop ??= STOPPED
      if (stop === null && isReplaced(orphan, byName))
        removed.push(await removeOrphan(orphan, plan.host.release, context))
    } catch (error) {
      if (!(error instanceof QstateError)) throw error
      stop ??= error.problem
    }
  }

  const ended = finish(plan, runs, stop)
  const report = { ...ended, qubes: [...ended.qubes, ...removed] }
  try {
    await context.journal.end(report)
    return await noteMatched(plan, report, context)
  } catch (error) {
    return { ...report, interrupted: report.interrupted ?? journalFailure(error).problem }
  }
}

/** Where all of the plan is done, which `select` entries match which qubes is what the receipts say. */
async function noteMatched({ matched }: Plan, report: Report, { receipts }: ApplyContext): Promise<Report> {
  const isDone =
    report.interrupted === null &&
    report.qubes.every(({ status }) => status === 'applied' || status === 'unchanged')
  if (matched !== undefined && isDone) await noted(receipts.setMatched(matched))
  return report
}

const isRemoved = ({ plan, report }: QubeRun): boolean =>
  plan.remove !== undefined && report.status === 'applied'

const isInUse = ({ plan, report }: QubeRun): boolean =>
  plan.remove !== undefined && report.error?.code === 'in-use'

type RunsByName = ReadonlyMap<string, QubeRun>

/** Whether the qube that has the place of the one that a template was for has what it is to have instead. */
function isReplaced({ movedTo }: OrphanTemplate, runs: RunsByName): boolean {
  if (movedTo === undefined) return true
  const report = runs.get(movedTo)?.report
  const isAsPlanned = ['applied', 'unchanged', 'blocked'].includes(report?.status ?? '')
  return (
    isAsPlanned || report?.outcomes.some((o) => o.path === SLIC_TABLES && o.status === 'applied') === true
  )
}

/** A qube whose template has not been made is not made either. */
async function applyOnce(
  run: QubeRun,
  runs: RunsByName,
  { extent, chosen }: Pick<Stage, 'extent' | 'chosen'>,
): Promise<void> {
  const template = isMissing(run.plan) ? runs.get(run.plan.create?.template ?? '')?.plan : undefined
  if (template !== undefined && isMissing(template)) {
    const message = `its template ${template.qube} has not been created`
    const error = problem('no-template', message, `see what became of ${template.qube}`)
    run.report = { ...run.report, status: 'failed', error }
    return
  }
  await applyQube(run, chosen, extent)
}

/** Returns why the host could not be asked, if it could not. */
async function checkAll(runs: readonly QubeRun[], parallelism: number): Promise<Problem | null> {
  try {
    await mapLimited(runs, parallelism, (run) => checkGuards(run))
    return null
  } catch (error) {
    if (error instanceof QstateError) return error.problem
    throw error
  }
}

function startRun(
  plan: QubePlan,
  whole: Plan,
  context: ApplyContext,
  withheld: QubeRun['withheld'],
): QubeRun {
  const qube = context.qubes.find((candidate) => candidate.name === plan.qube)
  const uuid = qube?.uuid ?? null
  const replaced = uuid !== null && plan.uuid !== null && uuid !== plan.uuid
  const { release } = whole.host
  const mismatch =
    context.host.version(context.qubes) !== release
      ? `the plan is for Qubes ${release}, and this host is not`
      : plan.create !== undefined
        ? creationProblem(plan, whole, context.qubes)
        : qube === undefined || replaced
          ? `${plan.qube} is not the qube that was planned for`
          : originProblem(plan, context.qubes)
  return {
    plan,
    facts: {
      qube: qube ?? { name: plan.qube, klass: plan.klass, state: 'Halted', uuid: plan.uuid },
      version: release,
    },
    mismatch,
    host: context.host,
    providers: context.providers,
    journal: context.journal,
    receipts: context.receipts,
    signal: context.signal,
    withheld,
    report: startReport(plan),
    recordText: plan.record.before,
    receipt: null,
    halfDone: new Map(),
    isStopped: false,
  }
}

/** Why nothing passes over to a qube after all. */
function originProblem({ movedFrom }: QubePlan, qubes: readonly HostQube[]): string | null {
  const there = qubes.find(({ name, uuid }) => name === movedFrom?.qube || uuid === movedFrom?.uuid)
  return movedFrom === undefined || there === undefined ? null : `${there.name} is on the host again`
}

/** Why a qube is not to be created after all. */
function creationProblem(
  { qube, create }: QubePlan,
  { qubes: planned }: Plan,
  qubes: readonly HostQube[],
): string | null {
  if (qubes.some(({ name }) => name === qube)) return `${qube} was to be created, and is there by now`
  const template = create?.template ?? null
  const made = planned.some((plan) => plan.qube === template && plan.create?.klass === 'TemplateVM')
  return made ? null : templateProblem(template, qubes)
}

const STOPPED = problem('aborted', 'stopped by a signal', 'run it again: it continues')

const failedFast = (qube: string): Problem =>
  problem('fail-fast', `stopped after ${qube} (--fail-fast)`, 'see what became of it, then run this again')

const finish = (plan: Plan, runs: readonly QubeRun[], interrupted: Problem | null): Report => ({
  plan,
  // One whose devices were taken before the run ended has been begun.
  qubes: runs.map(({ report }) =>
    report.status === 'skipped' && report.writes > 0 ? { ...report, status: 'failed' } : report,
  ),
  interrupted,
})
