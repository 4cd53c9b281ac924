import { join } from 'node:path'
import { type Io } from '../../cli/io.ts'
import { localStore, type MemberStore, type Store } from '../../fleet/index.ts'
import { type AgentFleet } from '../../spec/agent/index.ts'
import { type Fleet } from '../../spec/fleet/index.ts'
import { stateBase } from '../host/index.ts'
import { steadyClock } from './clock.ts'
import { type FleetFile, type FleetOptions } from './fleet-file.ts'

/** Folder of this machine for what is kept of a fleet. */
export const fleetFolder = (fleet: Fleet, options: FleetOptions, io: Io): string =>
  join(stateBase(options, io), 'fleets', fleet.name)

/** The store as those who are in charge use it. Fails with QstateError. */
async function openStore(fleet: Fleet, options: FleetOptions, io: Io): Promise<Store> {
  if (fleet.servers === null)
    return localStore(join(fleetFolder(fleet, options, io), 'store'), (ms, signal) =>
      steadyClock.sleep(ms, signal),
    )
  // Loaded only where there are servers: most people have none.
  const { natsConnect, natsStore } = await import('../../fleet/nats/index.ts')
  const connection = await natsConnect({ ...access(fleet, options, io), host: null })
  return orClose(connection, () => natsStore(connection, fleet.name, fleet.replicas))
}

/** The store for as long as some work takes. Fails with QstateError. */
export async function withStore<T>(
  { fleet }: FleetFile,
  options: FleetOptions,
  io: Io,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(fleet, options, io)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** The store as one host uses it. Fails with QstateError, or as reading its files does. */
export async function connectMember(
  { name, servers, key, ca }: AgentFleet,
  host: string,
): Promise<MemberStore> {
  const { natsConnect, natsMemberStore } = await import('../../fleet/nats/index.ts')
  const connection = await natsConnect({ servers, host, keyFile: key, caFile: ca })
  return orClose(connection, () => natsMemberStore(connection, name, host))
}

/** A connection of which nothing comes would keep the process. */
async function orClose<T>(connection: { close(): Promise<void> }, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await connection.close()
    throw error
  }
}

const access = (
  { servers }: Fleet,
  { key, ca }: FleetOptions,
  { env }: Io,
): { servers: readonly string[]; keyFile: string | null; caFile: string | null } => ({
  servers: servers ?? [],
  keyFile: key ?? nonEmpty(env['QSTATE_FLEET_KEY']),
  caFile: ca ?? nonEmpty(env['QSTATE_FLEET_CA']),
})

const nonEmpty = (text: string | undefined): string | null =>
  text === undefined || text === '' ? null : text
