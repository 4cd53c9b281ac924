import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Scope, tempFolder } from './temp.ts'

/** A git repository of a test's own, made with the real git. */
export interface Repository {
  readonly folder: string
  readonly gitDir: string
  /** Writes files; `null` removes one, `{ linkTo }` makes it a symbolic link. */
  write(files: Readonly<Record<string, FileContent>>): void
  /** Writes files and commits everything. The commit. */
  commit(files: Readonly<Record<string, FileContent>>, options?: CommitOptions): string
  git(...args: string[]): string
}

type FileContent = string | Buffer | null | { readonly linkTo: string }

interface CommitOptions {
  readonly message?: string
  /** Path of a private SSH key to sign with. */
  readonly sshKey?: string
  /** Id of a GPG key to sign with, and where it is kept. */
  readonly gpgKey?: { readonly id: string; readonly home: string }
}

const ENV = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A. Author',
  GIT_AUTHOR_EMAIL: 'author@example.org',
  GIT_COMMITTER_NAME: 'A. Author',
  GIT_COMMITTER_EMAIL: 'author@example.org',
}

export function makeRepository(scope: Scope, folder: string = join(tempFolder(scope), 'repo')): Repository {
  mkdirSync(folder, { recursive: true })
  const run = (args: readonly string[], env: Record<string, string> = {}): string =>
    execFileSync('git', ['-C', folder, ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...ENV, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  run(['init', '--quiet', '--initial-branch=main'])
  const write: Repository['write'] = (files) => {
    for (const [path, content] of Object.entries(files)) {
      const full = join(folder, path)
      rmSync(full, { recursive: true, force: true })
      if (content === null) continue
      mkdirSync(dirname(full), { recursive: true })
      if (typeof content === 'object' && 'linkTo' in content) symlinkSync(content.linkTo, full)
      else writeFileSync(full, content)
    }
  }
  return {
    folder,
    gitDir: join(folder, '.git'),
    write,
    commit(files, { message = 'Change it', sshKey, gpgKey } = {}) {
      write(files)
      run(['add', '--all'])
      const signing =
        sshKey !== undefined
          ? ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${sshKey}`]
          : gpgKey !== undefined
            ? ['-c', `user.signingKey=${gpgKey.id}`]
            : []
      const sign = signing.length > 0 ? ['-S'] : ['--no-gpg-sign']
      const env = gpgKey === undefined ? {} : { GNUPGHOME: gpgKey.home }
      run([...signing, 'commit', '--quiet', '--allow-empty', ...sign, '-m', message], env)
      return run(['rev-parse', 'HEAD'])
    },
    git: (...args) => run(args),
  }
}

/** A new SSH key: the path of its private half, and its public half as one line. */
export function makeSshKey(scope: Scope, name = 'key'): { readonly path: string; readonly public: string } {
  const path = join(tempFolder(scope), name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path])
  return { path, public: execFileSync('ssh-keygen', ['-y', '-f', path], { encoding: 'utf8' }).trim() }
}
