import { fileReceipts } from '../../journal/index.ts'
import { attachCall, detachCall } from '../../providers/index.ts'
import {
  type AvailableDevice,
  clearPendingRestart,
  deviceOf,
  isMeant,
  isWanted,
  type LiveAction,
  liveActions,
  type LiveWish,
  liveWishes,
  NO_NEEDS,
  pathOfDevice,
  type Plan,
  type Receipts,
  recordCall,
  type Report,
} from '../../reconciler/index.ts'
import {
  located,
  type Problem,
  problem,
  QstateError,
  type SourceRange,
} from '../../spec/diagnostics/index.ts'
import { RECORD_FEATURE } from '../../spec/index.ts'
import { type Context } from '../context.ts'
import { type ManagedHost } from '../host/index.ts'

/** What became of one device, or why nothing did. */
export interface AttachReport {
  readonly qube: string
  readonly path: string
  readonly status: 'attached' | 'detached' | 'left' | 'failed'
  /** Why it is left as it is, or failed. */
  readonly problem: Problem | null
}

/** Attaches and detaches now what the assignments of running qubes say, as far as it is plugged in and free. */
export async function attachWanted(
  plan: Plan,
  report: Report | null,
  connected: ManagedHost,
  { warn }: Pick<Context, 'warn'>,
): Promise<readonly AttachReport[]> {
  const wishes = liveWishes(plan, report)
  if (wishes.length === 0) return []
  const backends = [...new Set(wishes.map(({ path }) => backendOf(path)))].sort()
  const present: AvailableDevice[] = []
  const reports: AttachReport[] = []
  for (const backend of backends) {
    const seen = await connected.host.availableDevices(backend)
    if (seen.status === 'present') present.push(...seen.value)
    if (seen.status !== 'unknown') continue
    const affected = wishes.filter(({ path }) => backendOf(path) === backend)
    reports.push(
      ...affected.map(({ qube, path }) =>
        failed(qube, path, located(seen.problem, lineOf(plan, qube, path))),
      ),
    )
  }
  const reachable = wishes.filter(({ path }) => !reports.some((done) => done.path === path))
  const { actions, remarks } = liveActions(reachable, present)
  for (const { qube, path, problem } of remarks)
    reports.push({ qube, path, status: 'left', problem: located(problem, lineOf(plan, qube, path)) })
  for (const action of actions) reports.push(await act(action, plan, report, connected))
  const met = wishesMet(reachable, present, reports)
  const effective = met.filter(({ qube, path }) => waitingOf(qube, plan, report).includes(path))
  await recordEffective(plan, effective, connected, fileReceipts(connected.stateFolder, warn))
  return reports
}

/** What is attached and wanted, or neither, is as it would be after a restart. */
function wishesMet(
  wishes: readonly LiveWish[],
  present: readonly AvailableDevice[],
  reports: readonly AttachReport[],
): readonly LiveWish[] {
  return wishes.filter(({ qube, path, wanted }) => {
    const meant = present.filter(
      (device) => isMeant(path, device) && (wanted || !isWanted(qube, device, wishes)),
    )
    const has = meant.some((device) => {
      const done = reports.find((one) => one.qube === qube && one.path === pathOfDevice(device))?.status
      return done === 'attached' || (device.attachedTo === qube && done !== 'detached')
    })
    return has === wanted
  })
}

/** Clears the pending restart of these settings. If that cannot be written they stay pending, which does no harm. */
async function recordEffective(
  plan: Plan,
  effective: readonly LiveWish[],
  { host }: ManagedHost,
  receipts: Receipts,
): Promise<void> {
  for (const name of new Set(effective.map(({ qube }) => qube))) {
    const paths = effective.filter(({ qube }) => qube === name).map(({ path }) => path)
    const planned = plan.qubes.find(({ qube }) => qube === name)
    const of = { name, uuid: planned?.uuid ?? null, isMade: planned?.made === true }
    const seen = (await host.read(name, { ...NO_NEEDS, features: [RECORD_FEATURE] })).feature(RECORD_FEATURE)
    if (seen.status === 'unknown') continue
    const text = seen.status === 'present' ? seen.value : null
    const next = clearPendingRestart(text, of, paths)
    const receipt = of.uuid === null ? undefined : await receipts.read(of.uuid)
    if (next === undefined || of.uuid === null || receipt?.accepted.includes(text) !== true) continue
    await receipts.write(of.uuid, { ...receipt, accepted: [text, next] })
    try {
      await host.write(recordCall(name, next))
      await receipts.write(of.uuid, { ...receipt, accepted: [next] })
    } catch (error) {
      if (!(error instanceof QstateError)) throw error
    }
  }
}

const waitingOf = (qube: string, plan: Plan, report: Report | null): readonly string[] =>
  report?.qubes.find((done) => done.qube === qube)?.waiting ??
  plan.qubes.find((planned) => planned.qube === qube)?.waiting ??
  []

async function act(
  { qube, kind, device }: LiveAction,
  plan: Plan,
  report: Report | null,
  { host }: ManagedHost,
): Promise<AttachReport> {
  const path = pathOfDevice(device)
  const line = lineOf(plan, qube, path, device)
  if (kind === 'attach' && waitingOf(qube, plan, report).includes('stubdom/qrexec')) {
    const hint = 'restart the qube: from then on devices are attached live'
    const cause = problem('no-qrexec', 'the running stubdomain has no qrexec yet', hint)
    return failed(qube, path, located(cause, line))
  }
  try {
    await host.write(kind === 'attach' ? attachCall(qube, device) : detachCall(qube, device))
    return { qube, path, status: kind === 'attach' ? 'attached' : 'detached', problem: null }
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    return failed(qube, path, located(error.problem, line))
  }
}

const failed = (qube: string, path: string, problem: Problem): AttachReport => ({
  qube,
  path,
  status: 'failed',
  problem,
})

/** The line of the spec that assigns a device, where the plan changes that. */
const lineOf = (plan: Plan, qube: string, path: string, device?: AvailableDevice): SourceRange | undefined =>
  plan.qubes
    .find((planned) => planned.qube === qube)
    ?.changes.find((change) => change.path === path || (device !== undefined && isMeant(change.path, device)))
    ?.at

const backendOf = (path: string): string => deviceOf(path).backend
