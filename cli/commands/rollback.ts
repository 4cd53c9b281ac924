import { tablesFrom } from '../../app/apply/index.ts'
import { connect, stateFolder } from '../../app/host/index.ts'
import { type Generation, numbers, readGeneration } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { makeRollbackPlan, planIsEmpty } from '../../reconciler/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { wholeNumber } from '../options.ts'
import { showTime } from '../views/value.ts'
import { type ApplyOptions, confirmAndApply, locked } from './apply.ts'

/** Undoes the last generation, or everything since one, that one among it. A rollback is a generation, too. */
export async function rollback(
  generation: string | undefined,
  options: ApplyOptions,
  io: Io,
): Promise<number> {
  let undone: readonly Generation[] = []
  const connection = await connect(options, io, (sha256) =>
    tablesFrom(
      undone.map(({ plan }) => plan),
      sha256,
    ),
  )
  const folder = stateFolder(options, io, connection)
  return locked(connection, options, io, async (session) => {
    const all = await numbers(folder)
    const first =
      generation === undefined ? all.at(-1) : wholeNumber(generation, 'the generation', 1, 999_999)
    if (first === undefined) throw noGeneration('there is nothing to roll back', all)
    if (!all.includes(first)) throw noGeneration(`there is no generation ${first}`, all)
    undone = await readSince(first, all, folder)
    if (undone.length === 0) throw noGeneration(`generation ${first} was never begun, or is damaged`, all)
    const undoes = undone.map(({ number }) => number)
    const plan = await makeRollbackPlan(undone, {
      host: session.host,
      providers,
      qubes: session.qubes,
      version: session.version,
      now: io.now().toISOString(),
    })
    if (options.json !== true) io.out(`Undoing ${undoneText(undone)}.\n\n`)
    const code = await confirmAndApply(plan, session, options, io, { kind: 'rollback', undoes })
    if (options.json !== true && planIsEmpty(plan)) io.out(nothingLeft(all.filter((n) => n < first).at(-1)))
    return code
  })
}

/** The newest first. What cannot be read was cut off before its first write. */
async function readSince(
  first: number,
  all: readonly number[],
  folder: string,
): Promise<readonly Generation[]> {
  const found: Generation[] = []
  for (const number of all.filter((n) => n >= first).reverse()) {
    const generation = await readGeneration(folder, number)
    if (generation !== undefined) found.push(generation)
  }
  return found
}

function undoneText(undone: readonly Generation[]): string {
  const [newest, oldest] = [undone[0], undone.at(-1)]
  if (newest === undefined || oldest === undefined) return 'nothing'
  if (newest !== oldest) return `generations ${oldest.number} to ${newest.number}`
  const { number, meta } = newest
  const kind = meta.kind === undefined ? '' : `${meta.kind} `
  return `generation ${number} (${kind}by ${meta.who}, ${showTime(meta.at)})`
}

/** A rollback never goes further back than it is told to. */
function nothingLeft(before: number | undefined): string {
  const further =
    before === undefined ? '' : ` \`qstate rollback ${before}\` undoes generation ${before} as well.`
  return `Nothing more of it can be undone.${further}\n`
}

const noGeneration = (message: string, all: readonly number[]): QstateError =>
  new QstateError(
    problem(
      'no-generation',
      message,
      all.length === 0 ? 'nothing has been applied from here yet' : '`qstate history` lists what there is',
    ),
  )
