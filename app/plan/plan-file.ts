import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { planDocument } from '../../documents/host/index.ts'
import { readBytes, readFileDocument } from '../../documents/read/index.ts'
import { providers } from '../../providers/index.ts'
import { type Plan, planProblem } from '../../reconciler/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Tables } from '../host/index.ts'
import { writeOutputFile } from '../output-file.ts'

/**
 * Whether a file is meant as a plan: it says that it is one, whatever it is called; or it is JSON by name and no spec. What
 * is wrong with it is told when it is read.
 */
export function isPlanFile(path: string, cwd: string): boolean {
  const start = startOf(path, cwd)
  if (start === undefined) return false
  const isJsonSpec = /^\s*\{/.test(start) && start.includes('"apiVersion"')
  return SAYS_PLAN.test(start) || (path.endsWith('.json') && !isJsonSpec)
}

const SAYS_PLAN = /^\s*\{\s*"schema":\s*"qstate\.plan"/

/** The first characters of a file, or undefined where there is none. */
function startOf(path: string, cwd: string): string | undefined {
  const full = resolve(cwd, path)
  if (statSync(full, { throwIfNoEntry: false })?.isFile() !== true) return undefined
  const file = openSync(full, 'r')
  try {
    const start = Buffer.alloc(4096)
    return start.toString('latin1', 0, readSync(file, start))
  } finally {
    closeSync(file)
  }
}

/** Saves a plan, over an older one if need be, but over nothing else. */
export function writePlanFile(path: string, plan: Plan, cwd: string): void {
  const start = startOf(path, cwd)
  if (start !== undefined && start !== '' && !SAYS_PLAN.test(start)) {
    throw new QstateError(
      problem('not-a-plan', `${path} is there, and is no plan: not overwritten`, 'choose another name'),
    )
  }
  writeOutputFile({ path, cwd, text: `${JSON.stringify(plan, null, 2)}\n`, mode: 0o600 })
}

export interface SavedPlan {
  readonly plan: Plan
  /** Tables that it needs, from where they were when it was made. */
  readonly tables: Tables
}

/** Reads a saved plan, refusing whatever qstate would not have written. */
export async function readPlanFile(path: string, cwd: string): Promise<SavedPlan> {
  const read = await readFileDocument(planDocument, resolve(cwd, path), path)
  if (read === undefined) throw refused(path, 'there is no such file')
  if (!read.ok) throw new QstateError(read.problem)
  const plan = read.value
  const wrong = planProblem(plan, providers)
  if (wrong !== undefined) throw refused(path, wrong)
  return { plan, tables: (sha256) => tablesFrom([plan], sha256) }
}

/** A table that plans name, read from where it was, if it is still the same. */
export function tablesFrom(plans: readonly Plan[], sha256: string): Buffer | undefined {
  const file = plans.map((plan) => plan.tables?.[sha256]).find((path) => path !== undefined)
  const found = file === undefined ? undefined : readBytes(file)
  if (found === undefined || 'fault' in found) return undefined
  return createHash('sha256').update(found.bytes).digest('hex') === sha256 ? found.bytes : undefined
}

const refused = (path: string, why: string): QstateError =>
  new QstateError(
    problem(
      'bad-plan',
      `${path} is refused: ${why}`,
      'make a new plan with `qstate plan -o FILE`; nothing was touched',
    ),
  )
