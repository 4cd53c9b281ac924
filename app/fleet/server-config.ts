import { type ServerPaths } from '../../fleet/nats/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type FleetFile } from './fleet-file.ts'

export interface ServerConfig {
  readonly text: string
  /** Hosts that have no key, and so no way in. */
  readonly withoutKey: readonly string[]
}

/** The configuration of a server in which each host can speak for itself only. Without TLS only where `isPlain` says so. */
export async function fleetServerConfig(
  { fleet }: FleetFile,
  options: ServerPaths & { readonly isPlain: boolean },
): Promise<ServerConfig> {
  if (options.tls === null && !options.isPlain) {
    const hint = 'add --cert FILE and --cert-key FILE; or --plain, to try it on one machine'
    throw new QstateError(
      problem('no-certificate', 'a server that hosts connect to needs a certificate', hint),
    )
  }
  if (fleet.controllers.length === 0) {
    const hint = 'make a key with `qstate fleet key`, and write it under store: controllers'
    throw new QstateError(problem('no-controllers', 'the fleet names nobody who is in charge', hint))
  }
  const { serverConfig } = await import('../../fleet/nats/index.ts')
  const without = [...fleet.hosts.values()].filter(({ key, reach }) => key === null && reach.kind === 'agent')
  return { text: serverConfig(fleet, options), withoutKey: without.map(({ name }) => name) }
}
