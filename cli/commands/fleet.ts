import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type FleetOptions, readFleetFile, runHere, withStore } from '../../app/fleet/index.ts'
import { type Key, KEYS, makeKey, readKey, readLease, readOrder, readReport } from '../../fleet/index.ts'
import { type ServerCluster } from '../../fleet/nats/index.ts'
import { EXIT, isSystemError, problem, QstateError, systemProblem } from '../../spec/diagnostics/index.ts'
import { agentLog } from '../agent-log.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { fleetView, type HostRow } from '../views/fleet.ts'
import { makeStyle } from '../views/style.ts'
import { writeOut } from '../write-out.ts'
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

export interface KeyOptions extends GlobalOptions {
  readonly out?: string
  readonly of?: string
}

/** Makes a key for a host or for someone in charge, or reads one. The public one goes into the fleet's file. */
export function fleetKey({ out, of, json }: KeyOptions, io: Io): Promise<number> {
  const file = out ?? of
  if (file === undefined || (out !== undefined && of !== undefined)) {
    const hint = '--out FILE makes a key; --of FILE prints the public one of a key that is there'
    throw new QstateError(problem('bad-option', 'fleet key takes one of --out and --of', hint))
  }
  const { publicKey } = out === undefined ? keyIn(file, io) : newKey(file, io)
  if (json === true) io.out(`${JSON.stringify({ publicKey, file: resolve(io.cwd, file) }, null, 2)}\n`)
  else io.out(`${publicKey}\n`)
  return Promise.resolve(EXIT.done)
}

function newKey(file: string, io: Io): Key {
  const key = makeKey()
  if (writeOut(file, `${key.seed}\n`, io, { isNew: true, mode: 0o600 })) return key
  const hint = `name another file; the public key of that one: qstate fleet key --of ${file}`
  throw new QstateError(problem('key-exists', `${file} is there already`, hint))
}

function keyIn(file: string, io: Io): Key {
  const hint = 'name what `qstate fleet key --out FILE` has written, as it was written'
  const key = readKey(readKeyFile(resolve(io.cwd, file), hint))
  if (key !== null) return key
  throw new QstateError(problem('not-a-key', `${file} holds no private key, or a mistyped one`, hint))
}

function readKeyFile(path: string, hint: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw new QstateError(
      problem('unreadable-key', systemProblem(Object.assign(error, { path })).message, hint),
    )
  }
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
    throw new QstateError(
      problem('no-certificate', 'a server that hosts connect to needs a certificate', hint),
    )
  }
  if (fleet.controllers.length === 0) {
    const hint = 'make a key with `qstate fleet key`, and write it under store: controllers'
    throw new QstateError(problem('no-controllers', 'the fleet names nobody who is in charge', hint))
  }
  const cluster = clusterOf(options)
  const { serverConfig } = await import('../../fleet/nats/index.ts')
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
  throw new QstateError(problem('half-a-cluster', 'a server of several is told of by half', hint))
}
