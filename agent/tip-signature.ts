import { GitError } from './errors.ts'
import { git } from './git.ts'

/** Why a commit's own signature is not good by the keys that this machine trusts; null: it is good. Fails with GitError. */
export async function whyUnsigned(
  folder: string,
  commit: string,
  allowedSigners: string,
): Promise<string | null> {
  const answer = await git(folder, ['log', '--max-count=1', '--format=%G?', commit, '--'], {
    config: ['gpg.format=ssh', `gpg.ssh.allowedSignersFile=${allowedSigners}`, 'gpg.ssh.program=ssh-keygen'],
  })
  const status = answer.toString('latin1').trim()
  // `U`, a key that nobody vouches for, is unknown here: no other key counts.
  if (status === 'G') return null
  return status === 'N' ? 'it is not signed' : 'its signature is not by a key that is trusted here'
}

/** Whether a commit is here; where it is not, it is fetched from where the repository came from. Fails with GitError. */
export async function bringHere(folder: string, commit: string): Promise<void> {
  if (await isHere(folder, commit)) return
  const heads = '+refs/heads/*:refs/remotes/origin/*'
  await git(folder, [
    ...['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-gc'],
    ...['--end-of-options', 'origin', heads],
  ])
  if (await isHere(folder, commit)) return
  const hint = 'push it to where this machine fetches from, on a branch'
  throw new GitError(
    'git-failed',
    `commit ${commit.slice(0, 12)} is not in ${folder}, nor where it came from`,
    hint,
  )
}

async function isHere(folder: string, commit: string): Promise<boolean> {
  try {
    await git(folder, ['cat-file', '-e', `${commit}^{commit}`])
    return true
  } catch (error) {
    if (error instanceof GitError && error.code === 'git-failed') return false
    throw error
  }
}
