import { fileReceipts } from '../../journal/index.ts'
import { attachCall, detachCall } from '../../providers/index.ts'
import {
  type AvailableDevice,
  clearPendingRestart,
  compareDevices,
  isElsewhere,
  isMeant,
  type LiveAction,
  type LiveDevices,
  type LiveRemark,
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
  const receipts = fileReceipts(connected.stateFolder, warn)
  const all = liveWishes(plan, report)
  if (all.length === 0) return []
  const proven = await provenOf(plan, new Set(all.map(({ qube }) => qube)), receipts)
  const wishes = all.filter(({ qube }) => proven.has(qube))
  const unproven = all
    .filter(({ qube }) => !proven.has(qube))
    .map(({ qube, path }): LiveRemark => ({ qube, path, problem: UNPROVEN }))
  const seen = await compareDevices(wishes, connected.host)
  const remarked = (list: readonly LiveRemark[], status: 'failed' | 'left'): readonly AttachReport[] =>
    list.map(({ qube, path, problem }) => {
      return { qube, path, status, problem: located(problem, lineOf(plan, qube, path)) }
    })
  const reports = [
    ...remarked(unproven, 'left'),
    ...remarked(seen.unread, 'failed'),
    ...remarked(seen.remarks, 'left'),
  ]
  for (const action of seen.actions) reports.push(await act(action, reports, plan, report, connected))
  const met = wishesMet(seen, reports)
  const effective = met.filter(({ qube, path }) => waitingOf(qube, plan, report).includes(path))
  await recordEffective(plan, effective, connected, receipts)
  return reports
}

/**
 * Of these qubes those whose record was last written from here: what another says of devices is not followed, since anyone who may set
 * a feature can write one.
 */
async function provenOf(
  plan: Plan,
  names: ReadonlySet<string>,
  receipts: Receipts,
): Promise<ReadonlySet<string>> {
  const proven = new Set<string>()
  for (const { qube, uuid, record } of plan.qubes.filter((planned) => names.has(planned.qube))) {
    const owns = uuid !== null && record.after !== null
    if (!owns || (await receipts.read(uuid))?.accepted.includes(record.after) === true) proven.add(qube)
  }
  return proven
}

const UNPROVEN = problem(
  'unproven-record',
  'its ownership record is not the one that was last written from here',
  'see what it says with `qstate show`; `qstate adopt SPEC` takes the qube over as it is',
)

/** What is attached and wanted, or neither, is as it would be after a restart. */
function wishesMet(
  { wishes, present, isAssigned }: LiveDevices,
  reports: readonly AttachReport[],
): readonly LiveWish[] {
  return wishes.filter(({ qube, path, wanted }) => {
    const meant = present.filter((device) => isMeant(path, device) && (wanted || !isAssigned(qube, device)))
    const has = meant.some((device) => {
      const done = statusOf(qube, device, reports)
      return done === 'attached' || (device.attachedTo === qube && done !== 'detached')
    })
    return has === wanted
  })
}

const statusOf = (
  qube: string,
  device: AvailableDevice,
  reports: readonly AttachReport[],
): AttachReport['status'] | undefined =>
  reports.find((one) => one.qube === qube && one.path === pathOfDevice(device))?.status

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
  before: readonly AttachReport[],
  plan: Plan,
  report: Report | null,
  { host }: ManagedHost,
): Promise<AttachReport> {
  const path = pathOfDevice(device)
  const line = lineOf(plan, qube, path, device)
  const holder = device.attachedTo
  if (kind === 'attach' && holder !== null && statusOf(holder, device, before) !== 'detached')
    return { qube, path, status: 'left', problem: located(isElsewhere(holder), line) }
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
