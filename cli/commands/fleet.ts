import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { KEYS, readLease, readOrder, readReport } from '../../fleet/index.ts'
import { type ServerCluster } from '../../fleet/server-config.ts'
import { EXIT } from '../../reconciler/index.ts'
import { agentLog } from '../agent/log.ts'
import { type FleetOptions, readFleetFile } from '../fleet/fleet-file.ts'
import { withStore } from '../fleet/open-store.ts'
import { runHere } from '../fleet/run-here.ts'
import { type Io, UserError } from '../io.ts'
import { wantsColor } from '../options.ts'
import { fleetView, type HostRow } from '../views/fleet.ts'
import { makeStyle } from '../views/style.ts'
import { signalExit } from './apply.ts'

/** Every host of the fleet: what it has, how it is, when it was last heard of. */
export async function fleetStatus(options: FleetOptions, io: Io): Promise<number> {
  const file = readFleetFile(options, io)
  const { fleet } = file
  return withStore(file, options, io, async (store) => {
    const [reports, orders, lease] = await Promise.all([
      store.list(KEYS.reports),
      store.list(KEYS.orders),
      store.get(KEYS.leader),
    ])
    const byKey = new Map([...reports, ...orders].map((entry) => [entry.key, entry]))
    const rows = [...fleet.hosts.values()].map(({ name, groups }): HostRow => {
      const entry = byKey.get(KEYS.reports + name)
      return {
        host: name,
        groups,
        report: readReport(entry?.value, name),
        lastSeen: entry?.at ?? null,
        ordered: readOrder(byKey.get(KEYS.orders + name)?.value)?.commit ?? null,
      }
    })
    const leader = readLease(lease?.value)
    const leaderLastSeen = leader === null ? null : (lease?.at ?? null)
    if (options.json === true) {
      const told = { fleet: fleet.name, store: store.where, leader, leaderLastSeen, hosts: rows }
      io.out(`${JSON.stringify(told, null, 2)}\n`)
    } else {
      const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
      const inCharge = leader === null ? null : { who: leader.who, lastSeen: leaderLastSeen }
      io.out(fleetView(rows, inCharge, io.now(), style))
    }
    return EXIT.done
  })
}

/** A controller, until a signal ends it. Any number may run; one is in charge. */
export async function fleetController(options: FleetOptions, io: Io): Promise<number> {
  const file = readFleetFile(options, io)
  const say = await agentLog(options, io)
  io.onStop((name) => {
    say('info', `${name}: ends when what is under way is done; once more ends it at once`)
  })
  return withStore(file, options, io, async (store) => {
    await runHere(store, file, options, io, { enough: () => false, say })
    return signalExit(io)
  })
}

/** Makes a key for a host or for someone in charge. The public one goes into the fleet's file. */
export async function fleetKey(options: FleetOptions & { readonly out: string }, io: Io): Promise<number> {
  const path = resolve(io.cwd, options.out)
  if (existsSync(path)) {
    const hint = 'name another file, or remove that one: whoever uses it could not connect any more'
    throw new UserError(EXIT.usage, 'file-exists', `${options.out} is there already`, hint)
  }
  const { nkeys } = await import('@nats-io/transport-node')
  const key = nkeys.createUser()
  writeFileSync(path, `${new TextDecoder().decode(key.getSeed())}\n`, { mode: 0o600, flag: 'wx' })
  const publicKey = key.getPublicKey()
  if (options.json === true) io.out(`${JSON.stringify({ publicKey, file: path }, null, 2)}\n`)
  else io.out(`${publicKey}\n`)
  return EXIT.done
}

export interface ServerConfigOptions extends FleetOptions {
  readonly listen: string
  readonly storeDir: string
  readonly cert?: string
  readonly certKey?: string
  readonly plain?: boolean
  readonly name?: string
  readonly cluster?: string
  readonly route?: readonly string[]
}

/** Prints the configuration of a server in which each host can speak for itself only. */
export async function fleetServerConfig(options: ServerConfigOptions, io: Io): Promise<number> {
  const { fleet } = readFleetFile(options, io)
  const { cert, certKey, ca = null } = options
  const tls = cert === undefined || certKey === undefined ? null : { cert, key: certKey, ca }
  if (tls === null && options.plain !== true) {
    const hint = 'add --cert FILE and --cert-key FILE; or --plain, to try it on one machine'
    throw new UserError(
      EXIT.usage,
      'no-certificate',
      'a server that hosts connect to needs a certificate',
      hint,
    )
  }
  if (fleet.controllers.length === 0) {
    const hint = 'make a key with `qstate fleet key`, and write it under store: controllers'
    throw new UserError(EXIT.usage, 'no-controllers', 'the fleet names nobody who is in charge', hint)
  }
  const cluster = clusterOf(options)
  const { serverConfig } = await import('../../fleet/server-config.ts')
  io.out(serverConfig(fleet, { listen: options.listen, storeDir: options.storeDir, tls, cluster }))
  const without = [...fleet.hosts.values()].filter(({ key, reach }) => key === null && reach.kind === 'agent')
  if (without.length > 0)
    io.err(`Without a key, and so without a way in: ${without.map(({ name }) => name).join(', ')}.\n`)
  return EXIT.done
}

/** One of several servers, which need each other's addresses; null: one that is alone. */
function clusterOf({ name, cluster, route }: ServerConfigOptions): ServerCluster | null {
  if (name === undefined && cluster === undefined && route === undefined) return null
  if (name !== undefined && cluster !== undefined && route !== undefined)
    return { name, listen: cluster, routes: route }
  const hint = 'each of several servers needs all three: --name NAME --cluster ADDRESS --route ADDRESS …'
  throw new UserError(EXIT.usage, 'half-a-cluster', 'a server of several is told of by half', hint)
}
