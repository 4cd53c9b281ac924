import {
  attachAssigned,
  attachedTo,
  disconnectDevice,
  exposed,
  missingRequired,
  printDevice,
} from '../devices/index.ts'
import {
  Failure,
  fire,
  firePre,
  type Host,
  isHalted,
  isOrdinary,
  isRunning,
  type Qube,
  qubesInOrder,
  repr,
  unhandled,
} from '../host/index.ts'
import { read, readQube } from '../properties/index.ts'
import { notifyTools } from '../reactions/index.ts'
import { discard } from './domains.ts'
import { LibvirtError, refuseAsLibvirt } from './libvirt.ts'

/** Starting and stopping. What Xen would do is instantaneous here. */

export function start(host: Host, qube: Qube): void {
  try {
    startQube(host, qube)
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error
    const log = 'see /var/log/libvirt/libxl/libxl-driver.log for details'
    throw new Failure('QubesException', `Start failed: ${error.message}, ${log}`)
  }
}

function startQube(host: Host, qube: Qube): void {
  if (qube.klass === 'AdminVM') throw new Failure('QubesVMNotHaltedError', 'Cannot start Dom0 fake domain!')
  if (qube.klass === 'RemoteVM') throw new Failure('QubesVMNotHaltedError', 'Cannot start a RemoteVM.')
  if (!isHalted(qube)) return
  refuseProhibited(host, qube)
  try {
    // The number is that of the recorded hosts, which ran without Xen.
    firePre(host, qube, 'domain-pre-start', { start_guid: true, mem_required: 0 })
    refuseMissingDevice(host, qube)
    const netvm = readQube(host, qube, 'netvm')
    if (netvm && netvm.klass !== 'AdminVM') startQube(host, netvm)
    refuseAsLibvirt(host, qube)
    qube.state = 'Running'
    qube.starts += 1
    fire(host, qube, 'domain-start', { start_guid: true })
    attachDevices(host, qube)
  } catch (error) {
    const reason = error instanceof Error ? error.message : ''
    fire(host, qube, 'domain-start-failed', { reason })
    if (!isHalted(qube)) halt(host, qube)
    throw error
  }
  if (qube.tools) notifyTools(host, qube)
}

function refuseProhibited(host: Host, qube: Qube): void {
  const rationale = qube.features.get('prohibit-start')
  if (!rationale) return
  const reason = `Qube start is prohibited. Rationale: ${rationale}`
  fire(host, qube, 'domain-start-failed', { reason })
  throw new Failure('QubesException', reason)
}

function refuseMissingDevice(host: Host, qube: Qube): void {
  const missing = missingRequired(host, qube)
  if (!missing) return
  const name = `${missing.backend ?? '*'}:${missing.port}:${missing.deviceId}`
  throw new Failure('QubesException', `Usb device ${name} not available`)
}

function attachDevices(host: Host, qube: Qube): void {
  attachAssigned(host, qube)
  const shown = exposed(host, qube)
  if (shown.length === 0) return
  // A backend shows its devices once it is up; the qubes that wait for one get it then.
  fire(host, qube, 'device-list-change:usb')
  for (const device of shown) {
    fire(host, qube, 'device-added:usb', { device: printDevice(device) })
  }
  for (const waiting of qubesInOrder(host)) if (waiting !== qube) attachAssigned(host, waiting)
}

export function shutdown(host: Host, qube: Qube, { force, wait }: { force: boolean; wait: boolean }): void {
  if (!isOrdinary(qube)) throw unhandled('no such arguments')
  if (isHalted(qube)) throw new Failure('QubesVMNotStartedError', `Domain is powered off: ${repr(qube.name)}`)
  try {
    firePre(host, qube, 'domain-pre-shutdown', { force })
    if (qube.state === 'Paused' && !force) throw notRunning(qube)
  } catch (error) {
    const reason = error instanceof Error ? error.message : ''
    fire(host, qube, 'domain-shutdown-failed', { reason })
    throw error
  }
  const hears = !host.ignoringShutdown.has(qube.name) && !isStill(qube)
  if (hears) halt(host, qube)
  else if (wait) {
    throw new Failure('QubesVMShutdownTimeoutError', `Domain shutdown timed out: ${repr(qube.name)}`)
  }
}

/** Its guest does nothing any more: no request reaches it. */
const isStill = ({ state }: Qube): boolean => state === 'Suspended' || state === 'Crashed'

export function kill(host: Host, qube: Qube): void {
  if (qube.klass === 'AdminVM') throw new Failure('QubesVMError', 'Cannot kill Dom0 fake domain!')
  if (qube.klass === 'RemoteVM') throw new Failure('QubesVMError', 'Cannot kill a RemoteVM.')
  if (isHalted(qube)) throw new Failure('QubesVMNotStartedError', `Domain is powered off: ${repr(qube.name)}`)
  halt(host, qube)
}

export function pause(host: Host, qube: Qube): void {
  if (!isOrdinary(qube)) throw unhandled('cannot be paused')
  if (!isRunning(qube)) throw notRunning(qube)
  firePre(host, qube, 'domain-pre-paused')
  qube.state = 'Paused'
  fire(host, qube, 'domain-paused')
}

export function unpause(host: Host, qube: Qube): void {
  if (!isOrdinary(qube)) throw unhandled('cannot be unpaused')
  if (qube.state !== 'Paused')
    throw new Failure('QubesVMNotPausedError', `Domain is not paused: ${repr(qube.name)}`)
  firePre(host, qube, 'domain-pre-unpaused')
  qube.state = 'Running'
  fire(host, qube, 'domain-unpaused')
}

function notRunning(qube: Qube): Failure {
  return new Failure(
    'QubesVMNotRunningError',
    `Domain not running (either powered off or paused): ${repr(qube.name)}`,
  )
}

/** Devices that the qube has, and those that others have from it, are attached no longer. */
export function halt(host: Host, qube: Qube): void {
  const lent = exposed(host, qube)
  const gone = qubesInOrder(host)
    .flatMap((backend) => exposed(host, backend))
    .flatMap((device) => {
      const front = attachedTo(host, device)
      return front && (front === qube || device.backend === qube) ? [{ device, front }] : []
    })
  for (const { device } of gone) disconnectDevice(host, device)
  qube.state = 'Halted'
  fire(host, qube, 'domain-shutdown')
  fire(host, qube, 'device-list-change:usb')
  for (const device of lent)
    fire(host, qube, 'device-removed:usb', { port: `${qube.name}:${device.shown.port}` })
  for (const { device, front } of gone) {
    fire(host, front, 'device-detach:usb', { port: `${device.backend.name}:${device.shown.port}` })
  }
  if (read(host, qube, 'auto_cleanup') === true) cleanUp(host, qube)
}

/** After the answer, so that only dom0's log says if something still names the qube. */
function cleanUp(host: Host, qube: Qube): void {
  try {
    discard(host, qube)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
  }
}
