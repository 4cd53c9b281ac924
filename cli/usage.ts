import { type CommanderError, type Help } from 'commander'
import { problem, type Problem } from '../spec/diagnostics/index.ts'
import { fold, padTo } from './views/style.ts'

/** What is wrong with a command line, and what to write instead. */
export function usageProblem({ code, message }: CommanderError): Problem {
  const [first = '', suggestion] = message.replace(/^error: /, '').split('\n')
  const what = code === 'commander.help' ? 'no command is named' : first
  const word = /^unknown (?:command|option) '(.*)'$/.exec(first)?.[1] ?? ''
  return problem('usage', what, ELSEWHERE.get(word) ?? nearestHint(suggestion))
}

const nearestHint = (suggestion = ''): string => {
  const near = /^\(Did you mean (.*)\?\)$/.exec(suggestion)?.[1]
  return near === undefined
    ? '`qstate --help` tells more'
    : `did you mean ${near}? \`qstate --help\` tells more`
}

const PLAN = '`qstate plan` shows what an apply would do, and changes nothing'
const REMOVE =
  '`qstate withdraw` gives back what qstate has set; `ensure: absent` under a qube of the spec has an apply remove that qube'
const YES = '`--yes` applies without a question'
const STATUS = '`qstate status` has a line for each qube, `qstate show` its settings'

/** What other tools call it. The nearest word by its letters would be another thing here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...['--dry-run', '--check', '--noop', '--diff', 'diff', 'preview'].map((word) => [word, PLAN] as const),
  ...['destroy', 'delete', 'remove', 'down', 'purge', '--destroy', '--prune'].map(
    (word) => [word, REMOVE] as const,
  ),
  ...['--auto-approve', '--force', '--non-interactive'].map((word) => [word, YES] as const),
  ...['list', 'ls', 'get', 'state'].map((word) => [word, STATUS] as const),
  ...['up', 'sync', 'deploy', 'run'].map(
    (word) => [word, '`qstate apply` brings the host to what the spec says'] as const,
  ),
  ...['lint', 'check'].map((word) => [word, '`qstate validate` checks a spec without a host'] as const),
  ['refresh', '`qstate drift` shows what was changed on the host'],
  ['undo', '`qstate rollback` undoes the last apply'],
])

/** Below this, a second column is a stack of single words. */
const NARROWEST = 30

/** A word of the help and what it is for: side by side, or below each other where a terminal is narrow. */
export function helpItem(term: string, termWidth: number, about: string, { helpWidth }: Help): string {
  const width = helpWidth ?? 80
  const left = `  ${padTo(term, termWidth)}  `
  if (about === '') return `  ${term}`
  if (width - left.length < NARROWEST) return `  ${term}\n${fold(about, width, '      ')}`
  return left + fold(about, width, ' '.repeat(left.length)).trimStart()
}
