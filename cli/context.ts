import { type Context } from '../app/index.ts'
import {
  type Diagnostic,
  formatDiagnostics,
  type Problem,
  sortDiagnostics,
} from '../spec/diagnostics/index.ts'
import { type Io } from './io.ts'
import { callLog } from './log.ts'
import { type GlobalOptions, wantsColor } from './options.ts'
import { progressLines } from './progress.ts'
import { fold } from './views/style.ts'

export interface CommandContext extends Context {
  /** Warnings of a spec, so far: with --json they are part of the answer, and not on stderr. */
  readonly diagnostics: readonly Diagnostic[]
  /** What was warned of, so far: with --json it is part of the answer as well. */
  readonly warnings: readonly Problem[]
}

/** The context of a command: warnings, diagnostics, progress and calls go to stderr. */
export async function commandContext(options: GlobalOptions, io: Io): Promise<CommandContext> {
  const onCall = await callLog(options, io)
  const found: Diagnostic[] = []
  const warnings: Problem[] = []
  return {
    diagnostics: found,
    warnings,
    signal: io.signal,
    now: () => io.now(),
    pause: (ms) => io.pause(ms),
    progress: progressLines(options, io),
    warn: (problem) => {
      warnings.push(problem)
      io.err(warningText(problem, io.columns))
    },
    report: (diagnostics, files) => {
      if (diagnostics.length === 0) return
      if (options.json === true) {
        // Errors end the command, and are told with what ends it.
        if (diagnostics.every(({ severity }) => severity === 'warning')) found.push(...diagnostics)
        return
      }
      const color = wantsColor(options, io, io.errIsTerminal)
      io.err(`${formatDiagnostics(diagnostics, files, { color, width: io.columns }).trimEnd()}\n\n`)
    },
    ...(onCall === undefined ? {} : { onCall }),
    actor: actorOf(io),
    machine: io.hostname,
    cwd: io.cwd,
  }
}

const actorOf = ({ username, hostname }: Pick<Io, 'username' | 'hostname'>): string =>
  `${username}@${hostname}`

const warningText = ({ message, hint }: Problem, width: number): string =>
  `${fold(`warning: ${message}`, width, '')}\n${hint === '' ? '' : `${fold(hint, width, '  ')}\n`}`

type Advice = Partial<Pick<CommandContext, 'diagnostics' | 'warnings'>>

/** What an answer as JSON says besides, of the spec and of the run, where there is anything to say. */
export const withAdvice = <T extends object>(
  answer: T,
  { diagnostics, warnings }: CommandContext,
): T & Advice => ({
  ...answer,
  ...(diagnostics.length === 0 ? {} : { diagnostics: sortDiagnostics(diagnostics) }),
  ...(warnings.length === 0 ? {} : { warnings }),
})
