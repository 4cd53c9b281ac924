import { execFile } from 'node:child_process'

/**
 * Commit of the repository that a folder is in, with `+` at its end when files of the folder differ from it.
 * Null outside a repository, before the first commit, or without git. Nothing that the repository holds is run.
 */
export function commitOf(folder: string): Promise<string | null> {
  const args = [
    ...['-C', folder, '--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'],
    ...['status', '--porcelain=v2', '--branch', '--', '.'],
  ]
  return new Promise((resolve) => {
    execFile('git', args, { timeout: 5000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      const commit = error === null ? /^# branch\.oid ([0-9a-f]{40,64})$/m.exec(stdout)?.[1] : undefined
      if (commit === undefined) resolve(null)
      else resolve(/^[^#\n]/m.test(stdout) ? `${commit}+` : commit)
    })
  })
}
