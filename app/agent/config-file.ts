import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { readBytes } from '../../documents/read/index.ts'
import {
  type AgentConfig,
  defaultHostPolicies,
  type HostPolicies,
  loadAgentConfig,
  type LoadedConfig,
  loadHostPolicies,
  type NotifyTarget,
} from '../../spec/agent/index.ts'
import { errorCount, invalid, problem, QstateError, type SourceFile } from '../../spec/diagnostics/index.ts'
import { type Context } from '../index.ts'

/** The configuration file of an agent, read and found valid. Fails with `no-agent-file` and `invalid-agent-file`. */
export const readAgentFile = (path: string, context: Context): AgentConfig =>
  readConfig(path, loadAgentConfig, context)

/** How a controller keeps hosts without an agent, as the same file says without what only an agent has; null: the defaults. */
export const readHostsFile = (path: string | null, context: Context): HostPolicies =>
  path === null ? defaultHostPolicies() : readConfig(path, loadHostPolicies, context)

function readConfig<T>(path: string, load: (source: SourceFile) => LoadedConfig<T>, context: Context): T {
  const source = { path, text: readText(path, context) }
  const { config, diagnostics: found } = load(source)
  const diagnostics = found.map((one) => ({ ...one, message: withoutSecrets(one.message) }))
  context.report(diagnostics, [{ path, text: withoutSecrets(source.text) }])
  if (config !== null) return config
  throw invalid('invalid-agent-file', `${errorCount(diagnostics)} in ${path}`, diagnostics)
}

/** Lines of the file are shown where they are wrong, and what is wrong with a URL may be the secret in it. */
const withoutSecrets = (text: string): string =>
  text.replace(
    /(:\/\/)([^\s/@'"]+)(?=@)|([?&#])([^\s'"]+)/g,
    (_, ...[slashes = '', user = '', mark = '', query = '']: string[]) =>
      slashes + mark + '*'.repeat(user.length + query.length),
  )

function readText(path: string, { cwd }: Context): string {
  const found = readBytes(resolve(cwd, path))
  if (found === undefined) {
    const hint = 'name it with --file or --hosts-file, or write it: docs/agent.md describes what it says'
    throw new QstateError(problem('no-agent-file', `there is no file ${path}`, hint))
  }
  if ('fault' in found)
    throw new QstateError(problem('unreadable', `${path}: ${found.fault}`, 'name another'))
  return found.bytes.toString('utf8')
}

/** Files of this machine that a configuration names, and that do not exist. */
export const missingFiles = (config: AgentConfig): readonly string[] =>
  filesOf(config).filter((path) => !existsSync(path))

function filesOf({ source, verify, notify, fleet }: AgentConfig): readonly string[] {
  const trust =
    verify.by === 'ssh'
      ? [verify.allowedSigners, verify.revoked]
      : verify.by === 'gpg'
        ? [verify.keyring]
        : []
  const files = [source.url, source.identity, source.knownHosts, source.credentials, fleet?.key, fleet?.ca]
  return [...files, ...trust, ...notify.map(fileOfTarget)].flatMap((path) =>
    path?.startsWith('/') === true ? [path] : [],
  )
}

const fileOfTarget = ({ to }: NotifyTarget): string | null =>
  to.kind === 'webhook' ? to.tokenFile : (to.argv[0] ?? null)
