import { type GenerationSummary } from '../../app/inspect/index.ts'
import { layRow, padTo, plural, type Style, widthOf } from './style.ts'
import { shortCommit, showTime } from './value.ts'

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
      row.commit === null ? '-' : shortCommit(row.commit),
      color(row.outcome),
      row.writes === null ? '-' : plural(row.writes, 'write'),
      qubes === '' ? '-' : qubes,
      style.dim(row.who ?? row.problem?.message ?? ''),
    ]
  })
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))))
  return lines
    .map((cells) => cells.map((cell, column) => padTo(cell, widths?.[column] ?? 0)))
    .map((cells) => layRow(cells, style.width, ' '.repeat(6)))
    .join('\n')
}

/** `rollback 2-4` is one that undid generations 2 to 4. */
function kindOf({ kind, undoes = [] }: GenerationSummary): string {
  const [newest = 0, oldest = newest] = [undoes[0], undoes.at(-1)]
  if (undoes.length === 0) return kind ?? '-'
  return `${kind ?? ''} ${oldest === newest ? newest : `${oldest}-${newest}`}`
}
