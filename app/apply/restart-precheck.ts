import {
  deviceOf,
  isMeant,
  NO_NEEDS,
  type Observation,
  pathOfDevice,
  type PresentDevice,
  type QubePlan,
  requiredDevices,
} from '../../reconciler/index.ts'
import { type Problem, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type ManagedHost } from '../host/index.ts'

/** What is looked at before a qube is shut down to be started again. */
export interface RestartCheck {
  /** Why it is not to be shut down: it would not start, or not be shut down. */
  readonly refusal: Problem | null
  /** Devices attached by hand, `sys-usb+2-1`: no start brings them back. Null where that is not known. */
  readonly attachedByHand: readonly string[] | null
}

/** Qubes that use it are not looked for: qubesd does not let it be shut down under them, and says which they are. */
export async function checkRestart(planned: QubePlan, connected: ManagedHost): Promise<RestartCheck> {
  const refusal =
    ownQube(planned, connected) ??
    (await removedByShutdown(planned, connected)) ??
    (await asleep(planned, connected)) ??
    (await missingDevice(planned, connected))
  if (refusal !== null) return { refusal, attachedByHand: null }
  const { host } = connected
  const [usb, block] = await Promise.all(
    (['usb', 'block'] as const).map((kind) => host.attachedByHand(planned.qube, kind)),
  )
  if (usb?.status !== 'present' || block?.status !== 'present') return { refusal: null, attachedByHand: null }
  const lost = [...(await withoutAssigned(usb.value, planned.qube, connected)), ...block.value]
  return { refusal: null, attachedByHand: lost.map(({ backend, port }) => `${backend}+${port}`) }
}

/** A process that shuts down its own qube does not get to start it again. */
function ownQube({ qube }: QubePlan, { host }: ManagedHost): Problem | null {
  if (qube !== host.ownQube) return null
  const hint = `restart it from dom0: \`qvm-shutdown --wait ${qube} && qvm-start ${qube}\``
  return problem(
    'own-qube',
    'it is the qube that qstate runs in: nobody would be left to start it again',
    hint,
  )
}

/** A disposable that qubesd removes, with all its data, once it has been shut down. Where that is not known it may be one. */
async function removedByShutdown({ qube, klass }: QubePlan, { host }: ManagedHost): Promise<Problem | null> {
  if (klass !== 'DispVM') return null
  const name = 'auto_cleanup'
  const cleanup = (await host.read(qube, { ...NO_NEEDS, properties: [name] })).effective(name)
  if (cleanup.status === 'unknown') {
    const why = `whether it is removed when it is shut down is not known: ${cleanup.problem.message}`
    return problem('disposable', why, cleanup.problem.hint)
  }
  if (cleanup.status === 'absent' || cleanup.value !== 'True') return null
  const hint = 'set this on its template, for the disposables to come'
  return problem(
    'disposable',
    'it is a disposable, and is removed with all its data when it is shut down',
    hint,
  )
}

/** It would not see the request before a person unpauses it, and would halt then, with nobody to start it. */
async function asleep({ qube }: QubePlan, { host }: ManagedHost): Promise<Problem | null> {
  const state = await host.state(qube).catch((error: unknown) => {
    // What is not known here, the shutdown finds out.
    if (error instanceof QstateError && !error.fatal) return ''
    throw error
  })
  if (!ASLEEP.has(state)) return null
  const hint = `unpause it (\`qvm-unpause ${qube}\`), then run this again`
  return problem('asleep', `it is ${state.toLowerCase()}, and does not shut down while it is`, hint)
}

const ASLEEP: ReadonlySet<string> = new Set(['Paused', 'Suspended'])

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

/** Of the devices that qstate has assigned; a backend that is not running, or not to be asked, is qubesd's to judge. */
async function missingDevice(planned: QubePlan, { host }: ManagedHost): Promise<Problem | null> {
  for (const path of requiredDevices(planned)) {
    const available = await host.availableDevices(deviceOf(path).backend)
    if (!isMissing(path, available)) continue
    const message = `it would not start again: the device ${path.slice('usb/'.length)} is not plugged in`
    const hint = 'plug it in, or take the assignment out of the spec; `auto-attach` does without it'
    return problem('device-absent', message, hint)
  }
  return null
}

const isMissing = (path: string, available: Observation<readonly PresentDevice[]>): boolean =>
  available.status !== 'unknown' &&
  !(available.status === 'present' && available.value.some((device) => isMeant(path, device)))
