/**
 * Many hosts: a rollout is a pure state machine over what hosts report; controllers, of which one is in charge, store its state and
 * write what each host is to have. It knows neither how a host is reconciled nor how its agent works, and asks little of a store.
 *
 *     start ─▶ RolloutState ── step(state, reports, time) ─▶ RolloutState ── orderOf ─▶ orders/HOST ─▶ member ─▶ agent
 *                 ▲   one document, compare-and-set              │                                        │ claim, report
 *                 └──────────── controllers, one in charge ◀─────┴────────── reports/HOST ◀───────────────┘
 *
 * `rollout/step.ts` is all that decides. `rollout/invariants.ts` says apart from it what must never be, and a controller stores no
 * state that breaks it. The simulation in test/fleet/ runs real controllers and hosts over a store that loses, doubles and delays.
 *
 * - Orders are what the stored state says, never more: whoever leads writes them again, and the same order twice is one. They carry
 *   the leader's term, and a host takes none of an older term than it has seen.
 * - A host claims an order in its own report before it begins, and the order is recalled there, by compare-and-set: one of the two
 *   comes first. So a host that is away holds no place, and none that may be at work is counted as free.
 * - No two clocks are compared. A rollout has its own, which the controller in charge moves on by what has passed on its own. A lease
 *   is taken over once it has been seen unchanged for its length.
 * - A host is judged only by a report that answers the question in its order (`look`), put after the soak.
 * - A host goes back only to a commit that it had, as it remembers itself.
 * - Consent to mass withdrawal is given at the start, for each host by itself, and stands beside the rollout (`consents/HOST`): a
 *   rollout of thousands of hosts stays small. It travels in the order, signed; the host judges it (`consent/`).
 * - A host that goes silent at work has failed: the revision may have cut it off. One that was only away has not, and nobody is set
 *   aside before somebody has passed: a canary that is away is no canary.
 * - A suspended agent, a closed window or a freeze is reported instead of a claim, and waited for as long as a host that is away.
 * - What failed counts as failed, whatever comes of it later.
 */
export { type ConsentTrust, signConsent } from './consent/index.ts'
export { archive, pastRollouts, runController } from './controller/index.ts'
export {
  type AgentStatus,
  ask,
  type Asked,
  type FollowedAgent,
  NO_MEMORY,
  type PlanAnswer,
  type PlanningAgent,
  runMember,
} from './member/index.ts'
export {
  atWork,
  awaitsConsent,
  instruct,
  type Instruction,
  isEnded,
  isSettled,
  isTrailing,
  mayBeReplaced,
  needsApproval,
  startRollout,
} from './rollout/index.ts'
export {
  type Clock,
  documentIn,
  hostOf,
  type Key,
  KEYS,
  localStore,
  makeKey,
  type MemberStore,
  readEntry,
  readKey,
  readReport,
  type Store,
} from './store/index.ts'
