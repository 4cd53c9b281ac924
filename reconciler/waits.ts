import { type Host, type HostQube, NO_NEEDS, type Observation } from './host.ts'
import { type Change, type Note } from './plan.ts'
import { type QubeFacts } from './provider.ts'
import { type OwnershipRecord, type Waits } from './record.ts'

export interface PlannedWaits {
  /** For the record. */
  readonly waits: Waits | null
  /** Of earlier runs. */
  readonly waiting: readonly string[]
  readonly note: readonly Note[]
}

/**
 * What waits for the next start of a running qube: what did already, and what a plan adds. `started` is the start time
 * where an answer happened to hold it; it is read only where something waits.
 */
export async function planWaits(
  host: Host,
  facts: QubeFacts,
  started: Observation<string> | undefined,
  record: OwnershipRecord | null,
  changes: readonly Change[],
): Promise<PlannedWaits> {
  const late = changes.filter((change) => change.effect === 'next-start').map((change) => change.path)
  const earlier = record?.waits ?? null
  if (!isRunning(facts.qube) || (late.length === 0 && earlier === null)) return NOTHING
  const start = started ?? (await readStart(host, facts.qube))
  if (start.status !== 'present' || start.value === '') {
    const why = start.status === 'unknown' ? start.why : 'the qube has no start time'
    const text = `what waits for its next start cannot be told later: ${why}`
    return { ...NOTHING, note: [{ kind: 'untold', path: null, text }] }
  }
  const waiting = earlier?.start === start.value ? earlier.paths : []
  const paths = [...new Set([...waiting, ...late])].sort()
  return { waits: paths.length === 0 ? null : { start: start.value, paths }, waiting, note: [] }
}

const NOTHING: PlannedWaits = { waits: null, waiting: [], note: [] }

async function readStart(host: Host, qube: HostQube): Promise<Observation<string>> {
  const reading = await host.read(qube.name, { ...NO_NEEDS, properties: ['start_time'] })
  return reading.effective('start_time')
}

/** Anything but halted: a paused or starting qube keeps what it was started with. */
export const isRunning = (qube: HostQube): boolean => qube.state !== 'Halted' && qube.state !== ''
