import { closeSync, existsSync, fdatasync, writeFileSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  generationDocument,
  type GenerationMeta,
  planDocument,
  reportDocument,
  type Step,
  stepDocument,
  type StoredReport,
} from '../documents/host/index.ts'
import {
  damagedDocument,
  type Document,
  documentText,
  readBounded,
  readDocument,
  readFileDocument,
} from '../documents/read/index.ts'
import { type Journal, type Plan } from '../reconciler/index.ts'
import { type Result } from '../spec/diagnostics/index.ts'
import { flushed, makeFolder, createFile, syncFolder, writeDurably } from './files.ts'

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
export type RunKind = NonNullable<GenerationMeta['kind']>

/** The journal of one run. */
export interface RunJournal extends Journal {
  /** Null: it has not begun, or nothing was written, and none is left. */
  generation(): number | null
}

const GENERATIONS = 'generations'
const KEEP_GENERATIONS = 200

const MAX_STEPS_BYTES = 64 * 1024 * 1024

/**
 * A journal that makes a new generation when an apply begins, and takes it back where not one write was sent. `begun` is told of it
 * ahead of any; where that fails, none is left.
 */
export function generationJournal(
  folder: string,
  meta: GenerationMeta & { readonly kind: RunKind },
  begun: (generation: number) => Promise<void> = () => Promise.resolve(),
): RunJournal {
  let number: number | null = null
  let own = ''
  let steps: number | undefined
  const begunQubes = new Set<string>()
  return {
    generation: () => number,
    async begin(plan) {
      const all = join(folder, GENERATIONS)
      await makeFolder(all)
      const next = ((await numbers(folder)).at(-1) ?? 0) + 1
      own = join(all, nameOf(next))
      await makeFolder(own)
      await writeDurably(join(own, META), documentText(generationDocument, meta))
      await writeDurably(join(own, PLAN), planInParts(plan))
      const file = createFile(join(own, STEPS))
      await syncFolder(own)
      await syncFolder(all)
      try {
        await begun(next)
      } catch (error) {
        closeSync(file)
        await drop(own)
        throw error
      }
      steps = file
      number = next
    },
    async write(qube, what, phase) {
      const step: Step = { qube, what, phase }
      if (steps === undefined) throw new Error('a step before the beginning')
      writeFileSync(steps, `${JSON.stringify(step)}\n`)
      if (begunQubes.has(qube)) return
      begunQubes.add(qube)
      await flushed(steps, fdatasync)
    },
    async end(report) {
      if (steps !== undefined) closeSync(steps)
      const { qubes, interrupted } = report
      if (qubes.every(({ touched }) => !touched)) {
        number = null
        await drop(own)
        return
      }
      const stored: StoredReport = { qubes, interrupted: interrupted?.message ?? null }
      await writeDurably(join(own, REPORT), documentText(reportDocument, stored))
      await dropOldest(folder)
    },
  }
}

const [META, PLAN, STEPS, REPORT] = ['meta.json', 'plan.json', 'steps.jsonl', 'report.json']

/** At once: half of a generation is a damaged one. */
async function drop(own: string): Promise<void> {
  await rename(own, `${own}.dropped`)
  await rm(`${own}.dropped`, { recursive: true, force: true })
}

/** The plan as JSON, qube by qube: as one text, that of a thousand qubes would take more memory than all else. */
function* planInParts({ qubes, ...rest }: Plan): Iterable<string> {
  yield `${JSON.stringify(rest).slice(0, -1)},"qubes":[`
  for (const [index, qube] of qubes.entries()) yield `${index === 0 ? '' : ','}${JSON.stringify(qube)}`
  yield ']}'
}

/** Whether the run of a generation came to its end: told without reading what it did, which may be long. */
export function isFinished(folder: string, number: number): boolean {
  return existsSync(join(folder, GENERATIONS, nameOf(number), REPORT))
}

/** Numbers of the generations there are, oldest first. */
export async function numbers(folder: string): Promise<readonly number[]> {
  const names = await readdir(join(folder, GENERATIONS)).catch(() => [] as string[])
  return names
    .filter((name) => /^[0-9]{6}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

/** A generation; or why it cannot be read; or undefined where it is not there, or was cut off before its first write. */
export async function readGeneration(
  folder: string,
  number: number,
): Promise<Result<Generation> | undefined> {
  const own = join(folder, GENERATIONS, nameOf(number))
  const [meta, plan, report, steps] = await Promise.all([
    readPart(generationDocument, join(own, META)),
    readPart(planDocument, join(own, PLAN)),
    readPart(reportDocument, join(own, REPORT)),
    readBounded(join(own, STEPS), MAX_STEPS_BYTES),
  ])
  const damage = [meta, plan, report].find((part) => part?.ok === false)
  if (damage?.ok === false) return damage
  if (plan?.ok !== true || meta?.ok !== true) {
    // Steps are begun last: what was to be written before them was there.
    if (steps === undefined) return undefined
    return damagedDocument(generationDocument, own, `${plan === undefined ? PLAN : META} is missing`)
  }
  return {
    ok: true,
    value: {
      number,
      meta: meta.value,
      plan: plan.value,
      report: report?.ok === true ? report.value : null,
      steps: steps !== undefined && 'text' in steps ? parseSteps(steps.text) : [],
    },
  }
}

/** What the system refuses to read of one is no reason to tell nothing of the others. */
async function readPart<T>(document: Document<T>, path: string): Promise<Result<T> | undefined> {
  try {
    return await readFileDocument({ ...document, hint: generationDocument.hint }, path)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    return damagedDocument(document, path, error.message)
  }
}

/** Nothing is decided by them. The last line may have been cut off with the run. */
function parseSteps(text: string): readonly Step[] {
  return text.split('\n').flatMap((line) => {
    const step = readDocument(stepDocument, line, STEPS)
    return step.ok ? [step.value] : []
  })
}

async function dropOldest(folder: string): Promise<void> {
  const all = await numbers(folder)
  for (const number of all.slice(0, Math.max(0, all.length - KEEP_GENERATIONS)))
    await drop(join(folder, GENERATIONS, nameOf(number)))
}

const nameOf = (number: number): string => String(number).padStart(6, '0')
