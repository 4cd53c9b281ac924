import { join } from 'node:path'
import { localStore, type Store } from '../../fleet/index.ts'
import { safeFolder } from '../../journal/index.ts'
import { closeOnFailure, steadyClock } from '../agent/index.ts'
import { type FleetFile } from './fleet-file.ts'

/** Folder of this machine for what is kept of a fleet, or one below it. */
export const fleetFolder = ({ fleet, target }: FleetFile, ...below: readonly string[]): string =>
  safeFolder(target.stateDir, 'fleets', fleet.name, ...below)

/** The store for as long as some work takes, as those who are in charge use it. Fails with QstateError. */
export async function withStore<T>(file: FleetFile, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(file)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

async function openStore(file: FleetFile): Promise<Store> {
  const { fleet, keyFile, caFile } = file
  if (fleet.servers === null)
    return localStore(join(fleetFolder(file), 'store'), (ms, signal) => steadyClock.sleep(ms, signal))
  // Loaded only where there are servers: most people have none.
  const { natsConnect, natsStore } = await import('../../fleet/nats/index.ts')
  const connection = await natsConnect({ servers: fleet.servers, keyFile, caFile, host: null })
  return closeOnFailure(connection, () => natsStore(connection, fleet.name, fleet.replicas))
}
