import { relative } from 'node:path'
import { type FileOrigin, gitNow, readRevision, repositoryOf, type Revision } from '../../git/index.ts'
import { hasCode, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Sources } from './sources.ts'

/**
 * The files of a spec as they are in a revision of the repository that the user is in, whatever the work tree holds. Paths
 * are as the user gives them, from where the user is; none is all of the folder.
 */
export function gitSources(rev: string, paths: readonly string[], cwd: string): Sources {
  const { gitDir, prefix } = repositoryOf(cwd)
  const full = (paths.length > 0 ? paths : ['.']).map((path) => (path === '.' ? prefix : prefix + path))
  return sourcesOf(readRevision(gitDir, rev, full), prefix)
}

/** The commit that two branches have in common, as the three dots of `git diff` mean it. Fails with QstateError where there is none. */
export function mergeBase(from: string, to: string, cwd: string): string {
  try {
    return gitNow(cwd, ['merge-base', '--end-of-options', from, to]).toString('latin1').trim()
  } catch (error) {
    if (!hasCode(error, 'git-failed')) throw error
    const hint = 'name two revisions that are commits; with two dots they are compared as they are'
    throw new QstateError(problem('bad-revision', 'these are not two commits that have one in common', hint))
  }
}

/** A spec's files out of a revision. `prefix`: the folder that their paths are told from, `''` or ending in `/`. */
export function sourcesOf(revision: Revision, prefix = ''): Sources {
  const shown = (path: string): string => (prefix === '' ? path : relative(`/${prefix}`, `/${path}`))
  const real = new Map([...revision.files.keys()].map((path) => [shown(path), path]))
  return {
    paths: [...real.keys()],
    files: [...revision.files].map(([path, text]) => ({ path: shown(path), text })),
    origins: () => Promise.resolve([originOf(revision)]),
    readTable: (path, from) => revision.read(path, real.get(from) ?? from),
    ...(revision.shape === undefined ? {} : { shape: revision.shape }),
    // A saved plan names its tables by where they are; what is in git objects is nowhere to be read by name.
    tablePaths: new Map(),
  }
}

/** All files of a revision are of its commit, and none of them differs from it. */
const originOf = ({ gitDir: repository, commit, files, chosenBy = [] }: Revision): FileOrigin => ({
  repository,
  commit,
  files: [...new Set([...chosenBy, ...files.keys()])].sort(),
})
