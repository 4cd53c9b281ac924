import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Io } from '../../cli/io.ts'
import { type GlobalOptions, wantsColor } from '../../cli/options.ts'
import { plural } from '../../cli/views/style.ts'
import { type AgentConfig, loadAgentConfig } from '../../spec/agent/index.ts'
import { type Diagnostic, formatDiagnostics, problem, QstateError } from '../../spec/diagnostics/index.ts'

export interface AgentOptions extends GlobalOptions {
  readonly file?: string
}

const DEFAULT_FILE = '/etc/qstate/agent.yaml'
const MAX_FILE_BYTES = 1024 * 1024

/** The agent's own file, read and found valid. Warnings go to stderr; an error ends the command. */
export function readAgentFile(
  options: AgentOptions,
  io: Io,
): { readonly path: string; readonly config: AgentConfig } {
  const path = options.file ?? (io.env['QSTATE_AGENT_FILE'] || DEFAULT_FILE)
  const source = { path, text: readText(path, io) }
  const { config, diagnostics } = loadAgentConfig(source)
  if (diagnostics.length > 0) {
    const color = wantsColor(options, io, io.errIsTerminal)
    io.err(`${formatDiagnostics(diagnostics, [source], { color, width: io.columns }).trimEnd()}\n\n`)
  }
  if (config !== null) return { path, config }
  const errors = diagnostics.filter(({ severity }: Diagnostic) => severity === 'error').length
  throw new QstateError(
    problem(
      'invalid-agent-file',
      `${plural(errors, 'error')} in the agent’s file`,
      'correct what is marked above',
    ),
  )
}

function readText(path: string, io: Io): string {
  const full = resolve(io.cwd, path)
  const found = statSync(full, { throwIfNoEntry: false })
  if (found === undefined) {
    const hint = 'name it with --file, or write it: docs/agent.md tells what it says'
    throw new QstateError(problem('no-agent-file', `there is no agent’s file ${path}`, hint))
  }
  if (!found.isFile() || found.size > MAX_FILE_BYTES)
    throw new QstateError(problem('unreadable', `${path}: no file, or larger than 1 MiB`, 'name another'))
  return readFileSync(full, 'utf8')
}
