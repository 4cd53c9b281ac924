import { readAgentFile, runHostAgent, type Say } from '../../app/agent/index.ts'
import { type Context } from '../../app/index.ts'
import { EXIT, formatDiagnostics } from '../../spec/diagnostics/index.ts'
import { agentLog } from '../agent-log.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { fromEnv, type GlobalOptions, targetOf } from '../options.ts'
import { turnLines } from '../views/turn-lines.ts'
import { ownVersion } from './version.ts'

export interface AgentFlags extends GlobalOptions {
  readonly file?: string
}

const DEFAULT_FILE = '/etc/qstate/agent.yaml'

export const agentFileOf = ({ file }: AgentFlags, io: Io): string =>
  file ?? fromEnv(io, 'QSTATE_AGENT_FILE') ?? DEFAULT_FILE

/** Keeps the host as the repository says, until it is stopped. */
export async function agent(options: AgentFlags, io: Io): Promise<number> {
  // A hang-up that nobody listens to ends the process. One that comes before the loop asks for what it does first anyway.
  let nudge = (): void => undefined
  io.onHangup(() => {
    nudge()
  })
  // Its own log has the calls.
  const context = await commandContext({ ...options, verbose: false }, io)
  const config = readAgentFile(agentFileOf(options, io), context)
  const say = await agentLog(options, io)
  io.onStop((name) => {
    say('info', `${name}: ends when the call under way is done; once more ends it at once`)
  })
  await runHostAgent(config, targetOf(options, io), loggedContext(context, say), {
    version: ownVersion(),
    say,
    onTurn: (turn) => {
      for (const { level, text, about } of turnLines(turn)) say(level, text, about)
    },
    onHangup: (listener) => {
      nudge = listener
    },
  })
  return EXIT.done
}

/** What a command writes to stderr is in the log of the agent: once, since a plan is made at every event. */
function loggedContext(context: Context, say: Say): Context {
  const said = new Set<string>()
  return {
    ...context,
    progress: () => undefined,
    warn: ({ message, hint }) => {
      if (said.has(message)) return
      said.add(message)
      say('warn', message, { hint })
    },
    report: (diagnostics, files) => {
      if (diagnostics.length === 0) return
      say('warn', formatDiagnostics(diagnostics, files, { color: false, width: LOG_WIDTH }).trimEnd())
    },
  }
}

const LOG_WIDTH = 100
