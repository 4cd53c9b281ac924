import { type HostReport, type Lease, leaseDocument, orderDocument } from '../../documents/fleet/index.ts'
import { documentIn, KEYS, readReport } from '../../fleet/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { type FleetFile } from './fleet-file.ts'
import { withStore } from './open-store.ts'

/** A host of the fleet as it was last heard of. */
export interface HostRow {
  readonly host: string
  readonly groups: readonly string[]
  /** Null: never heard of, or its report cannot be read. */
  readonly report: HostReport | null
  /** When its report was written, by the store's clock. */
  readonly lastSeen: string | null
  /** The commit that it was ordered to. */
  readonly ordered: string | null
  /** Why its report cannot be read. */
  readonly problem?: Problem
}

export interface FleetStatus {
  readonly fleet: string
  /** Where its documents are. */
  readonly store: string
  /** Who is in charge; null: nobody has ever been. */
  readonly leader: Lease | null
  readonly leaderLastSeen: string | null
  readonly hosts: readonly HostRow[]
}

/** Every host of the fleet: what it has, how it is, when it was last heard of. */
export function fleetStatus(file: FleetFile): Promise<FleetStatus> {
  return withStore(file, async (store) => {
    const [reports, orders, lease] = await Promise.all([
      store.list(KEYS.reports),
      store.list(KEYS.orders),
      store.get(KEYS.leader),
    ])
    const byKey = new Map([...reports, ...orders].map((entry) => [entry.key, entry]))
    const leader = documentIn(leaseDocument, lease)
    const hosts = [...file.fleet.hosts.values()].map(({ name, groups }): HostRow => {
      const entry = byKey.get(KEYS.reports + name)
      const read = entry === undefined ? null : readReport(entry)
      return {
        host: name,
        groups,
        report: read?.ok === true ? read.value : null,
        lastSeen: entry?.at ?? null,
        ordered: documentIn(orderDocument, byKey.get(KEYS.orders + name))?.commit ?? null,
        ...(read?.ok === false ? { problem: read.problem } : {}),
      }
    })
    const leaderLastSeen = leader === null ? null : (lease?.at ?? null)
    return { fleet: file.fleet.name, store: store.where, leader, leaderLastSeen, hosts }
  })
}
