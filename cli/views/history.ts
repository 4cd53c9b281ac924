import { type GenerationSummary } from '../../app/inspect/index.ts'
import { escapeForTerminal } from '../../spec/diagnostics/index.ts'
import { fold, layRow, padTo, plural, type Style, widthOf } from './style.ts'
import { shortCommit, showCommits, showTime } from './value.ts'

/** A line for each generation. */
export function historyView(rows: readonly GenerationSummary[], style: Style): string {
  return rows.length === 0 ? 'Nothing has been applied from here yet.\n' : `${table(rows, style)}\n`
}

function table(rows: readonly GenerationSummary[], style: Style): string {
  const lines = rows.map((row) => {
    const color = row.outcome === 'applied' ? style.green : style.red
    const qubes = row.qubes.length > 3 ? `${row.qubes.slice(0, 3).join(', ')} …` : row.qubes.join(', ')
    return [
      String(row.generation).padStart(4),
      row.at === null ? '-' : showTime(row.at),
      kindOf(row),
      showCommits(row) || '-',
      color(row.outcome),
      row.writes === null ? '-' : plural(row.writes, 'write'),
      qubes === '' ? '-' : qubes,
      style.dim(row.who ?? row.problem?.message ?? ''),
    ]
  })
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))))
  return lines
    .map((cells) => cells.map((cell, column) => padTo(cell, widths?.[column] ?? 0)))
    .map((cells, index) =>
      [layRow(cells, style.width, INDENT), ...originLines(rows[index], style)].join('\n'),
    )
    .join('\n')
}

const INDENT = ' '.repeat(6)

/** Where no one commit had all files of the spec, which had which. */
function originLines(row: GenerationSummary | undefined, style: Style): readonly string[] {
  const origins = row?.origins ?? []
  if (origins.length < 2) return []
  return origins.map(({ repository, commit, files }) => {
    const where = repository === null ? 'in no repository' : escapeForTerminal(repository)
    const names = files.map((path) => escapeForTerminal(path)).join(', ')
    const of = commit === null ? '' : ` ${shortCommit(commit)}`
    return style.dim(fold(`${where}${of}: ${names}`, style.width, INDENT))
  })
}

/** `rollback 2-4` is one that undid generations 2 to 4. */
function kindOf({ kind, undoes = [] }: GenerationSummary): string {
  const [newest = 0, oldest = newest] = [undoes[0], undoes.at(-1)]
  if (undoes.length === 0) return kind ?? '-'
  return `${kind ?? ''} ${oldest === newest ? newest : `${oldest}-${newest}`}`
}
