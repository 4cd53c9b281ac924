/**
 * What the loop asks of the world: a host that it can plan, apply and restart on, and a clock.
 */
export { concernOf, type Scope } from './events.ts'
export {
  type AgentHost,
  type Applied,
  type Clock,
  type CommittedSpec,
  type Confirmation,
  type HostNews,
  type Reattached,
  type ReattachCare,
  type RestartCare,
} from './ports.ts'
