import { type Memory } from '../../documents/agent/index.ts'
import {
  type Change,
  changesOwnership,
  isCovered,
  needsApply,
  type Plan,
  type QubePlan,
  type Withdrawal,
} from '../../reconciler/index.ts'
import { type CodeOf, problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Gate, isCorrected, type Policy } from './policy.ts'
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

/** What of a plan is held, and what may be done. */
export interface Decision {
  readonly held: readonly Held[]
  /** What a plan looks at that does nothing of what is held. The path `''` stands for the qube as a whole. */
  readonly selects: (qube: string, path: string) => boolean
}

/** What of a plan is not to be done now, and why; the rest may be. Pure. */
export function decide(plan: Plan, rules: Rules): Decision {
  const withdrawals = withdrawalsHeld(plan, rules)
  const leaving = new Set(withdrawals.map(({ qube, path }) => keyOf(qube, path ?? '')))
  const held = plan.qubes
    .filter(needsApply)
    .flatMap((qube) => heldOfQube(qube, rules))
    .filter(({ qube, path }) => path === null || !leaving.has(keyOf(qube, path)))
    .concat(withdrawals)
  return { held, selects: selectsUnheld(plan, held, rules) }
}

/** Of a qube whose commit is held, only what is corrected. */
function selectsUnheld({ qubes }: Plan, held: readonly Held[], rules: Rules): Decision['selects'] {
  const whole = new Map(held.flatMap(({ qube, path, why }) => (path === null ? [[qube, why] as const] : [])))
  const settings = new Set(held.flatMap(({ qube, path }) => (path === null ? [] : [keyOf(qube, path)])))
  const corrected = new Map(
    qubes.flatMap(({ qube, changes }) => {
      const why = whole.get(qube)
      if (why === undefined || !OF_COMMIT.has(why)) return []
      const paths = changes.filter((change) => isUndone(qube, change, rules)).map(({ path }) => path)
      const left = paths.filter((path) => !settings.has(keyOf(qube, path)))
      return left.length === 0 ? [] : [[qube, new Set(['', ...left])] as const]
    }),
  )
  return (qube, path) =>
    whole.has(qube) ? corrected.get(qube)?.has(path) === true : !settings.has(keyOf(qube, path))
}

/** Holds of what a commit newly says of a qube. */
const OF_COMMIT: ReadonlySet<Held['why']> = new Set(['observed', 'proposed'])

/** Settings that leave, of qubes whose withdrawals need a consent: those too that nothing would be written for stay owned. */
function withdrawalsHeld({ consent }: Plan, { policy, agreed }: Rules): readonly Held[] {
  // Where the policy lets stand what is no longer named, nothing is withdrawn.
  if (consent === undefined || policy.withdraw !== 'apply' || isCovered(consent, agreed)) return []
  return consent.qubes.flatMap(({ qube, leaves }) =>
    leaves.map((path) => ({ qube, path, why: 'withdrawal' as const, until: null })),
  )
}

function heldOfQube(plan: QubePlan, rules: Rules): readonly Held[] {
  const { qube, remove, changes } = plan
  const { policy } = rules
  const hold = (path: string | null, why: Held['why'], until: string | null = null): Held => {
    return { qube, path, why, until }
  }
  if (remove !== undefined) return [hold(null, 'removal')]
  const undone = changes.filter((change) => isUndone(qube, change, rules)).map(({ path }) => path)
  const reported = undone.filter((path) => !isCorrected(policy, path))
  const corrected = undone.filter((path) => isCorrected(policy, path))
  const isNews = bringsNews(plan, rules)
  const closed = closedFor(qube, rules)
  if (isNews && policy.commits === 'apply' && closed !== undefined)
    return [hold(null, closed.why, closed.until)]
  const withdrawn = changes.filter(({ reason }) => reason === 'withdrawn').map(({ path }) => path)
  return [
    ...(isNews ? newsHeld(policy, withdrawn).map(([path, why]) => hold(path, why)) : []),
    ...reported.map((path) => hold(path, 'reported')),
    ...corrected.flatMap((path) => {
      const wait = closed ?? backOffOf(keyOf(qube, path), rules)
      return wait === undefined ? [] : [hold(path, wait.why, wait.until)]
    }),
  ]
}

interface Wait {
  readonly why: Held['why']
  readonly until: string | null
}

/** Why nothing at all may be written on a qube now. */
function closedFor(qube: string, { gate, failures, now }: Rules): Wait | undefined {
  if (!gate.open) return { why: gate.why, until: gate.until }
  const turn = turnOf(failures, qube, now)
  return turn.now ? undefined : { why: 'failed', until: turn.from }
}

/** What a policy holds of what a commit newly says of a qube. */
function newsHeld(
  { commits, withdraw }: Policy,
  withdrawn: readonly string[],
): readonly (readonly [path: string | null, why: Held['why']])[] {
  if (commits === 'observe') return [[null, 'observed']]
  if (commits === 'propose') return [[null, 'proposed']]
  return withdraw === 'report' ? withdrawn.map((path) => [path, 'reported'] as const) : []
}

/** A correction that was undone is not fought. */
function backOffOf(key: string, { corrections, now }: Rules): Wait | undefined {
  const turn = turnOf(corrections, key, now)
  if (turn.now) return undefined
  return { why: turn.times >= CONFLICT_FROM ? 'conflict' : 'backing-off', until: turn.from }
}

/** Whether a plan does more on a qube than set back what others have changed. */
export function bringsNews(plan: QubePlan, rules: Pick<Rules, 'put'>): boolean {
  const { qube, create, remove, volumes, changes } = plan
  const undone = changes.filter((change) => isUndone(qube, change, rules)).map(({ path }) => path)
  return (
    create !== undefined ||
    remove !== undefined ||
    volumes !== undefined ||
    undone.length < changes.length ||
    changesOwnership(plan, new Set(undone))
  )
}

/** Changed by somebody since the agent applied it: drift, and what another run of qstate with another spec has set. */
export const isUndone = (
  qube: string,
  { path, reason }: Pick<Change, 'path' | 'reason'>,
  { put }: Pick<Rules, 'put'>,
): boolean => reason === 'drift' || (reason === 'changed' && put.has(keyOf(qube, path)))

export const keyOf = (qube: string, path: string): string => `${qube}/${path}`
