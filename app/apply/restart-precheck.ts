import {
  type Harm,
  harmOf,
  type HostQube,
  isMeant,
  NO_NEEDS,
  pathOfDevice,
  type PresentDevice,
  type QubePlan,
  readHarmFacts,
  type RestartHarm,
} from '../../reconciler/index.ts'
import { type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type ConnectedHost, type ManagedHost, type PlanningHost } from '../host/index.ts'

/** What is looked at before a qube is shut down to be started again. */
export interface RestartCheck {
  readonly harm: RestartHarm
  /** Devices attached by hand, `sys-usb+2-1`: no start brings them back. Null where that is not known. */
  readonly attachedByHand: readonly string[] | null
}

/**
 * Asks anew what a restart would harm, now that the values are set. Qubes that use its network or its sound are not looked for:
 * qubesd does not let it be shut down under them, and says which they are.
 */
export async function checkRestart(planned: QubePlan, connected: ManagedHost): Promise<RestartCheck> {
  const { host } = connected
  const harm = await restartHarm(planned, { ...connected, qubes: await listNow(connected) }, [])
  if (harm.refusal !== undefined) return { harm, attachedByHand: null }
  const [usb, block] = await Promise.all(
    (['usb', 'block'] as const).map((kind) => host.attachedDevices(planned.qube, kind)),
  )
  if (usb?.status !== 'present' || block?.status !== 'present') return { harm, attachedByHand: null }
  const byHand = [...usb.value, ...block.value].filter((device) => device.byHand)
  const lost = await withoutAssigned(byHand, planned.qube, connected)
  return { harm, attachedByHand: lost.map(({ backend, port }) => `${backend}+${port}`) }
}

/** What a restart of a qube would harm once some changes are made. */
export async function restartHarm(
  { qube, klass, uuid }: QubePlan,
  { host, qubes }: Pick<PlanningHost, 'host' | 'qubes'>,
  changes: QubePlan['changes'],
): Promise<RestartHarm> {
  const listed = qubes.find(({ name }) => name === qube) ?? { name: qube, klass, state: '', uuid }
  const facts = await readHarmFacts(listed, { host, qubes }, changes)
  const { hindered, unknown } = harmOf(facts, ['shutdown', 'start', 'others'])
  const [first] = hindered.filter(({ kind }) => kind !== 'others')
  const others = [...hindered, ...unknown].filter(({ kind }) => kind === 'others')
  const rest = unknown.filter(({ kind }) => kind !== 'others')
  return {
    ...(first === undefined ? {} : { refusal: worded(first) }),
    ...(others.length === 0 ? {} : { needsPerson: others.map(worded) }),
    ...(rest.length === 0 ? {} : { unknown: rest.map(({ problem }) => problem) }),
  }
}

/** Why it is not restarted without a person; undefined: it may be. */
export const refusalOf = ({ refusal, needsPerson = [] }: RestartHarm): Problem | undefined =>
  refusal ?? needsPerson[0]

const worded = ({ kind, problem }: Harm): Problem =>
  kind === 'start' ? { ...problem, message: `it would not start again: ${problem.message}` } : problem

/** Qubes change while values are set. */
function listNow({ host, qubes }: ConnectedHost): Promise<readonly HostQube[]> {
  return host.list().catch((error: unknown) => {
    if (error instanceof QstateError && !error.fatal) return qubes
    throw error
  })
}

/** A start gives back what an assignment means that leaves port or identity open, too. */
async function withoutAssigned(
  attached: readonly PresentDevice[],
  qube: string,
  { host }: ManagedHost,
): Promise<readonly PresentDevice[]> {
  if (attached.length === 0) return attached
  const assigned = (await host.read(qube, { ...NO_NEEDS, usb: true })).usb()
  const all = assigned.status === 'present' ? assigned.value : []
  const isBack = (device: PresentDevice): boolean =>
    all.some((assignment) => isMeant(pathOfDevice(assignment), device))
  return attached.filter((device) => !isBack(device))
}
