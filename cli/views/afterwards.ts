import { type AttachReport, type RestartRequest } from '../../app/apply/index.ts'
import { type RestartReport } from '../../reconciler/index.ts'
import { escapeForTerminal } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { fold, type Style } from './style.ts'
import { showPath } from './value.ts'

/** Asks at a terminal before a qube is restarted. */
export const restartQuestion =
  (io: Io) =>
  async ({ qube, waiting, attachedByHand, harm }: RestartRequest): Promise<boolean> => {
    const lost =
      attachedByHand === null
        ? 'Which devices were attached to it by hand is not known: they are not attached again.\n'
        : attachedByHand.length > 0
          ? `Attached by hand, and not attached again: ${attachedByHand.join(', ')}.\n`
          : ''
    const harms = [...(harm.needsPerson ?? []), ...(harm.unknown ?? [])]
    const told = harms.map(({ message }) => `${escapeForTerminal(message)}.\n`).join('')
    const what = waiting.map(showPath).join(', ')
    const takes = waiting.length === 1 ? 'takes' : 'take'
    const answer = await io.ask(`\n${lost}${told}Restart ${qube}, so that ${what} ${takes} effect? [y/N] `)
    return answer !== null && /^y(?:es)?$/i.test(answer.trim())
  }

export function restartLines(reports: readonly RestartReport[], style: Style): string {
  return reports
    .map(({ qube, status, error, detached = [], killed = false }) => {
      const sign = status === 'restarted' ? style.green('✓') : style.red('✗')
      const lines = [`${sign} ${style.bold(qube)}  ${status}`]
      if (killed) lines.push(style.yellow('    was killed, since it had not shut down in time'))
      if (detached.length > 0) {
        const text = `was attached by hand, and is not attached again: ${detached.join(', ')}`
        lines.push(style.yellow(fold(text, style.width, '    ')))
      }
      if (error !== null) {
        lines.push(
          style.red(fold(error.message, style.width, '    ')),
          style.dim(fold(error.hint, style.width, '      ')),
        )
      }
      return `${lines.join('\n')}\n`
    })
    .join('')
}

export function attachLines(reports: readonly AttachReport[], style: Style): string {
  return reports
    .map(({ qube, path, status, problem }) => {
      const sign =
        status === 'failed' ? style.red('✗') : status === 'left' ? style.dim('·') : style.green('✓')
      const what = `${style.bold(qube)}  ${showPath(path)} ${status === 'left' && problem !== null ? escapeForTerminal(problem.message) : status}`
      const message =
        status === 'failed' && problem !== null ? [style.red(fold(problem.message, style.width, '    '))] : []
      const hint =
        problem === null || problem.hint === '' ? [] : [style.dim(fold(problem.hint, style.width, '      '))]
      return [fold(`${sign} ${what}`, style.width, ''), ...message, ...hint]
        .map(
          (line) => `${line}
`,
        )
        .join('')
    })
    .join('')
}
