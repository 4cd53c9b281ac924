/**
 * What prevents a qube from starting, or makes its shutdown harmful: one table, asked by doctor, plan, status, restart, agent and
 * rollout. It reads what it needs and decides nothing.
 */
export { type HarmFacts, readHarmFacts, readNetworkFacts } from './facts.ts'
export { type Harm, type HarmAnswer, harmOf, harmOfRows } from './hindrances.ts'
export { withHindrances } from './planned.ts'
