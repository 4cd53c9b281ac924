import { escapeForTerminal } from '../../spec/diagnostics/index.ts'

/** A text, and what it is called in the two lines that a difference opens with. */
export interface NamedText {
  readonly name: string
  readonly text: string
}

/** Lines around a change that are shown with it. */
const CONTEXT = 3

/**
 * A unified difference, line by line; none where the texts are equal. For texts of a few hundred lines, of which one is
 * short: the table has a cell for each pair of lines. What could move a terminal's cursor is escaped.
 */
export function textDiff(from: NamedText, to: NamedText): readonly string[] {
  if (from.text === to.text) return []
  const steps = stepsOf(linesOf(from.text), linesOf(to.text))
  const shown = steps.map((_, at) =>
    steps.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ sign }) => sign !== ' '),
  )
  const lines = [`--- ${escapeForTerminal(from.name)}`, `+++ ${escapeForTerminal(to.name)}`]
  for (let at = 0; at < steps.length; at += 1) {
    if (shown[at] !== true) continue
    const end = shown.indexOf(false, at)
    const hunk = steps.slice(at, end === -1 ? steps.length : end)
    lines.push(
      heading(steps.slice(0, at), hunk),
      ...hunk.map(({ sign, line }) => sign + escapeForTerminal(line)),
    )
    at += hunk.length
  }
  return lines
}

interface Step {
  /** In both, in the first only, in the second only. */
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

/** What leads from one list of lines to another with the most lines kept. */
function stepsOf(from: readonly string[], to: readonly string[]): readonly Step[] {
  // The longest common part of what is left from line i and line j on.
  const width = to.length + 1
  const common = new Uint32Array((from.length + 1) * width)
  const kept = (i: number, j: number): number => common[i * width + j] ?? 0
  for (let i = from.length - 1; i >= 0; i -= 1) {
    for (let j = to.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        from[i] === to[j] ? kept(i + 1, j + 1) + 1 : Math.max(kept(i + 1, j), kept(i, j + 1))
    }
  }
  const steps: Step[] = []
  let [i, j] = [0, 0]
  while (i < from.length || j < to.length) {
    const [mine = '', theirs = ''] = [from[i], to[j]]
    if (i < from.length && j < to.length && mine === theirs) {
      steps.push({ sign: ' ', line: mine })
      i += 1
      j += 1
    } else if (i < from.length && (j === to.length || kept(i + 1, j) >= kept(i, j + 1))) {
      steps.push({ sign: '-', line: mine })
      i += 1
    } else {
      steps.push({ sign: '+', line: theirs })
      j += 1
    }
  }
  return steps
}

function heading(before: readonly Step[], hunk: readonly Step[]): string {
  const range = (other: Step['sign']): string => {
    const count = (steps: readonly Step[]): number => steps.filter(({ sign }) => sign !== other).length
    const [start, length] = [count(before), count(hunk)]
    return `${length === 0 ? start : start + 1},${length}`
  }
  return `@@ -${range('+')} +${range('-')} @@`
}

/** A last line without its newline differs from one that has it, and is marked. */
function linesOf(text: string): readonly string[] {
  if (text === '') return []
  const lines = text.split('\n')
  const last = lines.pop() ?? ''
  return last === '' ? lines : [...lines, `${last} (no newline at the end)`]
}
