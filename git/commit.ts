import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { hasCode } from '../spec/diagnostics/index.ts'
import { git } from './git.ts'

/** Files of a work tree, as they were read. */
export interface WorkFiles {
  readonly files: ReadonlyMap<string, Buffer>
  /** Folders all of whose YAML is among them. */
  readonly folders: readonly string[]
}

/**
 * Commit of the repository that files are in, with `+` at its end when one of them differs from it, is not in it, or is in it and not
 * among them. Null outside a repository, before the first commit, or without git. Files are compared by their digests: git itself would
 * run the filters that the repository's settings name, to tell what they come to.
 */
export async function commitOf({ files, folders }: WorkFiles): Promise<string | null> {
  const [first] = files.keys()
  if (first === undefined || !isInRepository(dirname(first))) return null
  try {
    const told = await git(
      dirname(first),
      ['rev-parse', '--show-toplevel', '--verify', 'HEAD^{commit}'],
      LIMITS,
    )
    const [root = '', commit = ''] = told.toString('utf8').split('\n')
    const tree = await treeOf(root, commit)
    const isSame = [...files].every(([path, bytes]) => tree.get(within(root, path)) === digest(bytes, commit))
    return isSame && !lacks(tree, root, files, folders) ? commit : `${commit}+`
  } catch {
    return null
  }
}

const LIMITS = { timeoutMs: 5000 }

/** Digests by path from the root. */
async function treeOf(root: string, commit: string): Promise<ReadonlyMap<string, string>> {
  const listed = await git(root, ['ls-tree', '-r', '-z', '--full-tree', commit], LIMITS)
  return new Map(
    listed
      .toString('utf8')
      .split('\0')
      .flatMap((line): [string, string][] => {
        const [, object = '', path = ''] = /^[0-7]{6} blob ([0-9a-f]{40,64})\t([^]*)$/.exec(line) ?? []
        return path === '' ? [] : [[path, object]]
      }),
  )
}

/** As git names a file: a link stands for what it leads to. */
const within = (root: string, path: string): string => {
  const real = realpathSync(path)
  return real.startsWith(root + sep) ? real.slice(root.length + 1) : real
}

const digest = (bytes: Buffer, commit: string): string =>
  createHash(commit.length === 40 ? 'sha1' : 'sha256')
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest('hex')

/** Whether the commit has YAML in these folders that was not read: it has been removed. */
function lacks(
  tree: ReadonlyMap<string, string>,
  root: string,
  files: ReadonlyMap<string, Buffer>,
  folders: readonly string[],
): boolean {
  const read = new Set([...files.keys()].map((path) => within(root, path)))
  const below = folders.map((folder) => within(root, folder)).map((path) => (path === root ? '' : `${path}/`))
  return [...tree.keys()].some(
    (path) =>
      /\.ya?ml$/.test(path) &&
      !read.has(path) &&
      below.some((prefix) => path.startsWith(prefix) && !isHidden(path.slice(prefix.length))),
  )
}

/** As in a work tree: what starts with a dot, and node_modules, is no part of a spec. */
export const isHidden = (path: string): boolean =>
  path.split('/').some((part) => part.startsWith('.') || part === 'node_modules')

/** As git finds it: to start it only to be told that there is none takes longer than to plan for a qube. */
function isInRepository(folder: string): boolean {
  try {
    for (let at = realpathSync(folder); ; at = dirname(at)) {
      if (existsSync(join(at, '.git'))) return true
      if (at === dirname(at)) return false
    }
  } catch {
    return false
  }
}

/** When a commit says that it was made, in seconds; null where it is not here. */
export async function commitTime(gitDir: string, commit: string): Promise<number | null> {
  try {
    const told = await git({ gitDir }, ['log', '--no-walk', '--format=%ct', '--end-of-options', commit])
    return Number(told.toString('latin1'))
  } catch (error) {
    if (hasCode(error, 'git-failed')) return null
    throw error
  }
}
