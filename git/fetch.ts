import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentConfig } from '../spec/agent/index.ts'
import { hasCode, problem, QstateError } from '../spec/diagnostics/index.ts'
import { credentialConfig } from './credentials.ts'
import { git, says } from './git.ts'
import { sshOf } from './ssh.ts'

/** Where a configuration comes from. Four times the size that a fetch may bring is what is kept. */
export type Origin = Omit<AgentConfig['source'], 'paths' | 'everyMs'>

/** The last commit that was fetched: what the next fetch need not bring again. */
const TIP = 'refs/qstate/tip'
/** What the server has now. */
const NEW = 'refs/qstate/new'
const KEPT = 'refs/qstate/kept'

const FETCH_MS = 10 * 60_000
const MEMORY = 1024 ** 3
const MIB = 1024 ** 2

/** Fetches into a repository of the agent's own. The commit. What is not taken is not left there either. */
export async function bring(
  folder: string,
  origin: Origin,
  what: string,
  signal: AbortSignal,
): Promise<string> {
  const before = new Set(await readdir(folder, { recursive: true }))
  try {
    const size = await sizeOf(folder)
    await git({ gitDir: folder }, ['update-ref', '-d', NEW])
    await fetchInto(folder, origin, signal)
    // Where a server hands out its files one by one, each of them is within the limit.
    if ((await sizeOf(folder)) - size > origin.maxBytes)
      throw new QstateError(problem('git-too-large', 'git fetch: more than is allowed', ''))
    const tip = await commitOf(folder, origin.ref)
    await git({ gitDir: folder }, ['update-ref', TIP, tip])
    return tip
  } catch (error) {
    await rm(join(folder, NEW), { force: true })
    for (const path of await readdir(folder, { recursive: true }))
      if (!before.has(path)) await rm(join(folder, path), { recursive: true, force: true })
    throw hasCode(error, 'git-too-large') ? tooLarge(what, origin) : error
  }
}

async function fetchInto(folder: string, origin: Origin, signal: AbortSignal): Promise<void> {
  const from = `refs/${origin.ref.kind === 'branch' ? 'heads' : 'tags'}/${origin.ref.name}`
  await git({ gitDir: folder }, [...FETCH, origin.url, `+${from}:${NEW}`], {
    signal,
    timeoutMs: FETCH_MS,
    protocols: PROTOCOLS,
    config: [...CAREFUL, ...credentialConfig(origin.credentials)],
    env: sshOf(origin),
    maxFileBytes: origin.maxBytes,
    maxMemoryBytes: MEMORY,
  })
}

function tooLarge(what: string, { maxBytes }: Origin): QstateError {
  const limit = `${Math.round((maxBytes / MIB) * 10) / 10} MiB`
  return new QstateError(
    problem(
      'git-too-large',
      `${what} more than the ${limit} that a fetch may bring`,
      'keep large files out of the repository, or raise `maxSize` of `source`; what is in force stays so',
    ),
  )
}

/** The commit that the source had; it may have had none. */
async function commitOf(folder: string, { kind, name }: Origin['ref']): Promise<string> {
  const fetched = await git({ gitDir: folder }, ['for-each-ref', NEW])
  if (fetched.length === 0) {
    const hint = 'git takes no history that is cut off: make it whole there with `git fetch --unshallow`'
    throw new QstateError(problem('git-failed', 'the source is a shallow repository', hint))
  }
  try {
    const told = await git({ gitDir: folder }, ['rev-parse', '--verify', '--quiet', `${NEW}^{commit}`])
    return told.toString('latin1').trim()
  } catch (error) {
    if (!hasCode(error, 'git-failed')) throw error
    throw new QstateError(
      problem(
        'git-failed',
        `the ${kind} ${name} is no commit, nor a tag of one`,
        'name a branch, or a tag of a commit',
      ),
    )
  }
}

/** Nothing but what is asked for, and no housekeeping. */
const QUIET_FETCH = [
  ...['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-gc'],
]

const FETCH = [...QUIET_FETCH, '--end-of-options']

/** From a remote that a clone's settings describe, which may name a program for the other end. */
export const CLONE_FETCH = [...QUIET_FETCH, '--upload-pack=git-upload-pack', '--end-of-options']

/** What a URL may be. */
export const PROTOCOLS = ['file', 'https', 'ssh']

/** A small pack can unfold to large objects: they are checked as a stream, one at a time. A server that is silent is given up. */
const CAREFUL = [
  ...['fetch.fsckObjects=true', 'fetch.unpackLimit=1', 'core.bigFileThreshold=1m', 'pack.threads=1'],
  ...['http.lowSpeedLimit=100', 'http.lowSpeedTime=60'],
]

/** The commit in force is in the new mirror, too, where its history has been rewritten. */
export async function carryOver(
  commit: string,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  if (await says(to, ['cat-file', '-e', commit])) return
  try {
    await git({ gitDir: from }, ['update-ref', KEPT, commit])
    await git({ gitDir: to }, [...FETCH, from, `+${KEPT}:${KEPT}`], {
      signal,
      timeoutMs: FETCH_MS,
      protocols: ['file'],
    })
  } catch (error) {
    // Never there, or damaged: then there is nothing left to be kept.
    if (!hasCode(error, 'git-failed')) throw error
  }
}

/** Bytes on the disk, those of what is of no use as well. */
export async function sizeOf(folder: string): Promise<number> {
  const told = (await git({ gitDir: folder }, ['count-objects', '-v'])).toString('latin1')
  const kib = (key: string): number => Number(new RegExp(`^${key}: ([0-9]+)$`, 'm').exec(told)?.[1] ?? 0)
  return (kib('size') + kib('size-pack') + kib('size-garbage')) * 1024
}
