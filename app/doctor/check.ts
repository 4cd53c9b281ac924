import {
  type Code,
  located,
  problem as problemOf,
  type Problem,
  type SourceRange,
} from '../../spec/diagnostics/index.ts'
import { type HarmAnswer, type Observation, type Unknown } from '../../reconciler/index.ts'
import { quoteForTerminal } from '../host/index.ts'

/** `unknown`: it could not be looked at. Only a problem keeps a qube from working, or a setting from being set. */
export type Verdict = 'ok' | 'warning' | 'problem' | 'unknown'

export type CheckResult = Sound | Unsound

interface Sound {
  readonly verdict: 'ok'
  readonly found: string
}

interface Unsound {
  readonly verdict: Exclude<Verdict, 'ok'>
  /** What was found, or why nothing could be, and what to do. Never a secret; text of a host is quoted. */
  readonly problem: Problem
}

/** With the name of the check, stable for programs. */
export type Finding = CheckResult & { readonly check: string }

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

export const ok = (found: string): CheckResult => ({ verdict: 'ok', found })

type Judge = (code: Code, found: string, fix: string) => CheckResult

export const warning: Judge = (...what) => ({ verdict: 'warning', problem: problemOf(...what) })
export const problem: Judge = (...what) => ({ verdict: 'problem', problem: problemOf(...what) })
export const unseen: Judge = (...what) => ({ verdict: 'unknown', problem: problemOf(...what) })

/** With the line of the spec that it stems from. */
export const locatedAt = (result: CheckResult, range: SourceRange | undefined): CheckResult =>
  result.verdict === 'ok' ? result : { ...result, problem: located(result.problem, range) }

/** Checks read more than plans do. What a plan needs, the check of policy names call by call. */
export const notSeen = ({ problem: { code, message, hint } }: Unknown, about = ''): CheckResult =>
  code === 'denied-by-policy'
    ? unseen(
        code,
        `${about}policy in dom0 does not let this be read`,
        'nothing to do, unless the check `policy` names it: plans do without; `qstate -v doctor` tells the calls',
      )
    : unseen(code, `${about}${message}`, hint)

/** What the rows about one qube find, or, where they find nothing, what else there is to say. */
export function orHarm({ hindered, unknown }: HarmAnswer, otherwise: () => CheckResults): CheckResults {
  if (hindered.length > 0)
    return hindered.map(({ problem: { code, message, hint } }) =>
      problem(code, `${message}: the qube does not start`, hint),
    )
  const [blind] = unknown
  return blind === undefined ? otherwise() : notSeen({ status: 'unknown', problem: blind.problem })
}

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
