import { fileReceipts, type Generation, numbers, readGeneration } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { makeRollbackPlan, type Plan, settingsProblem } from '../../reconciler/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { type ManagedHost, type Tables } from '../host/index.ts'
import { tablesFrom } from '../plan/index.ts'

/** Generations that a rollback undoes. */
export interface RollbackScope {
  /** The newest first. */
  readonly undone: readonly Generation[]
  /** The newest generation before them. */
  readonly before: number | null
}

/** The last generation, or everything since one, that one among it. Fails with `no-generation`. */
export async function rollbackScope(folder: string, generation: number | null): Promise<RollbackScope> {
  const all = await numbers(folder)
  const first = generation ?? all.at(-1)
  if (first === undefined) throw noGeneration('there is nothing to roll back', all)
  if (!all.includes(first)) throw noGeneration(`there is no generation ${first}`, all)
  const undone = await readSince(first, all, folder)
  if (undone.length === 0) throw noGeneration(`generation ${first} was never begun`, all)
  return { undone, before: all.filter((number) => number < first).at(-1) ?? null }
}

/**
 * The newest first, but for those that were cut off before their first write. Where one of them cannot be read, nothing is undone:
 * what it did stands between the others and the present values.
 */
async function readSince(
  first: number,
  all: readonly number[],
  folder: string,
): Promise<readonly Generation[]> {
  const found: Generation[] = []
  for (const number of all.filter((n) => n >= first).reverse()) {
    const generation = await readGeneration(folder, number)
    if (generation === undefined) continue
    if (!generation.ok) throw damagedGeneration(number, all, generation.problem.message)
    const wrong = settingsProblem(generation.value.plan)
    if (wrong !== undefined) throw damagedGeneration(number, all, wrong)
    found.push(generation.value)
  }
  return found
}

/** The plan that undoes them. A rollback is a generation, too. */
export function planRollback(
  { undone }: RollbackScope,
  { host, qubes, version, stateFolder }: ManagedHost,
  { now, warn }: Context,
): Promise<Plan> {
  return makeRollbackPlan(undone, {
    host,
    providers,
    qubes,
    version,
    now: now().toISOString(),
    receipts: fileReceipts(stateFolder, warn),
  })
}

/** Tables that the undone plans named, from where they were. */
export const tablesOfScope = ({ undone }: RollbackScope): Tables => {
  const plans = undone.map(({ plan }) => plan)
  return (sha256) => tablesFrom(plans, sha256)
}

function damagedGeneration(number: number, all: readonly number[], why: string): QstateError {
  const later = all.find((one) => one > number)
  const after = later === undefined ? '' : `, and \`qstate rollback ${later}\` undoes all after it`
  const hint = `what it did is changed with the spec and \`qstate apply\`${after}`
  return new QstateError(problem('damaged-generation', `generation ${number} cannot be undone: ${why}`, hint))
}

const noGeneration = (message: string, all: readonly number[]): QstateError => {
  const hint =
    all.length === 0 ? 'nothing has been applied from here yet' : '`qstate history` lists what there is'
  return new QstateError(problem('no-generation', message, hint))
}
