import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../spec/diagnostics/index.ts'
import { ownCredentials } from './credentials.ts'
import { bring, carryOver, CLONE_FETCH, type Origin, PROTOCOLS, sizeOf } from './fetch.ts'
import { git, says } from './git.ts'
import { sshOf } from './ssh.ts'

/** A repository that commits are read from, and fetched into. */
export interface CommitStore {
  readonly folder: string
  /** What a fetch brings, for people. */
  readonly fetches: string
  /** `kept` stays here whatever else goes. Fails with QstateError. */
  fetch(kept: string | null, signal: AbortSignal): Promise<unknown>
  /** The same where what is here may be damaged. */
  rebuild(kept: string | null, signal: AbortSignal): Promise<unknown>
  /** Whether a commit is here: a tree, a tag or a file is none. What is damaged is not here. */
  has(commit: string): Promise<boolean>
  /** Whether every commit of the old history is in the new one. */
  isAncestor(old: string, tip: string): Promise<boolean>
}

/** A repository of the agent's own that holds what was fetched: bare, nobody's work tree, and one agent's at a time. */
export interface Mirror extends CommitStore {
  /** The commit that branch or tag stands at now. */
  fetch(kept: string | null, signal: AbortSignal): Promise<string>
  /** Into a mirror made anew, which takes the old one's place once it is whole. */
  rebuild(kept: string | null, signal: AbortSignal): Promise<string>
}

export function openMirror(folder: string, origin: Origin): Mirror {
  const beside = `${folder}.new`
  const before = `${folder}.old`

  async function rebuild(kept: string | null, signal: AbortSignal): Promise<string> {
    await rm(beside, { recursive: true, force: true })
    await mkdir(beside, { recursive: true, mode: 0o700 })
    await git({ gitDir: beside }, ['init', '--quiet', '--bare', '--template=', '.'])
    const tip = await bring(beside, origin, 'the history as a whole is', signal)
    if (kept !== null && existsSync(folder)) await carryOver(kept, folder, beside, signal)
    if (existsSync(folder)) await rename(folder, before)
    await rename(beside, folder)
    await rm(before, { recursive: true, force: true })
    return tip
  }

  return {
    ...storeIn(folder),
    fetches: '`branch` or `tag` of `source` says what is fetched',
    rebuild,
    async fetch(kept, signal) {
      // An end between the two renames.
      if (!existsSync(folder) && existsSync(before)) await rename(before, folder)
      if (!existsSync(folder)) return rebuild(null, signal)
      await rm(before, { recursive: true, force: true })
      await sweep(folder)
      try {
        // Whoever may push may have pushed what fills it.
        if ((await sizeOf(folder)) > 4 * origin.maxBytes) return await rebuild(kept, signal)
        return await bring(folder, origin, 'what is new is', signal)
      } catch (error) {
        if (!hasCode(error, 'git-failed') || (await isWhole(folder))) throw error
        return rebuild(kept, signal)
      }
    },
  }
}

/**
 * The clone that a person works in: what is not in it is fetched from its `origin`. What is damaged is left to its owner. Of its settings
 * the fetch takes where `origin` is: ssh, credentials and the program at the other end are the person's own, since the clone may be an
 * archive from elsewhere.
 */
export function openClone(gitDir: string): CommitStore {
  let last: Promise<unknown> = Promise.resolve()
  // Several hosts may ask at once, and two fetches would be in each other's way.
  const fetch: CommitStore['fetch'] = (_, signal) => {
    const done = last.then(() =>
      git({ gitDir }, [...CLONE_FETCH, 'origin', '+refs/heads/*:refs/remotes/origin/*'], {
        signal,
        protocols: PROTOCOLS,
        config: ownCredentials(gitDir),
        env: sshOf({ identity: null, knownHosts: null }),
      }),
    )
    last = done.catch(() => undefined)
    return done
  }
  return {
    ...storeIn(gitDir),
    fetches: 'all branches of `origin` are fetched',
    fetch,
    rebuild: () => Promise.resolve(),
  }
}

const storeIn = (folder: string): Pick<CommitStore, 'folder' | 'has' | 'isAncestor'> => ({
  folder,
  async has(commit) {
    if (!existsSync(folder)) return false
    try {
      const type = await git({ gitDir: folder }, ['cat-file', '-t', commit])
      return type.toString('latin1').trim() === 'commit'
    } catch (error) {
      if (hasCode(error, 'git-failed')) return false
      throw error
    }
  },
  // An old commit that is not even there is no ancestor either.
  isAncestor: async (old, tip) =>
    (await says(folder, ['cat-file', '-e', old])) &&
    (await says(folder, ['merge-base', '--is-ancestor', old, tip])),
})

/** What a fetch that was cut off has left: half of a pack, and locks. Nobody else is at work here. */
async function sweep(folder: string): Promise<void> {
  const paths = await readdir(folder, { recursive: true })
  const left = paths.filter((path) => /(?:^|\/)(?:\.?tmp[-_][^/]*|[^/]*\.lock)$/.test(path))
  for (const path of left) await rm(join(folder, path), { recursive: true, force: true })
}

/** Whether all is there that its commits are made of. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    await git({ gitDir: folder }, ['fsck', '--connectivity-only', '--no-dangling', '--no-progress'])
    return true
  } catch (error) {
    if (hasCode(error, 'git-failed')) return false
    throw error
  }
}
