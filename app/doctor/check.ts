import { quoteForTerminal } from '../../qubesd/index.ts'
import { type Observation, type Unknown } from '../../reconciler/index.ts'

/** `unknown`: it could not be looked at. Only a problem keeps a qube from working, or a setting from being set. */
export type Verdict = 'ok' | 'warning' | 'problem' | 'unknown'

export interface Judgement {
  readonly verdict: Verdict
  /** What was found, or why nothing could be. Never a secret; text of a host is quoted. */
  readonly found: string
  /** What to do; null where there is nothing to do. */
  readonly mend: string | null
}

export interface Finding extends Judgement {
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
  readonly look: (subject: Subject) => Judgements | Promise<Judgements>
}

export type Judgements = Judgement | readonly Judgement[]

export const ok = (found: string): Judgement => ({ verdict: 'ok', found, mend: null })
export const warning = (found: string, mend: string): Judgement => ({ verdict: 'warning', found, mend })
export const problem = (found: string, mend: string): Judgement => ({ verdict: 'problem', found, mend })
export const unseen = (found: string, mend: string): Judgement => ({ verdict: 'unknown', found, mend })

/** Text of a host, which may hold anything. */
export const quote = (text: string): string => quoteForTerminal(text, 60)

/** Judges what could be read, `undefined` where nothing is set; what could not be read is unknown, never absent. */
export function given<T>(
  seen: readonly Observation<T>[],
  judge: (...values: (T | undefined)[]) => Judgements,
): Judgements {
  const blind = seen.find((one): one is Unknown => one.status === 'unknown')
  if (blind !== undefined) return unseen(blind.why, blind.hint)
  return judge(...seen.map((one) => (one.status === 'present' ? one.value : undefined)))
}

/** Runs the checks on one subject, all at once; the findings come in the order of the list. */
export async function examine<Subject>(
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
