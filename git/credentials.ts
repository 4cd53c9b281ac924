import { statSync } from 'node:fs'
import { hasCode, problem, QstateError } from '../spec/diagnostics/index.ts'
import { gitNow } from './git.ts'
import { quoteForShell } from './ssh.ts'

/**
 * Settings by which git takes user and token of an https server from a file, and from nothing else. The file is only read: git's own
 * helper would take a token out of it that a server refuses once.
 */
export function credentialConfig(path: string | null): readonly string[] {
  if (path === null) return []
  requirePrivate(path)
  const store = `git credential-store --file=${quoteForShell(path)}`
  return ['credential.helper=', `credential.helper=!f() { test "$1" != get || ${store} get; }; f`]
}

function requirePrivate(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  const why =
    found === undefined
      ? 'there is no such file'
      : !found.isFile()
        ? 'it is no file'
        : (found.mode & OTHERS) === 0
          ? null
          : 'others may read it'
  if (why === null) return
  const hint = `a line https://USER:TOKEN@HOST, in a file with \`chmod 600\``
  throw new QstateError(problem('bad-credentials', `${path} (\`credentials\` of \`source\`): ${why}`, hint))
}

const OTHERS = 0o077

/** Settings by which git asks the helpers that the user and the system have for credentials, and none that a clone's own settings name. */
export function ownCredentials(gitDir: string): readonly string[] {
  const parts = credentialSettings(gitDir).toString('utf8').split('\0')
  const own = parts.flatMap((scope, index) => {
    if (index % 2 !== 0 || (scope !== 'system' && scope !== 'global')) return []
    const [key = '', ...value] = (parts[index + 1] ?? '').split('\n')
    return [`${key}=${value.join('\n')}`]
  })
  return ['credential.helper=', ...own]
}

function credentialSettings(gitDir: string): Buffer {
  try {
    return gitNow({ gitDir }, ['config', '--show-scope', '-z', '--get-regexp', '^credential[.]'])
  } catch (error) {
    // There are none.
    if (hasCode(error, 'git-failed')) return Buffer.alloc(0)
    throw error
  }
}
