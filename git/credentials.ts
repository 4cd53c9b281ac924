import { statSync } from 'node:fs'
import { problem, QstateError } from '../spec/diagnostics/index.ts'
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
