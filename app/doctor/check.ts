import { type Observation, type Unknown } from '../../reconciler/index.ts'
import { quoteForTerminal } from '../host/index.ts'

/** `unknown`: it could not be looked at. Only a problem keeps a qube from working, or a setting from being set. */
export type Verdict = 'ok' | 'warning' | 'problem' | 'unknown'

export interface CheckResult {
  readonly verdict: Verdict
  /** What was found, or why nothing could be. Never a secret; text of a host is quoted. */
  readonly found: string
  /** What to do; null where there is nothing to do. */
  readonly fix: string | null
}

export interface Finding extends CheckResult {
  /** Name of the check, stable for programs. */
  readonly check: string
}

/** The findings on the host, or on one qube. */
export interface Examined {
  /** Null: the host. */
  readonly qube: string | null
  /** For people: what was looked at. */
  readonly about: string
  readonly findings: readonly Finding[]
}

/** A check looks at one thing and writes nothing. An empty list: it does not apply here. */
export interface Check<Subject> {
  readonly name: string
  readonly look: (subject: Subject) => CheckResults | Promise<CheckResults>
}

export type CheckResults = CheckResult | readonly CheckResult[]

export const ok = (found: string): CheckResult => ({ verdict: 'ok', found, fix: null })
export const warning = (found: string, fix: string): CheckResult => ({ verdict: 'warning', found, fix })
export const problem = (found: string, fix: string): CheckResult => ({ verdict: 'problem', found, fix })
export const unseen = (found: string, fix: string): CheckResult => ({ verdict: 'unknown', found, fix })

/** Checks read more than plans do. What a plan needs, the check of policy names call by call. */
export const notSeen = ({ problem: { code, message, hint } }: Unknown, about = ''): CheckResult =>
  code === 'denied-by-policy'
    ? unseen(
        `${about}policy in dom0 does not let this be read`,
        'nothing to do, unless the check `policy` names it: plans do without; `qstate -v doctor` tells the calls',
      )
    : unseen(`${about}${message}`, hint)

/** Text of a host, which may hold anything. */
export const quote = (text: string): string => quoteForTerminal(text, 60)

/** Judges what could be read, `undefined` where nothing is set; what could not be read is unknown, never absent. */
export function given<T>(
  seen: readonly Observation<T>[],
  judge: (...values: (T | undefined)[]) => CheckResults,
): CheckResults {
  const blind = seen.find((one): one is Unknown => one.status === 'unknown')
  if (blind !== undefined) return notSeen(blind)
  return judge(...seen.map((one) => (one.status === 'present' ? one.value : undefined)))
}

/** Runs the checks on one subject, all at once; the findings come in the order of the list. */
export async function runChecks<Subject>(
  checks: readonly Check<Subject>[],
  subject: Subject,
): Promise<readonly Finding[]> {
  const found = await Promise.all(
    checks.map(async ({ name, look }) =>
      [await look(subject)].flat().map((judgement) => ({ check: name, ...judgement })),
    ),
  )
  return found.flat()
}
