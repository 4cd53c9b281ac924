import { uniqueName } from '../../app/import/index.ts'
import { type AvailableDevice } from '../../reconciler/index.ts'
import { escapeForTerminal } from '../../spec/diagnostics/index.ts'
import { scalar } from '../../spec/export/index.ts'
import { USB_DEVICE } from '../../spec/index.ts'

/** YAML to paste under `devices:`. `portsOnly`: this version tells no identities. */
export function devicesView(found: readonly AvailableDevice[], portsOnly: boolean): string {
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
      '# Leave port out to know a device wherever it is plugged in,',
      '# or identity to take whatever is on the port.',
    )
  return `${lines.join('\n')}\n`
}

/** Words of a device are the device's own: nothing of them may end the comment. */
const comment = (text: string): string =>
  text === '' ? 'a device without a name' : escapeForTerminal(text).slice(0, 100)
