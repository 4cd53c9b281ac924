import { type RolloutState } from './state.ts'
import { isCommit } from './text.ts'

/**
 * What a host is to have, until it is told otherwise. The latest one counts; there is nothing to be missed. `id` names the order
 * whoever writes it, so that the same order twice is one, and `epoch` is the writer's term: a host takes none that is older than
 * one it has seen.
 */
export interface Order {
  readonly schema: 'qstate.order'
  readonly version: 1
  readonly id: string
  readonly epoch: number
  readonly commit: string
  /** It had this commit before: it goes back. A host goes back only to where it has been. */
  readonly back: boolean
  /**
   * Asks how the host is now. It is judged by a report that answers this, since one that is only heard now may have been written
   * long ago.
   */
  readonly look: boolean
  /** What the host is to look at, besides its settings. */
  readonly running: readonly string[]
  readonly check: string | null
}

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

/** What was stored, if it is an order. */
export function readOrder(json: unknown): Order | null {
  const order = json as Partial<Order> | null
  const isOrder =
    typeof order === 'object' &&
    order?.schema === 'qstate.order' &&
    order.version === 1 &&
    typeof order.id === 'string' &&
    /^[0-9]{1,9}\.[0-9]{1,9}$/.test(order.id) &&
    Number.isSafeInteger(order.epoch) &&
    isCommit(order.commit) &&
    typeof order.back === 'boolean' &&
    typeof order.look === 'boolean' &&
    Array.isArray(order.running) &&
    order.running.every((qube) => typeof qube === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(qube)) &&
    (order.check === null || (typeof order.check === 'string' && /^[A-Za-z0-9_-]{1,63}$/.test(order.check)))
  return isOrder ? (order as Order) : null
}
