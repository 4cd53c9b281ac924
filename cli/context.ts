import { type Context } from '../app/index.ts'
import { formatDiagnostics, type Problem } from '../spec/diagnostics/index.ts'
import { type Io } from './io.ts'
import { callLog } from './log.ts'
import { type GlobalOptions, wantsColor } from './options.ts'
import { progressLines } from './progress.ts'
import { fold } from './views/style.ts'

/** The context of a command: warnings, diagnostics, progress and calls go to stderr. */
export async function commandContext(options: GlobalOptions, io: Io): Promise<Context> {
  const onCall = await callLog(options, io)
  return {
    signal: io.signal,
    now: () => io.now(),
    pause: (ms) => io.pause(ms),
    progress: progressLines(options, io),
    warn: (problem) => {
      io.err(warningText(problem, io.columns))
    },
    report: (diagnostics, files) => {
      if (diagnostics.length === 0) return
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
