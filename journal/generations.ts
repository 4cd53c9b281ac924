import { existsSync } from 'node:fs'
import { type FileHandle, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Blocked, type Journal, type Plan, type Report } from '../reconciler/index.ts'
import { readProblem } from '../spec/diagnostics/index.ts'
import { makeFolder, readIfThere, syncFolder, writeDurably } from './files.ts'

/**
 * What each apply was to do, did, and left: `generations/000042/` with `plan.json` (written and flushed before the first
 * write to the host), `steps.jsonl` (a line before and after each write) and `report.json` (at the end). A generation
 * without a report was cut off.
 */
export interface Generation {
  readonly number: number
  readonly meta: GenerationMeta
  readonly plan: Plan
  /** Null: the run was killed. */
  readonly report: StoredReport | null
  readonly steps: readonly Step[]
}

/** What a generation is of: a command of a person's, the agent's own run, or a rollout's. */
export type RunKind = 'apply' | 'adopt' | 'release' | 'rollback' | 'agent' | 'rollout'

export interface GenerationMeta {
  /** Generations of earlier versions do not tell. */
  readonly kind?: RunKind
  /** Of a rollback: what it undoes, the newest first. */
  readonly undoes?: readonly number[]
  readonly who: string
  /** ISO 8601. */
  readonly at: string
  readonly pid: number
}

/** Why a run was interrupted is kept in words. */
type StoredReport = Pick<Report, 'qubes'> & { readonly interrupted: string | null }

interface Step {
  readonly qube: string
  readonly what: string
  readonly phase: 'before' | 'after'
}

const GENERATIONS = 'generations'
const KEEP_GENERATIONS = 200

/** A journal that makes a new generation when an apply begins. `onBegin` is told its number. */
export function generationJournal(
  folder: string,
  meta: GenerationMeta & { readonly kind: RunKind },
  onBegin?: (generation: number) => void,
): Journal {
  let own = ''
  let steps: FileHandle | undefined
  return {
    async begin(plan) {
      const all = join(folder, GENERATIONS)
      await makeFolder(all)
      const number = ((await numbers(folder)).at(-1) ?? 0) + 1
      own = join(all, nameOf(number))
      await makeFolder(own)
      await writeDurably(join(own, 'meta.json'), JSON.stringify(meta))
      await writeDurably(join(own, 'plan.json'), planInParts(plan))
      steps = await open(join(own, 'steps.jsonl'), 'a', 0o600)
      await syncFolder(own)
      await syncFolder(all)
      onBegin?.(number)
    },
    async write(qube, what, phase) {
      const step: Step = { qube, what, phase }
      if (steps === undefined) throw new Error('a step before the beginning')
      await steps.appendFile(`${JSON.stringify(step)}\n`)
      // Ahead of the write that it announces. That it was made is seen on the host anyway.
      if (phase === 'before') await steps.datasync()
    },
    async end(report) {
      await steps?.close()
      const { qubes, interrupted } = report
      const stored: StoredReport = { qubes, interrupted: interrupted?.message ?? null }
      await writeDurably(join(own, 'report.json'), JSON.stringify(stored))
      await prune(folder)
    },
  }
}

/** The plan as JSON, qube by qube: as one text, that of a thousand qubes would take more memory than all else. */
function* planInParts({ qubes, ...rest }: Plan): Iterable<string> {
  yield `${JSON.stringify(rest).slice(0, -1)},"qubes":[`
  for (const [index, qube] of qubes.entries()) yield `${index === 0 ? '' : ','}${JSON.stringify(qube)}`
  yield ']}'
}

/** Whether the run of a generation came to its end: told without reading what it did, which may be long. */
export function isFinished(folder: string, number: number): boolean {
  return existsSync(join(folder, GENERATIONS, nameOf(number), 'report.json'))
}

/** Whether everything that a generation was to do was done, told from its report alone. */
export async function isComplete(folder: string, number: number): Promise<boolean> {
  const text = await readIfThere(join(folder, GENERATIONS, nameOf(number), 'report.json'))
  if (text === undefined) return false
  try {
    const { qubes } = JSON.parse(text) as StoredReport
    return qubes.every((qube) => qube.outcomes.every((outcome) => outcome.status === 'applied'))
  } catch {
    return false
  }
}

/** Numbers of the generations there are, oldest first. */
export async function numbers(folder: string): Promise<readonly number[]> {
  const names = await readdir(join(folder, GENERATIONS)).catch(() => [] as string[])
  return names
    .filter((name) => /^[0-9]{6}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

/** A generation, or undefined where it is not there or was cut off before it was written. */
export async function readGeneration(folder: string, number: number): Promise<Generation | undefined> {
  const own = join(folder, GENERATIONS, nameOf(number))
  const plan = await readIfThere(join(own, 'plan.json'))
  const meta = await readIfThere(join(own, 'meta.json'))
  if (plan === undefined || meta === undefined) return undefined
  const report = await readIfThere(join(own, 'report.json'))
  const steps = await readIfThere(join(own, 'steps.jsonl'))
  try {
    return {
      number,
      meta: JSON.parse(meta) as GenerationMeta,
      plan: ofThisVersion(JSON.parse(plan) as Plan),
      report: report === undefined ? null : (JSON.parse(report) as StoredReport),
      steps: parseSteps(steps ?? ''),
    }
  } catch {
    // Each file is renamed into place whole: what does not parse was damaged since, and is as good as gone.
    return undefined
  }
}

/** Plans of earlier versions say `why` for a message, and have no code with it. */
function ofThisVersion(plan: Plan): Plan {
  const read = ({ path, ...told }: Blocked): Blocked => ({
    path,
    problem: readProblem(told),
  })
  const { orphansUnknown, untold } = plan
  return {
    ...plan,
    qubes: plan.qubes.map((qube) => ({
      ...qube,
      blocked: qube.blocked.map(read),
      ...(qube.held === undefined ? {} : { held: qube.held.map(read) }),
    })),
    ...(orphansUnknown === undefined ? {} : { orphansUnknown: readProblem(orphansUnknown) }),
    ...(untold === undefined
      ? {}
      : {
          untold: untold.map(({ what, ...told }) => ({
            what,
            problem: readProblem(told),
          })),
        }),
  }
}

/** The last line may have been cut off with the run. */
function parseSteps(text: string): readonly Step[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Step]
    } catch {
      return []
    }
  })
}

async function prune(folder: string): Promise<void> {
  const all = await numbers(folder)
  for (const number of all.slice(0, Math.max(0, all.length - KEEP_GENERATIONS))) {
    await rm(join(folder, GENERATIONS, nameOf(number)), { recursive: true, force: true })
  }
}

const nameOf = (number: number): string => String(number).padStart(6, '0')
