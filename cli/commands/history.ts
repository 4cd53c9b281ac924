import { makeClient, stateFolder } from '../../app/host/index.ts'
import { type Generation, lockHolder, numbers, readGeneration, type RunKind } from '../../journal/index.ts'
import { reportExitCode } from '../../reconciler/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { layRow, makeStyle, padTo, plural, type Style, widthOf } from '../views/style.ts'
import { shortCommit, showTime } from '../views/value.ts'

/** The applies that this machine remembers for the host, the newest first. Asks the host nothing. */
export async function history(options: GlobalOptions, io: Io): Promise<number> {
  const folder = stateFolder(options, io, { client: await makeClient(options, io) })
  const all: Generation[] = []
  for (const number of [...(await numbers(folder))].reverse()) {
    const generation = await readGeneration(folder, number)
    if (generation !== undefined) all.push(generation)
  }
  const running = (await lockHolder(folder)) !== undefined
  const summaries = all.map((generation, index) => summaryOf(generation, running && index === 0))
  if (options.json === true) {
    io.out(`${JSON.stringify(summaries, null, 2)}\n`)
  } else if (all.length === 0) {
    io.out('Nothing has been applied from here yet.\n')
  } else {
    const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
    io.out(`${table(summaries, style)}\n`)
  }
  return EXIT.done
}

interface Summary {
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

function summaryOf({ number, meta, plan, report, steps }: Generation, running: boolean): Summary {
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

function outcomeOf(code: number): Summary['outcome'] {
  if (code === EXIT.done) return 'applied'
  return code === EXIT.partial ? 'in part' : 'failed'
}

function table(rows: readonly Summary[], style: Style): string {
  const lines = rows.map((row) => {
    const color = row.outcome === 'applied' ? style.green : style.red
    const qubes = row.qubes.length > 3 ? `${row.qubes.slice(0, 3).join(', ')} …` : row.qubes.join(', ')
    return [
      String(row.generation).padStart(4),
      showTime(row.at),
      kindOf(row),
      row.commit === null ? '-' : shortCommit(row.commit),
      color(row.outcome),
      plural(row.writes, 'write'),
      qubes === '' ? '-' : qubes,
      style.dim(row.who),
    ]
  })
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))))
  return lines
    .map((cells) => cells.map((cell, column) => padTo(cell, widths?.[column] ?? 0)))
    .map((cells) => layRow(cells, style.width, ' '.repeat(6)))
    .join('\n')
}

/** `rollback 2-4` is one that undid generations 2 to 4. */
function kindOf({ kind, undoes = [] }: Summary): string {
  const [newest = 0, oldest = newest] = [undoes[0], undoes.at(-1)]
  if (undoes.length === 0) return kind ?? '-'
  return `${kind ?? ''} ${oldest === newest ? newest : `${oldest}-${newest}`}`
}
