import { escapeForTerminal } from '../spec/diagnostics/index.ts'

/** The world of a command, handed to it: nothing in cli/ but bin.ts touches `process`. */
export interface Io {
  /** The answer. */
  readonly out: (text: string) => void
  /** The talk: questions, progress, warnings, errors. */
  readonly err: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** stdout is a terminal; colours and layout follow it. */
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  /** Someone can answer a question. */
  readonly inIsTerminal: boolean
  readonly columns: number
  /** What starts this program again, with absolute paths. */
  readonly program: readonly string[]
  readonly hostname: string
  readonly username: string
  /** All of stdin; what is longer is cut off behind its limit. */
  readIn(maxBytes: number): Promise<Buffer>
  /** Asks on the terminal; the answer without its newline, or null at end of input. */
  ask(question: string): Promise<string | null>
  now(): Date
  pause(ms: number): Promise<void>
  /** Aborts at SIGINT or SIGTERM; `reason` is the signal's name. */
  readonly signal: AbortSignal
  /** Calls the listener at every SIGHUP, which ends the process where nobody listens. */
  onHangup(listener: () => void): void
  /** Has the listener tell that a signal has come, which stderr is told of otherwise: for who has a log there. */
  onStop(listener: (signal: string) => void): void
}

/**
 * The one door for all output: whatever text of somebody else's has come this far unescaped, nothing but colours reaches the
 * terminal. Texts are escaped where they are read as well, since here no line break can be told from one of ours.
 */
export const withEscapedOutput = (io: Io): Io => ({
  ...io,
  out: (text) => {
    io.out(escaped(text))
  },
  err: (text) => {
    io.err(escaped(text))
  },
  ask: (question) => io.ask(escaped(question)),
})

const escaped = (text: string): string =>
  text.replace(UNUSUAL, (found) => (found.length > 2 ? found : escapeForTerminal(found)))

/** A colour as a whole, or one character. */
const UNUSUAL = /\x1b\[[0-9;]*m|[^\x20-\x7e\n\t]/gu
