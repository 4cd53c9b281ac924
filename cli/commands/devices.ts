import { openSession, type Session } from '../../app/host/index.ts'
import { uniqueName } from '../../app/import/index.ts'
import { type AvailableDevice, listAvailable, QubesdError, VERSIONS } from '../../qubesd/index.ts'
import { mapLimited } from '../../reconciler/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { scalar } from '../../spec/export/index.ts'
import { USB_DEVICE } from '../../spec/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'
import { safe } from '../views/value.ts'

/** USB devices that are plugged in now, as YAML to paste under `devices:`. */
export async function devices(options: GlobalOptions, io: Io): Promise<number> {
  const session = await openSession(options, io)
  const seen = await mapLimited(backends(session), 8, (name) => available(session, name))
  const found = seen.flatMap((one) => ('error' in one ? [] : one.devices))
  const unread = seen.flatMap((one) => ('error' in one ? [one.error] : []))
  if (options.json === true) io.out(`${JSON.stringify(found, null, 2)}\n`)
  else if (found.length > 0 || unread.length === 0)
    io.out(asYaml(found, VERSIONS[session.version].usb === 'ports'))
  for (const error of unread) io.err(`${error.message}\n  ${error.hint}\n`)
  return unread.length === 0 ? EXIT.done : EXIT.error
}

/** Qubes that could have USB devices: only a running one tells. */
const backends = (session: Session): string[] =>
  session.qubes
    .filter((qube) => qube.klass !== 'AdminVM' && qube.state === 'Running')
    .map((qube) => qube.name)

type Seen = { readonly devices: readonly AvailableDevice[] } | { readonly error: QubesdError }

async function available(session: Session, backend: string): Promise<Seen> {
  try {
    return { devices: await listAvailable(session.client, session.version, backend) }
  } catch (error) {
    if (!(error instanceof QubesdError) || error.retryable) throw error
    return { error }
  }
}

function asYaml(found: readonly AvailableDevice[], portsOnly: boolean): string {
  if (found.length === 0)
    return '# no USB device is plugged in, or no running qube has a USB controller\ndevices: {}\n'
  const names = new Set<string>()
  const lines = ['devices:']
  for (const device of found) {
    const attached = device.attachedTo === null ? '' : `, attached to ${device.attachedTo}`
    lines.push(`  # ${comment(device.description)}${attached}`)
    lines.push(`  ${scalar(uniqueName(device.description, names))}:`)
    lines.push(`    backend: ${scalar(device.backend)}`)
    lines.push(`    port: "${device.port}"`)
    if (portsOnly) continue
    if (USB_DEVICE.test(`${device.backend}+${device.port}:${device.identity}`))
      lines.push(`    identity: ${JSON.stringify(device.identity)}`)
    else lines.push(`    # Qubes cannot name its identity, ${comment(device.identity)}`)
  }
  if (portsOnly) lines.push('# Qubes 4.2 tells ports only; from 4.3 on a device can be told by its identity.')
  else
    lines.push(
      '# Leave port out to know a device wherever it is plugged in, or identity to take whatever is on the port.',
    )
  return `${lines.join('\n')}\n`
}

/** Words of a device are the device's own: nothing of them may end the comment. */
const comment = (text: string): string => (text === '' ? 'a device without a name' : safe(text).slice(0, 100))
