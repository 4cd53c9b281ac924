import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentTrust } from '../spec/agent/index.ts'
import { escapeForTerminal, problem, QstateError } from '../spec/diagnostics/index.ts'
import { git } from './git.ts'

/** A commit, and what its signature comes to. */
export interface Signed {
  readonly commit: string
  readonly good: boolean
  /** Who signed it, as the trusted keys name them; empty where nobody did. */
  readonly signer: string
  /** Why it is not good. */
  readonly why: string
}

/** More commits than this between two looks are judged by their tip only if the policy says so. */
const MAX_COMMITS = 5000

/**
 * The signatures of commits: of all after `base` up to `tip`, or of the tip alone where there is no base. Fails with
 * QstateError where they could not be looked at.
 */
export async function checkSignatures(
  folder: string,
  range: { readonly base: string | null; readonly tip: string },
  trust: AgentTrust,
): Promise<readonly Signed[]> {
  if (trust.by === 'none') return []
  requireTrusted(trust)
  const which = range.base === null ? ['--max-count=1', range.tip] : [`${range.base}..${range.tip}`]
  const args = ['log', '--format=%H%x00%G?%x00%GS%x00%GF%x01', `--max-count=${MAX_COMMITS + 1}`, ...which]
  const home = trust.by === 'gpg' ? await gpgHome(`${folder}.gnupg`, trust.keyring) : undefined
  const answer = await git({ gitDir: folder }, [...args, '--'], {
    timeoutMs: 10 * 60_000,
    config: configOf(trust),
    env: home === undefined ? {} : { GNUPGHOME: home },
  })
  const signed = answer
    .toString('utf8')
    .split('\x01')
    .map((line) => line.replace(/^\n/, ''))
    .filter((line) => line !== '')
    .map(readSigned)
  if (signed.length > MAX_COMMITS) {
    const hint = 'use `commits: tip`, or let the agent see the commits in between'
    throw new QstateError(
      problem('git-too-large', `more than ${MAX_COMMITS} commits are to be checked at once`, hint),
    )
  }
  return signed
}

/**
 * A missing list of revoked keys is a mere warning to git, so that removing it would reinstate them all. A user who may write one of these
 * files decides which commits are trusted.
 */
function requireTrusted(trust: Exclude<AgentTrust, { by: 'none' }>): void {
  const files =
    trust.by === 'gpg'
      ? { keyring: trust.keyring }
      : { allowedSigners: trust.allowedSigners, revoked: trust.revoked }
  for (const [key, path] of Object.entries(files)) {
    if (path === null) continue
    const named = `${path} (\`${key}\` of \`verify\`)`
    const unread = unreadable(path)
    if (unread !== null) {
      const instead = key === 'revoked' ? ', or take `revoked` out of `verify`' : ''
      const hint = `no commit is judged without it: put the file there${instead}`
      throw new QstateError(problem('bad-trust', `${named} cannot be read: ${unread}`, hint))
    }
    const { mode, uid } = statSync(path)
    if (uid !== 0 && uid !== process.geteuid?.())
      throw new QstateError(problem('bad-trust', `${named} belongs to another user (${uid})`, NOT_JUDGED))
    if ((mode & OTHERS_WRITE) !== 0)
      throw new QstateError(problem('bad-trust', `${named} may be written by others`, NOT_JUDGED))
  }
}

const OTHERS_WRITE = 0o022
const NOT_JUDGED =
  'no commit is judged by it: see what it holds, then `chown` it to root or this user, and `chmod go-w` it'

function unreadable(path: string): string | null {
  try {
    accessSync(path, constants.R_OK)
    return statSync(path).isFile() ? null : 'it is no file'
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return code === 'ENOENT' ? 'it is not there' : code === 'EACCES' ? 'no permission to read it' : code
  }
}

function readSigned(line: string): Signed {
  const [commit = '', status = '', signer = '', key = ''] = line.split('\0')
  const good = status === 'G' && key !== ''
  return {
    commit,
    good,
    signer: escapeForTerminal(signer, { max: 100 }),
    why: good ? '' : (WHY[status] ?? WHY['E'] ?? '') + byWhom(signer, key),
  }
}

/** As far as git tells: a name of the trusted keys, or the fingerprint of another one. */
function byWhom(signer: string, key: string): string {
  const names = [signer, key]
    .filter((text) => text !== '')
    .map((text) => escapeForTerminal(text, { max: 100 }))
  return names.length === 0 ? '' : ` (${names.join(', ')})`
}

/** What git's `%G?` means. `U`, a key that nobody vouches for, is unknown here: no other key counts. */
const WHY: Readonly<Record<string, string>> = {
  B: 'its signature is wrong',
  E: 'its signature could not be checked: it is of another kind, or its key is not known',
  N: 'it is not signed',
  R: 'it was signed with a key that has been revoked',
  U: 'it was signed by somebody who is not among those allowed',
  X: 'its signature has expired',
  Y: 'it was signed with a key that has expired',
}

/** A signature of the other kind is not even looked at. */
function configOf(trust: Exclude<AgentTrust, { by: 'none' }>): readonly string[] {
  const none = '/bin/false'
  if (trust.by === 'gpg')
    return [
      'gpg.program=gpg',
      'gpg.openpgp.program=gpg',
      `gpg.x509.program=${none}`,
      `gpg.ssh.program=${none}`,
    ]
  return [
    ...[`gpg.program=${none}`, `gpg.openpgp.program=${none}`, `gpg.x509.program=${none}`],
    ...['gpg.ssh.program=ssh-keygen', `gpg.ssh.allowedSignersFile=${trust.allowedSigners}`],
    ...['gpg.minTrustLevel=fully', `gpg.ssh.revocationFile=${trust.revoked ?? ''}`],
  ]
}

/** A home for gpg with just these keys, all of which count: made anew each time, so that a key taken out is out. */
async function gpgHome(home: string, keyring: string): Promise<string> {
  await rm(home, { recursive: true, force: true })
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(join(home, 'gpg.conf'), 'trust-model always\nno-autostart\nno-auto-key-retrieve\n')
  const args = ['--homedir', home, '--batch', '--no-tty', '--quiet', '--import', '--', keyring]
  await new Promise<void>((resolve, reject) => {
    execFile('gpg', args, { timeout: 60_000 }, (error) => {
      if (error === null) resolve()
      else {
        const hint = 'it holds public keys, as `gpg --export KEY > FILE` writes them; gpg has to be installed'
        reject(new QstateError(problem('bad-trust', `gpg does not take the keys in ${keyring}`, hint)))
      }
    })
  })
  return home
}
