import { problem, QstateError } from '../spec/diagnostics/index.ts'
import { type Io } from './io.ts'

/** Options that every command has. */
export interface GlobalOptions {
  readonly config?: string[]
  readonly socket?: string
  readonly qrexecClient?: string
  /** A qube of another machine that has qrexec-client-vm, by ssh: hosts of a fleet are reached so. */
  readonly ssh?: string
  readonly dom0Root?: string
  readonly stateDir?: string
  readonly json?: boolean
  readonly color: boolean
  readonly verbose?: boolean
  readonly logFormat?: 'text' | 'json'
  readonly timeout: string
  readonly concurrency: string
  /** Told of each call and how it went, where a program wants to count them. */
  readonly onCall?: (call: string, outcome: string) => void
}

export function wholeNumber(text: string, option: string, min: number, max: number): number {
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : NaN
  if (value >= min && value <= max) return value
  throw new QstateError(
    problem(
      'bad-option',
      `${option} takes a whole number from ${min} to ${max}, not “${text}”`,
      'correct the option',
    ),
  )
}

/** Colour where it helps: on a terminal, unless someone said no (NO_COLOR, --no-color, TERM=dumb). */
export function wantsColor(options: Pick<GlobalOptions, 'color'>, io: Io, isTerminal: boolean): boolean {
  const noColor = io.env['NO_COLOR']
  if (!options.color || (noColor !== undefined && noColor !== '') || io.env['TERM'] === 'dumb') return false
  const forced = io.env['FORCE_COLOR']
  return isTerminal || (forced !== undefined && forced !== '' && forced !== '0')
}
