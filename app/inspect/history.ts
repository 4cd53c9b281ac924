import { type Generation, lockHolder, numbers, readGeneration, type RunKind } from '../../journal/index.ts'
import { reportExitCode } from '../../reconciler/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'

/** A generation as history lists it. */
export interface GenerationSummary {
  readonly generation: number
  readonly at: string
  readonly who: string
  /** Null: of a version that did not remember it. */
  readonly kind: RunKind | null
  /** Generations that a rollback was to undo. */
  readonly undoes?: readonly number[]
  readonly commit: string | null
  readonly outcome: 'applied' | 'in part' | 'failed' | 'cut off' | 'running'
  readonly writes: number
  readonly qubes: readonly string[]
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
    outcome,
    writes: steps.filter((step) => step.phase === 'after').length,
    qubes: [...new Set(steps.map((step) => step.qube))],
  }
}

function outcomeOf(code: number): GenerationSummary['outcome'] {
  if (code === EXIT.done) return 'applied'
  return code === EXIT.partial ? 'in part' : 'failed'
}

/** The generations that this machine remembers for a host, the newest first. Asks the host nothing. */
export async function listGenerations(folder: string): Promise<readonly GenerationSummary[]> {
  const all: Generation[] = []
  for (const number of [...(await numbers(folder))].reverse()) {
    const generation = await readGeneration(folder, number)
    if (generation !== undefined) all.push(generation)
  }
  const running = (await lockHolder(folder)) !== undefined
  return all.map((generation, index) => summaryOf(generation, running && index === 0))
}
