import { hasCode, problem, QstateError } from '../spec/diagnostics/index.ts'
import { git } from './git.ts'

/** Sees to it that a commit is here: where it is not, it is fetched from where the repository came from. Fails with QstateError. */
export async function bringHere(gitDir: string, commit: string): Promise<void> {
  if (await isHere(gitDir, commit)) return
  const heads = '+refs/heads/*:refs/remotes/origin/*'
  await git({ gitDir }, [
    ...['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-gc'],
    ...['--end-of-options', 'origin', heads],
  ])
  if (await isHere(gitDir, commit)) return
  const hint = 'push it to where this machine fetches from, on a branch'
  throw new QstateError(
    problem('git-failed', `commit ${commit.slice(0, 12)} is not in ${gitDir}, nor where it came from`, hint),
  )
}

async function isHere(gitDir: string, commit: string): Promise<boolean> {
  try {
    await git({ gitDir }, ['cat-file', '-e', `${commit}^{commit}`])
    return true
  } catch (error) {
    if (hasCode(error, 'git-failed')) return false
    throw error
  }
}
