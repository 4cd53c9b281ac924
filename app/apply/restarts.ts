import {
  type Change,
  mapLimited,
  mayRestart,
  needsApply,
  type Plan,
  type PlannedRestart,
  type QubePlan,
  type Report,
  type RestartHarm,
  restartQube,
  type RestartReport,
} from '../../reconciler/index.ts'
import { problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type RestartPolicy } from '../../spec/index.ts'
import { type Context } from '../context.ts'
import { type ManagedHost, type PlanningHost } from '../host/index.ts'
import { checkRestart, refusalOf, type RestartCheck, restartHarm } from './restart-precheck.ts'

export interface RestartOptions {
  /** Instead of what the spec says of each qube. */
  readonly policy: 'never' | 'ask' | 'now' | null
  /** How long a qube may take to shut down, and again to be ready. */
  readonly timeoutMs: number
  /** Kills a qube that has not shut down in that time. */
  readonly kill: boolean
  /** Asks a person; null: there is none. */
  readonly ask: ((request: RestartRequest) => Promise<boolean>) | null
  /** Makes what a plan holds until a qube is halted, of one that is. Why not all of it could be made; null: it was. */
  readonly whileHalted?: (planned: QubePlan) => Promise<Problem | null>
  /** Requests the shutdown, if it is still allowed; false: it is not. For a program, whose permission may end meanwhile. */
  readonly ifStill?: (qube: string, shutDown: () => Promise<void>) => Promise<boolean>
}

/** What a person is asked before a restart. */
export interface RestartRequest {
  readonly qube: string
  /** Settings that take effect by it. */
  readonly waiting: readonly string[]
  /** Devices that are attached by hand, which no start brings back; null: not known. */
  readonly attachedByHand: readonly string[] | null
  /** What others would lose by it, and what could not be read. */
  readonly harm: RestartHarm
}

/**
 * The plan with what an apply at this time does about pending restarts: the option stands above what the spec says, and the qube
 * that qstate runs in is not restarted; what a restart would harm is listed with it. Fails where a person is to be asked and there is none, before anything is done.
 */
export async function withRestarts(
  plan: Plan,
  { policy, ask, makesHeld }: Pick<RestartOptions, 'policy' | 'ask'> & { readonly makesHeld: boolean },
  { now }: Pick<Context, 'now'>,
  /** Null: there is none to ask. */
  host: PlanningHost | null,
): Promise<Plan> {
  const qubes = policy === null ? plan.qubes : plan.qubes.map((qube) => ({ ...qube, restart: policy }))
  const restarts = qubes.flatMap((planned) => {
    if (planned.qube === host?.host.ownQube) return []
    const hasHeld = makesHeld && (planned.held?.length ?? 0) > 0
    if (!planned.running || !(hasHeld || planned.waiting.length > 0 || planned.changes.some(isLate)))
      return []
    const when = mayRestartNow(planned.restart ?? 'never', now())
    if (when === 'no') return []
    return [{ planned, when: when === 'yes' ? ('now' as const) : when }]
  })
  if (policy === 'ask' && ask === null && restarts.length > 0) throw nobodyToAsk()
  if (restarts.length === 0) return { ...plan, qubes }
  const judged = await mapLimited(restarts, AT_ONCE, async ({ planned, when }): Promise<PlannedRestart> => {
    const harm = host === null ? {} : await restartHarm(planned, host, planned.changes)
    return { qube: planned.qube, when, ...(Object.keys(harm).length === 0 ? {} : { harm }) }
  })
  return { ...plan, qubes, restarts: judged }
}

/** Qubes looked at together. */
const AT_ONCE = 4

const isLate = ({ effect }: Change): boolean => effect === 'next-start'

const mayRestartNow = (policy: RestartPolicy, now: Date): ReturnType<typeof mayRestart> =>
  mayRestart(policy, now.getHours() * 60 + now.getMinutes())

const nobodyToAsk = (): QstateError =>
  new QstateError(
    problem(
      'nobody-to-ask',
      'a restart needs confirmation, but stdin is not a terminal',
      'use --restart now or --restart never',
    ),
  )

/** Names of the qubes that are restarted without a question of their own. */
export const restartedNow = ({ restarts = [] }: Plan): readonly string[] =>
  restarts.flatMap(({ qube, when, harm = {} }) =>
    when === 'now' && refusalOf(harm) === undefined ? [qube] : [],
  )

/** A qube with settings that take effect only after a restart, and whether it may have one. */
interface Candidate {
  readonly planned: QubePlan
  readonly waiting: readonly string[]
  readonly policy: RestartPolicy
}

/** Restarts the qubes that wait for it and may be restarted, one after the other. Reports of those that were tried. */
export async function restartPending(
  plan: Plan,
  report: Report | null,
  connected: ManagedHost,
  options: RestartOptions,
  context: Context,
): Promise<readonly RestartReport[]> {
  const reports: RestartReport[] = []
  for (const { planned, waiting, policy } of candidates(plan, report, options)) {
    if (context.signal.aborted) break
    const may = mayRestartNow(policy, context.now())
    if (may === 'no' || (may === 'ask' && options.ask === null)) continue
    const check = await checkRestart(planned, connected)
    const { harm, attachedByHand } = check
    const refusal = may === 'ask' ? harm.refusal : refusalOf(harm)
    if (refusal !== undefined) {
      reports.push({ qube: planned.qube, status: 'failed', error: refusal })
      continue
    }
    const request = { qube: planned.qube, waiting, attachedByHand, harm }
    if (may === 'ask' && (await options.ask?.(request)) !== true) continue
    reports.push(await restart(planned, check, connected, options, context))
  }
  return reports
}

async function restart(
  planned: QubePlan,
  { attachedByHand }: RestartCheck,
  { host }: ManagedHost,
  { timeoutMs, kill, ifStill, whileHalted }: RestartOptions,
  { signal, pause, progress }: Context,
): Promise<RestartReport> {
  const { qube } = planned
  const hasHeld = (planned.held?.length ?? 0) > 0
  const report = await restartQube(qube, {
    host,
    signal,
    patience: Math.ceil(timeoutMs / 1000),
    kill,
    ...(ifStill === undefined ? {} : { ifStill: (shutDown: () => Promise<void>) => ifStill(qube, shutDown) }),
    ...(whileHalted === undefined || !hasHeld ? {} : { whileHalted: () => whileHalted(planned) }),
    tick: () => pause(1000),
    onProgress: (_, doing, seconds) => {
      progress({ kind: 'restarting', qube, doing, seconds })
    },
  })
  progress({ kind: 'restarted', qube })
  const detached = WAS_HALTED.has(report.status) ? (attachedByHand ?? []) : []
  return detached.length === 0 ? report : { ...report, detached }
}

/** The qube has been halted at one time, and has lost what was attached to it. */
const WAS_HALTED: ReadonlySet<RestartReport['status']> = new Set([
  'restarted',
  'started, not ready',
  'stopped, not started',
])

function candidates(
  plan: Plan,
  report: Report | null,
  { policy, whileHalted }: RestartOptions,
): readonly Candidate[] {
  return plan.qubes.flatMap((planned) => {
    const done = report?.qubes.find((qube) => qube.qube === planned.qube)
    // A qube whose apply went wrong is left running: what it would start with is not what the spec says.
    if (needsApply(planned) && done?.status !== 'applied') return []
    const held = whileHalted === undefined ? [] : (planned.held ?? []).flatMap(({ path }) => path ?? [])
    const waiting = [...(done?.waiting ?? planned.waiting), ...held]
    if (waiting.length === 0 || !planned.running) return []
    return [{ planned, waiting, policy: policy ?? planned.restart ?? 'never' }]
  })
}
