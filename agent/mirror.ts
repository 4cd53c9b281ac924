import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentConfig } from '../spec/agent/index.ts'
import { GitError } from './errors.ts'
import { git } from './git.ts'

/** Where a configuration comes from. Four times the size that a fetch may bring is what is kept. */
export type Origin = Omit<AgentConfig['source'], 'paths' | 'everyMs'>

/** A repository of the agent's own that holds what was fetched: bare, and nobody's work tree. */
export interface Mirror {
  readonly folder: string
  /** The commit that branch or tag stands at now. Fails with GitError. */
  fetch(signal: AbortSignal): Promise<string>
  /** Whether every commit of the old history is in the new one. */
  isAncestor(old: string, tip: string): Promise<boolean>
}

const TIP = 'refs/qstate/tip'
const FETCH_MS = 10 * 60_000

export function openMirror(folder: string, origin: Origin): Mirror {
  return {
    folder,
    async fetch(signal) {
      await makeReady(folder, origin)
      const from = `refs/${origin.ref.kind === 'branch' ? 'heads' : 'tags'}/${origin.ref.name}`
      await git(
        folder,
        ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-gc']
          .concat('--end-of-options', origin.url)
          .concat(`+${from}:${TIP}`),
        {
          signal,
          timeoutMs: FETCH_MS,
          config: [...PROTOCOLS, 'fetch.fsckObjects=true', 'fetch.unpackLimit=1'],
          env: sshOf(origin),
          maxFileBytes: origin.maxBytes,
        },
      )
      const tip = await git(folder, ['rev-parse', '--verify', `${TIP}^{commit}`])
      return tip.toString('latin1').trim()
    },
    async isAncestor(old, tip) {
      try {
        await git(folder, ['merge-base', '--is-ancestor', old, tip])
        return true
      } catch (error) {
        // It says no by its exit code, and an old commit that is not even there is no ancestor either.
        if (error instanceof GitError && error.code === 'git-failed') return false
        throw error
      }
    },
  }
}

/** What a URL may be: nothing that runs a program of its own naming (`ext::`). */
const PROTOCOLS = ['protocol.allow=never'].concat(
  ['file', 'https', 'ssh'].map((name) => `protocol.${name}.allow=always`),
)

async function makeReady(folder: string, { maxBytes }: Origin): Promise<void> {
  if (existsSync(join(folder, 'HEAD')) && (await sizeOf(folder)) > 4 * maxBytes) {
    // Whoever may push may have pushed this; what is needed comes again with the next fetch.
    await rm(folder, { recursive: true, force: true })
  }
  if (existsSync(join(folder, 'HEAD'))) return
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await git(folder, ['init', '--quiet', '--bare', '--template=', '.'])
}

async function sizeOf(folder: string): Promise<number> {
  const told = (await git(folder, ['count-objects', '-v'])).toString('latin1')
  const kib = (key: string): number => Number(new RegExp(`^${key}: ([0-9]+)$`, 'm').exec(told)?.[1] ?? 0)
  return (kib('size') + kib('size-pack')) * 1024
}

function sshOf({ identity, knownHosts }: Origin): Readonly<Record<string, string>> {
  if (identity === null && knownHosts === null) return {}
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    ...(identity === null ? [] : [`IdentityFile=${identity}`, 'IdentitiesOnly=yes']),
    ...(knownHosts === null ? [] : [`UserKnownHostsFile=${knownHosts}`]),
  ]
  // git hands this to a shell. The paths are of the agent's own configuration, and hold no quote: it was checked.
  return { GIT_SSH_COMMAND: ['ssh', ...options.map((option) => `-o '${option}'`)].join(' ') }
}
