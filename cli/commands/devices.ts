import { connectHost, VERSIONS } from '../../app/host/index.ts'
import { listDevices } from '../../app/inspect/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, targetOf } from '../options.ts'
import { devicesView } from '../views/devices.ts'
import { fold } from '../views/style.ts'
import { jsonText } from '../json.ts'

/** Prints the USB devices that are plugged in now. */
export async function devices(options: GlobalOptions, io: Io): Promise<number> {
  const host = await connectHost(targetOf(options, io), await commandContext(options, io))
  const plugged = await listDevices(host)
  const { devices: found, unread } = plugged
  if (options.json === true) {
    io.out(jsonText(plugged))
    return unread.length === 0 ? EXIT.done : EXIT.error
  }
  if (found.length > 0 || unread.length === 0)
    io.out(devicesView(found, VERSIONS[host.version].usb === 'ports'))
  for (const { message, hint } of unread)
    io.err(`${fold(message, io.columns, '')}\n${fold(hint, io.columns, '  ')}\n`)
  return unread.length === 0 ? EXIT.done : EXIT.error
}
