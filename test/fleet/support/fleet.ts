import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nkeys } from '@nats-io/transport-node'
import { makeDom0Tree } from '../../../simulator/dom0-tree.ts'
import { type Simulator, startSimulator } from '../../../simulator/index.ts'
import { type Scope } from '../../support/temp.ts'

export interface Simulated {
  readonly socket: string
  readonly simulator: Simulator
}

/** Simulated machines with sockets in a folder, by name. */
export async function startSimulators(
  scope: Scope,
  folder: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Simulated>> {
  const all = await Promise.all(
    names.map(async (name) => {
      const socket = join(folder, `${name}.sock`)
      makeDom0Tree(`${socket}.dom0`)
      const simulator = await startSimulator({ socket })
      scope.after(() => simulator.close())
      return [name, { socket, simulator }] as const
    }),
  )
  return new Map(all)
}

/** The memory that a simulated machine's Windows qube has. */
export const memoryOf = (simulated: Simulated | undefined): number =>
  Number(simulated?.simulator.host.qubes.get('win10-work')?.properties.get('memory'))

/** Makes a private key in a file. The public one. */
export function makeKey(file: string): string {
  const user = nkeys.createUser()
  writeFileSync(file, new TextDecoder().decode(user.getSeed()), { mode: 0o600 })
  return user.getPublicKey()
}
