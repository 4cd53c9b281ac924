import { type Order, type RolloutState } from '../../documents/fleet/index.ts'

export const orderId = (serial: number, turn: number): string => `${serial}.${turn}`

/** The order that a host should find; null: whatever it has. */
export function orderOf(state: RolloutState, name: string): Order | null {
  const host = state.hosts[name]
  if (host === undefined) return null
  const order = (commit: string, back: boolean): Order => ({
    schema: 'qstate.order',
    version: 1,
    id: orderId(state.serial, host.turn),
    epoch: state.epoch,
    commit,
    back,
    look: host.look,
    running: state.health.running,
    check: state.health.check,
  })
  switch (host.stage) {
    case 'ordered':
    case 'soaking':
    case 'passed':
    case 'failed':
    case 'lost':
      return order(state.commit, false)
    case 'returning':
    case 'missing':
    case 'returned':
    case 'stuck':
      return host.before === null ? null : order(host.before, true)
    case 'kept':
    case 'waiting':
    case 'skipped':
    case 'later':
    case 'owed':
      return null
  }
}
