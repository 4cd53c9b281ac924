import { connectHost, VERSIONS } from '../../app/host/index.ts'
import { listDevices } from '../../app/inspect/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, targetOf } from '../options.ts'
import { devicesView } from '../views/devices.ts'

/** Prints the USB devices that are plugged in now. */
export async function devices(options: GlobalOptions, io: Io): Promise<number> {
  const host = await connectHost(targetOf(options, io), await commandContext(options, io))
  const { devices: found, unread } = await listDevices(host)
  if (options.json === true) io.out(`${JSON.stringify(found, null, 2)}\n`)
  else if (found.length > 0 || unread.length === 0)
    io.out(devicesView(found, VERSIONS[host.version].usb === 'ports'))
  for (const { problem } of unread) io.err(`${problem.message}\n  ${problem.hint}\n`)
  return unread.length === 0 ? EXIT.done : EXIT.error
}
