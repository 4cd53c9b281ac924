import { type Memory } from '../../documents/agent/index.ts'
import {
  type Change,
  isCovered,
  needsApply,
  type Plan,
  type QubePlan,
  type Withdrawal,
} from '../../reconciler/index.ts'
import { type CodeOf, problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Area } from '../../spec/index.ts'
import { type Gate, type Policy } from './policy.ts'
import { type Attempts, turnOf } from './retries.ts'

/** Something that a plan would do, and that is not done now. `path` null: the whole qube. */
export type Held = Memory['held'][number]

/** Changes of a whole qube that need a person, whatever the policy: someone has to review them and run a command. */
export const CONSENT = {
  removal: {
    code: 'removal-not-allowed',
    what: 'it would be removed, with all its data',
    how: 'run `qstate apply --allow-remove QUBE` to remove it',
  },
  withdrawal: {
    code: 'withdrawal-not-allowed',
    what: 'the spec no longer names so much of what qstate owns that a line may have been lost by mistake',
    how: 'review `qstate plan`, then restore the lines, or run the `qstate agent accept` that `qstate status` prints',
  },
} as const

export type Consent = keyof typeof CONSENT

interface Hold {
  readonly code: CodeOf<'hold' | 'plan'>
  readonly what: string
  /** What a person may do; empty where it is over by itself. */
  readonly how: string
}

const HOLDS: Readonly<Record<Held['why'], Hold>> = {
  ...CONSENT,
  observed: { code: 'observed', what: 'it only observes', how: '' },
  proposed: { code: 'proposed', what: 'proposed, and for a person to apply', how: '' },
  suspended: { code: 'suspended', what: 'suspended', how: '' },
  frozen: { code: 'frozen', what: 'a freeze', how: '' },
  outside: { code: 'outside-times', what: 'outside its times', how: '' },
  'awaiting-confirmation': {
    code: 'awaiting-confirmation',
    what: 'an apply waits to be confirmed',
    how: 'run `qstate confirm` to keep it',
  },
  'not-confirmed': {
    code: 'not-confirmed',
    what: 'its commit was applied, not confirmed in time, and taken back',
    how: 'run `qstate apply`, or `qstate agent accept COMMIT`',
  },
  reported: { code: 'reported', what: 'reported, as its policy says', how: '' },
  'backing-off': { code: 'backing-off', what: 'put right before, and changed back', how: '' },
  conflict: {
    code: 'conflict',
    what: 'put right again and again, and changed back each time: a conflict',
    how: '',
  },
  failed: { code: 'tried-in-vain', what: 'it failed when it was tried', how: '' },
  running: { code: 'until-halted', what: 'until the qube is found halted', how: '' },
}

/** Why something is held. */
export function holdProblem(why: Held['why']): Problem {
  const { code, what, how } = HOLDS[why]
  return problem(code, what, how)
}

/** What is held until a person consents to it. */
export const awaitingConsent = (held: readonly Held[]): readonly (Held & { readonly why: Consent })[] =>
  held.filter((one): one is Held & { readonly why: Consent } => Object.hasOwn(CONSENT, one.why))

export interface Rules {
  readonly policy: Policy
  readonly gate: Gate
  /** Settings put right after somebody had changed them, by `qube/path`. */
  readonly corrections: Attempts
  /** Applies that failed, by qube. */
  readonly failures: Attempts
  /** Settings applied for the commit in force, by `qube/path`. */
  readonly put: ReadonlySet<string>
  /** Withdrawals that a person has agreed to. */
  readonly agreed: readonly Withdrawal[]
  readonly now: Date
}

/** A setting that has been put right that often, and was changed back each time, is a conflict. */
export const CONFLICT_FROM = 3

/** What of a plan is not to be done now, and why. The rest may be. Pure. */
export function heldOf(plan: Plan, rules: Rules): readonly Held[] {
  const withdrawals = withdrawalsHeld(plan, rules)
  const isLeft = without(withdrawals)
  return plan.qubes
    .filter(needsApply)
    .flatMap((qube) => heldOfQube(qube, rules).filter(({ path }) => path === null || isLeft(qube.qube, path)))
    .concat(withdrawals)
}

/** Settings that leave, of qubes whose withdrawals need a consent: those too that nothing would be written for stay owned. */
function withdrawalsHeld({ consent }: Plan, { policy, agreed }: Rules): readonly Held[] {
  // Where the policy lets stand what is no longer named, nothing is withdrawn.
  if (consent === undefined || policy.withdraw !== 'apply' || isCovered(consent, agreed)) return []
  return consent.qubes.flatMap(({ qube, leaves }) =>
    leaves.map((path) => ({ qube, path, why: 'withdrawal' as const, until: null })),
  )
}

function heldOfQube(qube: QubePlan, rules: Rules): readonly Held[] {
  const whole = (why: Held['why'], until: string | null = null): Held[] => [
    { qube: qube.qube, path: null, why, until },
  ]
  const { policy, gate } = rules
  if (qube.remove !== undefined) return whole('removal')
  if (policy.mode === 'observe') return whole('observed')
  if (policy.mode === 'propose') return whole('proposed')
  if (!gate.open) return whole(gate.why, gate.until)
  const turn = turnOf(rules.failures, qube.qube, rules.now)
  if (!turn.now) return whole('failed', turn.from)
  return qube.changes.flatMap((change) => {
    const held = heldOfChange(qube.qube, change, rules)
    return held === undefined ? [] : [held]
  })
}

function heldOfChange(qube: string, { path, reason }: Change, rules: Rules): Held | undefined {
  const { policy, corrections, now } = rules
  const held = (why: Held['why'], until: string | null): Held => ({ qube, path, why, until })
  if (reason === 'withdrawn') return policy.withdraw === 'report' ? held('reported', null) : undefined
  if (!isUndone(qube, { path, reason }, rules)) return undefined
  if (policy.drift[areaOf(path)] === 'report') return held('reported', null)
  const turn = turnOf(corrections, keyOf(qube, path), now)
  if (turn.now) return undefined
  return held(turn.times >= CONFLICT_FROM ? 'conflict' : 'backing-off', turn.from)
}

/** Changed by somebody since the agent applied it: drift, and what another run of qstate with another spec has set. */
export const isUndone = (
  qube: string,
  { path, reason }: Pick<Change, 'path' | 'reason'>,
  { put }: Pick<Rules, 'put'>,
): boolean => reason === 'drift' || (reason === 'changed' && put.has(keyOf(qube, path)))

/** What a plan is to leave out so that nothing of what is held is done. */
export function without(held: readonly Held[]): (qube: string, path: string) => boolean {
  const qubes = new Set(held.filter(({ path }) => path === null).map(({ qube }) => qube))
  const settings = new Set(held.map(({ qube, path }) => keyOf(qube, path ?? '')))
  return (qube, path) => !qubes.has(qube) && (path === '' || !settings.has(keyOf(qube, path)))
}

export const keyOf = (qube: string, path: string): string => `${qube}/${path}`

/** A path begins with its area: there is a provider for it. */
const areaOf = (path: string): Area => path.slice(0, path.indexOf('/')) as Area
