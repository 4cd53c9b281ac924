import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type Memory, type Turn } from '../state/index.ts'

/** What is counted of an agent's life, for Prometheus. */
export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
  turn(told: Turn): void
  call(outcome: 'answered' | 'failed'): void
  notice(kind: string): void
}

export function makeMetrics(version: string): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> =>
    new Gauge({ name: `qstate_${name}`, help, labelNames, registers })
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> =>
    new Counter({ name: `qstate_${name}_total`, help, labelNames, registers })

  gauge('info', 'Always 1; the version is its label.', 'version').labels(version).set(1)
  const commit = gauge(
    'commit_info',
    'Always 1, for each commit that is wanted, in force, or applied.',
    'is',
    'commit',
  )
  const current = gauge('commit_is_applied', '1 if the commit that the branch or tag stands at is applied.')
  const refused = gauge('commit_refused', '1 while the newest commit is refused.')
  const sourceUp = gauge('source_up', '1 if the repository answered when it was last looked at.')
  const fleetUp = gauge('fleet_up', '1 while the servers of the fleet answer.', 'fleet')
  const hostUp = gauge('host_up', '1 if the host could be compared with what is wanted.')
  const events = gauge('events_connected', '1 while the events of the host are heard.')
  const suspended = gauge('suspended', '1 while the agent is suspended.')
  const drift = gauge('drift_settings', 'Settings that somebody has changed on the host, by area.', 'area')
  const held = gauge('held_changes', 'Changes that are not made now, by why.', 'why')
  const blocked = gauge('blocked_settings', 'Settings that cannot be planned.')
  const waiting = gauge('waiting_qubes', 'Running qubes with settings that count after their next start.')
  const compared = gauge('compared_timestamp_seconds', 'When everything was last compared.')
  const turns = counter('turns', 'Times that the agent had something to look at.')
  const applies = counter(
    'qubes_applied',
    'Qubes that something was applied to, by how it came out.',
    'status',
  )
  const writes = counter('writes', 'Calls that changed the host.')
  const restarts = counter('restarts', 'Restarts of qubes, by how they came out.', 'status')
  const calls = counter('qubesd_calls', 'Calls to qubesd, by outcome.', 'outcome')
  const notices = counter('notices', 'Notices, by kind.', 'kind')
  const changes = new Histogram({
    name: 'qstate_plan_changes',
    help: 'Changes in a plan that the agent has made.',
    buckets: [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers,
  })

  const byKey = (target: Gauge<'area'> | Gauge<'why'>, keys: readonly string[]): void => {
    target.reset()
    for (const key of keys) target.labels(key).inc()
  }
  const show = (memory: Memory): void => {
    const { wanted, inForce, applied } = memory
    commit.reset()
    for (const [is, one] of Object.entries({ wanted, in_force: inForce, applied }))
      if (one !== null) commit.labels(is, one.commit).set(1)
    current.set(wanted !== null && applied?.commit === wanted.commit ? 1 : 0)
    refused.set(memory.refused === null ? 0 : 1)
    sourceUp.set(memory.unreachable === null && wanted !== null ? 1 : 0)
    fleetUp.reset()
    if (memory.fleet !== null) fleetUp.labels(memory.fleet.name).set(memory.fleetAway === null ? 1 : 0)
    hostUp.set(memory.error === null && memory.comparedAt !== null ? 1 : 0)
    events.set(memory.events === 'connected' ? 1 : 0)
    suspended.set(memory.suspended === null ? 0 : 1)
    byKey(
      drift,
      memory.drift.map(({ path }) => path.slice(0, path.indexOf('/'))),
    )
    byKey(
      held,
      memory.held.map(({ why }) => why),
    )
    blocked.set(memory.blocked.length)
    waiting.set(memory.waiting.length)
    compared.set(memory.comparedAt === null ? 0 : Date.parse(memory.comparedAt) / 1000)
  }
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    turn({ memory, done, restarts: ended }) {
      turns.inc()
      show(memory)
      for (const { status } of ended) restarts.inc({ status })
      if (done === null) return
      changes.observe(done.seen.qubes.reduce((sum, qube) => sum + qube.changes.length, 0))
      for (const qube of done.applied?.report.qubes ?? []) {
        if (qube.status === 'unchanged') continue
        applies.inc({ status: qube.status })
        writes.inc(qube.writes)
      }
    },
    call: (outcome) => {
      calls.inc({ outcome })
    },
    notice: (kind) => {
      notices.inc({ kind })
    },
  }
}
