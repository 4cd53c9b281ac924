import { readHostsFile } from '../../app/agent/index.ts'
import {
  fleetServerConfig as serverConfig,
  fleetStatus as readFleetStatus,
  makeKeyFile,
  readKeyFile,
  runFleetController,
} from '../../app/fleet/index.ts'
import { type ServerCluster } from '../../fleet/nats/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { agentLog } from '../agent-log.ts'
import { commandContext } from '../context.ts'
import { type ControllerFlags, type FleetFlags, hostsFileOf, openFleet } from '../fleet-options.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, outStyle } from '../options.ts'
import { fleetView } from '../views/fleet.ts'
import { rolloutLog } from '../views/rollout.ts'
import { signalExit } from './run.ts'
import { jsonText } from '../json.ts'

/** Every host of the fleet: what it has, how it is, when it was last heard of. */
export async function fleetStatus(options: FleetFlags, io: Io): Promise<number> {
  const { file } = await openFleet(options, io)
  const status = await readFleetStatus(file)
  if (options.json === true) io.out(jsonText(status))
  else io.out(fleetView(status, io.now(), outStyle(options, io)))
  return EXIT.done
}

/** A controller, until a signal ends it. Any number may run; one is in charge. */
export async function fleetController(options: ControllerFlags, io: Io): Promise<number> {
  const { file, context } = await openFleet(options, io)
  const policies = readHostsFile(hostsFileOf(options, io), context)
  const say = await agentLog(options, io)
  io.onStop((name) => {
    say('info', `${name}: ends when what is under way is done; once more ends it at once`)
  })
  const log = rolloutLog((line) => {
    say('info', line)
  })
  const onRollout = (state: Parameters<typeof log>[0]): boolean => {
    log(state)
    return false
  }
  await runFleetController(file, { policies, say, onRollout }, context)
  return signalExit(io)
}

export interface KeyFlags extends GlobalOptions {
  readonly out?: string
  readonly of?: string
}

/** Makes a key for a host or for someone in charge, or reads one. The public one goes into the fleet's file. */
export async function fleetKey(options: KeyFlags, io: Io): Promise<number> {
  const { out, of, json } = options
  const file = out ?? of
  if (file === undefined || (out !== undefined && of !== undefined)) {
    const hint = '--out FILE makes a key; --of FILE prints the public one of a key that is there'
    throw new QstateError(problem('bad-option', 'fleet key takes one of --out and --of', hint))
  }
  const key = (out === undefined ? readKeyFile : makeKeyFile)(file, await commandContext(options, io))
  io.out(json === true ? jsonText(key) : `${key.publicKey}\n`)
  return EXIT.done
}

export interface ServerConfigFlags extends FleetFlags {
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
export async function fleetServerConfig(options: ServerConfigFlags, io: Io): Promise<number> {
  const { file } = await openFleet(options, io)
  const { listen, storeDir, cert, certKey, ca = null, plain = false } = options
  const tls = cert === undefined || certKey === undefined ? null : { cert, key: certKey, ca }
  const { text, withoutKey } = await serverConfig(file, {
    ...{ listen, storeDir, tls, isPlain: plain },
    cluster: clusterOf(options),
  })
  io.out(text)
  if (withoutKey.length > 0) io.err(`Without a key, and so without a way in: ${withoutKey.join(', ')}.\n`)
  return EXIT.done
}

/** One of several servers, which need each other's addresses; null: one that is alone. */
function clusterOf({ name, cluster, route }: ServerConfigFlags): ServerCluster | null {
  if (name === undefined && cluster === undefined && route === undefined) return null
  if (name !== undefined && cluster !== undefined && route !== undefined)
    return { name, listen: cluster, routes: route }
  const hint = 'each of several servers needs all three: --name NAME --cluster ADDRESS --route ADDRESS …'
  throw new QstateError(problem('half-a-cluster', 'a server of several is told of by half', hint))
}
