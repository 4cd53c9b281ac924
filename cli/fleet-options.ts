import { resolve } from 'node:path'
import { type FleetFile, type FleetLocation, readFleetFile } from '../app/fleet/index.ts'
import { type CommandContext, commandContext } from './context.ts'
import { type Io } from './io.ts'
import { fromEnv, type GlobalOptions, targetOf } from './options.ts'

/** Options of every command about a fleet. */
export interface FleetFlags extends GlobalOptions {
  readonly fleet?: string[]
  readonly key?: string
  readonly ca?: string
  readonly allowedSigners?: string
}

/** Options of commands that carry a rollout out. */
export interface ControllerFlags extends FleetFlags {
  readonly hostsFile?: string
}

const DEFAULT_CHECKS = '/etc/qstate/checks'

function fleetLocation(options: FleetFlags, io: Io): FleetLocation {
  const signers = options.allowedSigners ?? fromEnv(io, 'QSTATE_ALLOWED_SIGNERS')
  return {
    paths: options.fleet ?? fromEnv(io, 'QSTATE_FLEET')?.split(':') ?? [],
    keyFile: options.key ?? fromEnv(io, 'QSTATE_FLEET_KEY'),
    caFile: options.ca ?? fromEnv(io, 'QSTATE_FLEET_CA'),
    allowedSigners: signers === null || signers === '' ? null : resolve(io.cwd, signers),
    checks: fromEnv(io, 'QSTATE_CHECKS') ?? DEFAULT_CHECKS,
    target: targetOf(options, io),
  }
}

/** The fleet that a command line means, read. */
export async function openFleet(
  options: FleetFlags,
  io: Io,
): Promise<{ readonly file: FleetFile; readonly context: CommandContext }> {
  const context = await commandContext(options, io)
  return { file: readFleetFile(fleetLocation(options, io), context), context }
}

/** How hosts without an agent are kept. */
export const hostsFileOf = ({ hostsFile }: ControllerFlags, io: Io): string | null =>
  hostsFile ?? fromEnv(io, 'QSTATE_HOSTS_FILE')
