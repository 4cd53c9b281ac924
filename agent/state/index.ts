/**
 * What an agent knows, how it is kept over restarts, and the orders of a person.
 */
export { type NoticedBy, noticedIn } from './cause.ts'
export { fleetAwayNow } from './fleet-away.ts'
export { type Memory, type Ordered, type Suspension } from '../../documents/agent/index.ts'
export { holdsStill, type Waiting } from './memory.ts'
export { remember } from './remember.ts'
export { openStore, type Orders, type Store } from './store.ts'
export { type Turn } from './turn.ts'
