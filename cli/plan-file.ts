import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { EXIT, type Plan, readPlan } from '../reconciler/index.ts'
import { type Io, UserError } from './io.ts'
import { type Tables } from './session.ts'

const MAX_BYTES = 64 * 1024 * 1024

/** A plan is JSON, a spec is YAML: the name tells. */
export function isPlanFile(path: string, io: Io): boolean {
  return (
    path.endsWith('.json') && statSync(resolve(io.cwd, path), { throwIfNoEntry: false })?.isFile() === true
  )
}

/** Reads a saved plan, refusing whatever qstate would not have written; with the tables that it needs. */
export function readPlanFile(path: string, io: Io): { readonly plan: Plan; readonly tables: Tables } {
  const full = resolve(io.cwd, path)
  if (statSync(full).size > MAX_BYTES) throw refused(path, 'it is larger than 64 MiB')
  const read = readPlan(readFileSync(full, 'utf8'))
  if ('problem' in read) throw refused(path, read.problem)
  const { plan } = read
  return {
    plan,
    tables: (sha256) => tablesFrom([plan], sha256),
  }
}

/** A table that plans name, read from where it was, if it is still the same. */
export function tablesFrom(plans: readonly Plan[], sha256: string): Buffer | undefined {
  const file = plans.map((plan) => plan.tables?.[sha256]).find((path) => path !== undefined)
  if (file === undefined || !statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined
  const bytes = readFileSync(file)
  return createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes : undefined
}

const refused = (path: string, why: string): UserError =>
  new UserError(
    EXIT.error,
    'bad-plan',
    `${path} is refused: ${why}`,
    'make a new plan with `qstate plan -o FILE`; nothing was touched',
  )
