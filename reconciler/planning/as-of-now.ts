import { type Value } from '../../spec/index.ts'
import { planWaits } from '../observe/index.ts'
import { formatRecord, ownRecord } from '../ownership/index.ts'
import { type Plan, type QubePlan } from '../plan/index.ts'
import {
  type Host,
  type HostQube,
  isRunning,
  type Observation,
  providerOf,
  type Providers,
} from '../ports/index.ts'

interface Now {
  readonly host: Host
  readonly providers: Providers
  /** As they are listed now. */
  readonly qubes: readonly HostQube[]
}

/**
 * A plan that was made a while ago, with what follows from which qubes run as they are now: when its changes take effect, and what the
 * record says to wait for a restart. What is changed stays what was reviewed. Of a qube that runs as it did, nothing is read.
 */
export async function asOfNow(plan: Plan, now: Now): Promise<Plan> {
  const there = new Map(now.qubes.map((qube) => [qube.name, qube]))
  const qubes: QubePlan[] = []
  for (const planned of plan.qubes) {
    const listed = there.get(planned.qube)
    const qube = listed?.uuid === planned.uuid ? listed : undefined
    const isSame = qube === undefined || isRunning(qube) === planned.running || planned.remove !== undefined
    qubes.push(isSame ? planned : await stateChanged(planned, qube, plan, now))
  }
  return { ...plan, qubes }
}

async function stateChanged(
  planned: QubePlan,
  qube: HostQube,
  { host: { release: version } }: Plan,
  { host, providers }: Now,
): Promise<QubePlan> {
  const facts = { qube, version }
  const values = new Map(
    planned.changes.map(({ path, before }): [string, Observation<Value>] => [
      path,
      before === null ? { status: 'absent' } : { status: 'present', value: before },
    ]),
  )
  const owner = { name: planned.qube, uuid: planned.uuid }
  const { changes, waits, waiting, note } = await planWaits(
    host,
    { providers, facts, values, started: undefined, unfinished: [] },
    ownRecord(planned.record.before, owner),
    planned.changes.map((change) => ({
      ...change,
      effect: providerOf(providers, change.path).effect(change.path, facts),
    })),
  )
  const next = ownRecord(planned.record.after, owner)
  const isWritten = next !== null && planned.record.after !== planned.record.before
  return {
    ...planned,
    running: isRunning(qube),
    changes,
    waiting,
    record: isWritten ? { ...planned.record, after: formatRecord({ ...next, waits }) } : planned.record,
    notes: [...planned.notes, ...note],
  }
}
