import { hasCode } from '../spec/diagnostics/index.ts'
import { git } from './git.ts'

/** As in a work tree: what starts with a dot, and node_modules, is no part of a spec. */
export const isHidden = (path: string): boolean =>
  path.split('/').some((part) => part.startsWith('.') || part === 'node_modules')

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
