import { type Memory, type Suspension } from '../../documents/agent/index.ts'

/** The order is a file that nobody takes away when its time is over. */
export const holdsStill = (suspended: Suspension | null, now: Date): boolean =>
  suspended !== null && (suspended.until === null || now.getTime() < Date.parse(suspended.until))

/** Settings of a running qube that count after its next start. */
export type Waiting = Memory['waiting'][number]

/** The servers of the fleet are not reached, or refuse this host: it is kept as it was last ordered. */
export type FleetAway = NonNullable<Memory['fleetAway']>

/** A setting that is not as qstate left it. */
export type Drift = Memory['drift'][number]

export const NO_MEMORY: Memory = {
  schema: 'qstate.agent',
  version: 1,
  updatedAt: '',
  source: '',
  paths: [],
  mode: '',
  fleet: null,
  ordered: null,
  wanted: null,
  inForce: null,
  applied: null,
  took: null,
  compared: false,
  settled: false,
  gaveUp: null,
  refused: null,
  unreachable: null,
  fleetAway: null,
  error: null,
  events: 'lost',
  comparedAt: null,
  drift: [],
  held: [],
  withdrawal: null,
  spentConsent: null,
  blocked: [],
  failing: [],
  waiting: [],
  proposed: null,
  suspended: null,
  corrections: {},
  failures: {},
  restarts: {},
  restarting: {},
  put: [],
}
