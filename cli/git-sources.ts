import { relative } from 'node:path'
import { type Revision, readRevision } from '../agent/revision.ts'
import { repositoryOf } from '../agent/git.ts'
import { type Sources } from './sources.ts'

/**
 * The files of a spec as they are in a revision of the repository that the user is in, whatever the work tree holds. Paths
 * are as the user gives them, from where the user is; none is all of the folder.
 */
export function gitSources(rev: string, paths: readonly string[], cwd: string): Sources {
  const { prefix } = repositoryOf(cwd)
  const full = (paths.length > 0 ? paths : ['.']).map((path) => (path === '.' ? prefix : prefix + path))
  return sourcesOf(readRevision(cwd, rev, full), prefix)
}

/** A spec's files out of a revision. `prefix`: the folder that their paths are told from, `''` or ending in `/`. */
export function sourcesOf(revision: Revision, prefix = ''): Sources {
  const shown = (path: string): string => (prefix === '' ? path : relative(`/${prefix}`, `/${path}`))
  const real = new Map([...revision.files.keys()].map((path) => [shown(path), path]))
  return {
    paths: [...real.keys()],
    files: [...revision.files].map(([path, text]) => ({ path: shown(path), text })),
    commit: () => Promise.resolve(revision.commit),
    readTable: (path, from) => revision.read(path, real.get(from) ?? from),
    // A saved plan names its tables by where they are; what is in git objects is nowhere to be read by name.
    tablePaths: new Map(),
  }
}
