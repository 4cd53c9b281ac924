import {
  acceptCommit,
  acceptWithdrawal,
  missingFiles,
  readAgentFile,
  resumeAgent,
  suspendAgent,
} from '../../app/agent/index.ts'
import { EXIT, problem } from '../../spec/diagnostics/index.ts'
import { commandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, spanMs, targetOf } from '../options.ts'
import { acceptedText, configLine, laggingText, suspendedLine } from '../views/agent-orders.ts'
import { fold, plural } from '../views/style.ts'
import { agentFileOf, type AgentFlags } from './agent.ts'
import { signalExit } from './run.ts'
import { jsonText } from '../json.ts'

/** Sentences in the width of the terminal. */
const told = (text: string, { columns }: Io): string => fold(text, columns, '')

/** Says whether the configuration file of an agent is right. */
export async function checkAgentFile(options: AgentFlags, io: Io): Promise<number> {
  const path = agentFileOf(options, io)
  const context = await commandContext(options, io)
  const config = readAgentFile(path, context)
  for (const file of missingFiles(config))
    context.warn(problem('no-such-file', `${file} is not there`, 'put it there before the agent is started'))
  io.out(options.json === true ? jsonText(withAdvice(config, context)) : told(configLine(path, config), io))
  return EXIT.done
}

export interface SuspendFlags extends GlobalOptions {
  readonly for?: string
  readonly why?: string
}

/** Has the agent write nothing until it is resumed, or for a while. It goes on looking. */
export async function suspend(options: SuspendFlags, io: Io): Promise<number> {
  const forMs = options.for === undefined ? null : spanMs(options.for, '--for')
  const order = { forMs, why: options.why ?? '' }
  const context = await commandContext(options, io)
  const { suspension, isStill } = await suspendAgent(targetOf(options, io), order, context)
  if (options.json === true) io.out(jsonText({ suspended: suspension }))
  if (!isStill) {
    io.err(told('The order is written, and holds; the apply that is under way may still write.\n', io))
    return signalExit(io)
  }
  if (options.json !== true) io.out(told(suspendedLine(suspension), io))
  return EXIT.done
}

export async function resume(options: GlobalOptions, io: Io): Promise<number> {
  const wasSuspended = await resumeAgent(targetOf(options, io), await commandContext(options, io))
  if (options.json === true) io.out(jsonText({ suspended: null }))
  else io.out(wasSuspended ? 'Resumed.\n' : 'It was not suspended.\n')
  return EXIT.done
}

interface AcceptFlags extends GlobalOptions {
  readonly withdraw?: string
}

async function acceptHeld(commit: string, digest: string, options: GlobalOptions, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const count = await acceptWithdrawal(commit, digest, targetOf(options, io), context)
  if (options.json === true) io.out(jsonText({ accepted: commit, withdrawals: count }))
  else {
    const text = `Agreed: the agent withdraws ${plural(count, 'value')}. \`qstate status\` shows the result.\n`
    io.out(told(text, io))
  }
  return EXIT.done
}

/** Has the agent take a commit that does not come after the one in force. Its signature has to be good all the same. */
export async function accept(commit: string, options: AcceptFlags, io: Io): Promise<number> {
  if (options.withdraw !== undefined) return acceptHeld(commit, options.withdraw, options, io)
  const memory = await acceptCommit(commit, targetOf(options, io), await commandContext(options, io))
  if (options.json === true) io.out(jsonText({ accepted: commit }))
  else io.out(told(acceptedText(commit, memory), io))
  io.err(told(laggingText(commit, memory), io))
  return EXIT.done
}
