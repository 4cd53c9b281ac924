import { showPath } from '../../cli/views/value.ts'
import {
  getProperty,
  listAssigned,
  listAttachedByHand,
  listAvailable,
  powerState,
  QubesdError,
  type UsbDevice,
} from '../../qubesd/index.ts'
import { deviceOf, isMeant, pathOfDevice, type QubePlan, requiredDevices } from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Session } from '../host/index.ts'

/** What is looked at before a qube is shut down to be started again. */
export interface Care {
  /** Why it is not to be shut down: it would not start. */
  readonly refusal: Problem | null
  /** Devices attached by hand, `sys-usb+2-1`: no start brings them back. Null where that is not known. */
  readonly byHand: readonly string[] | null
}

/** Qubes that use it are not looked for: qubesd does not let it be shut down under them, and says which they are. */
export async function careFor(planned: QubePlan, session: Session): Promise<Care> {
  const refusal =
    ownQube(planned, session) ??
    (await endsWithShutdown(planned, session)) ??
    (await sleeping(planned, session)) ??
    (await missingDevice(planned, session))
  if (refusal !== null) return { refusal, byHand: null }
  const { client } = session
  const lists = (['usb', 'block'] as const).map((kind) =>
    known(() => listAttachedByHand(client, planned.qube, kind)),
  )
  const [usb, block] = await Promise.all(lists)
  if (usb === undefined || block === undefined) return { refusal: null, byHand: null }
  const lost = [...(await withoutAssigned(usb, planned.qube, session)), ...block]
  return { refusal: null, byHand: lost.map(({ backend, port }) => `${backend}+${port}`) }
}

/** Whoever shuts down the qube that it runs in does not come to start it again. */
function ownQube({ qube }: QubePlan, { client }: Session): Problem | null {
  if (qube !== client.transport.ownQube) return null
  const message = 'it is the qube that qstate runs in: nobody would be left to start it again'
  const hint = `restart it from dom0: \`qvm-shutdown --wait ${qube} && qvm-start ${qube}\``
  return { code: 'own-qube', message, hint }
}

/** A disposable that qubesd removes, with all its data, once it has been shut down. Where that is not known it may be one. */
async function endsWithShutdown({ qube, klass }: QubePlan, { client }: Session): Promise<Problem | null> {
  if (klass !== 'DispVM') return null
  const message = 'it is a disposable, and is removed with all its data when it is shut down'
  const hint = 'set this on its template, for the disposables to come'
  try {
    const cleanup = await getProperty(client, qube, 'auto_cleanup')
    return cleanup?.value === 'True' ? { code: 'disposable', message, hint } : null
  } catch (error) {
    if (!(error instanceof QubesdError)) throw error
    const why = `whether it is removed when it is shut down is not known: ${error.message}`
    return { code: 'disposable', message: why, hint: error.hint }
  }
}

/** It would not hear of the shutdown before somebody lets it go on, and halt then, with nobody to start it. */
async function sleeping({ qube }: QubePlan, { client }: Session): Promise<Problem | null> {
  const state = await known(() => powerState(client, qube))
  if (state !== 'Paused' && state !== 'Suspended') return null
  const what = state.toLowerCase()
  const hint = `let it go on (\`qvm-unpause ${qube}\`), then run this again`
  return { code: 'asleep', message: `it is ${what}, and does not shut down while it is`, hint }
}

/** A start gives back what an assignment means that leaves port or identity open, too. */
async function withoutAssigned(
  attached: readonly UsbDevice[],
  qube: string,
  { client, version }: Session,
): Promise<readonly UsbDevice[]> {
  if (attached.length === 0) return attached
  const assigned = (await known(() => listAssigned(client, version, qube))) ?? []
  return attached.filter((device) => !assigned.some((one) => isMeant(pathOfDevice(one), device)))
}

/** Of the devices that qstate has assigned; a backend that is not running, or not to be asked, is qubesd's to judge. */
async function missingDevice(planned: QubePlan, { client, version }: Session): Promise<Problem | null> {
  for (const path of requiredDevices(planned)) {
    const plugged = await known(() => listAvailable(client, version, deviceOf(path).backend))
    if (plugged === undefined || plugged.some((device) => isMeant(path, device))) continue
    const message = `it would not start again: ${showPath(path)} is not plugged in`
    const hint = 'plug it in, or take the assignment out of the spec; `auto-attach` does without it'
    return { code: 'device-absent', message, hint }
  }
  return null
}

async function known<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof QubesdError) return undefined
    throw error
  }
}
