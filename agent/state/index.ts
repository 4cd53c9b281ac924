/**
 * What an agent knows, how it is kept over restarts, and the orders of a person.
 */
export { type NoticedBy, noticedIn } from './cause.ts'
export { fleetAwayNow } from './fleet-away.ts'
export { holdsStill, type Memory, type Suspension, type Waiting } from './memory.ts'
export { type Ordered } from './orders.ts'
export { remember } from './remember.ts'
export { openStore, type Orders, type Store } from './store.ts'
export { type Turn } from './turn.ts'
