import { type Generation, lockHolder, numbers, readGeneration, type RunKind } from '../../journal/index.ts'
import { reportExitCode, type SpecOrigin } from '../../reconciler/index.ts'
import { EXIT, type Problem } from '../../spec/diagnostics/index.ts'

/** A generation as history lists it. */
export interface GenerationSummary {
  readonly generation: number
  /** Null where it cannot be read, as with the others. */
  readonly at: string | null
  readonly who: string | null
  /** Null: of a version that did not remember it. */
  readonly kind: RunKind | null
  /** Generations that a rollback was to undo. */
  readonly undoes?: readonly number[]
  readonly commit: string | null
  /** Which commit each file of the spec was of, where that is remembered. */
  readonly origins?: readonly SpecOrigin[]
  readonly outcome: 'applied' | 'in part' | 'failed' | 'cut off' | 'running' | 'damaged'
  readonly writes: number | null
  readonly qubes: readonly string[]
  /** Why it cannot be read. */
  readonly problem?: Problem
}

function summaryOf({ number, meta, plan, report, steps }: Generation, running: boolean): GenerationSummary {
  const outcome =
    report === null ? (running ? 'running' : 'cut off') : outcomeOf(reportExitCode({ plan, ...report }))
  return {
    generation: number,
    at: meta.at,
    who: meta.who,
    kind: meta.kind ?? null,
    ...(meta.undoes === undefined ? {} : { undoes: meta.undoes }),
    commit: plan.spec.commit,
    ...(plan.spec.origins === undefined ? {} : { origins: plan.spec.origins }),
    outcome,
    writes: steps.filter((step) => step.phase === 'after').length,
    qubes: [...new Set(steps.map((step) => step.qube))],
  }
}

const damagedSummary = (generation: number, problem: Problem): GenerationSummary => ({
  ...{ generation, at: null, who: null, kind: null, commit: null },
  ...{ outcome: 'damaged', writes: null, qubes: [], problem },
})

function outcomeOf(code: number): GenerationSummary['outcome'] {
  if (code === EXIT.done) return 'applied'
  return code === EXIT.partial ? 'in part' : 'failed'
}

/** The generations that this machine remembers for a host, the newest first. Asks the host nothing. */
export async function listGenerations(folder: string): Promise<readonly GenerationSummary[]> {
  const running = (await lockHolder(folder)) !== undefined
  const summaries: GenerationSummary[] = []
  for (const number of [...(await numbers(folder))].reverse()) {
    const generation = await readGeneration(folder, number)
    if (generation?.ok === false) summaries.push(damagedSummary(number, generation.problem))
    else if (generation !== undefined)
      summaries.push(summaryOf(generation.value, running && summaries.length === 0))
  }
  return summaries
}
