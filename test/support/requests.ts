import { type HostCall } from '../../reconciler/ports/host.ts'
import { type Simulator } from '../../simulator/index.ts'

/** A request as it goes over the wire. */
export function requestBytes(call: HostCall): Buffer {
  const service = call.arg === '' ? call.method : `${call.method}+${call.arg}`
  return Buffer.from(`${service} dom0 name ${call.dest}\0${call.payload}`, 'latin1')
}

/** Does a call as another program on the host would: not over the socket, and not in the simulator's log. */
export function act(simulator: Simulator, call: HostCall): void {
  const answer = simulator.act(requestBytes(call)).toString('latin1')
  if (answer !== '0\0') throw new Error(`${call.method}+${call.arg} ${call.dest}: ${JSON.stringify(answer)}`)
}
