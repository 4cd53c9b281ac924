/** What git could not do. `retryable`: the same may succeed later with nothing changed here. */
export class GitError extends Error {
  override readonly name = 'GitError'
  readonly code:
    | 'git-missing'
    | 'git-failed'
    | 'git-no-memory'
    | 'git-no-room'
    | 'git-too-large'
    | 'git-timeout'
    | 'bad-trust'
    | 'aborted'
    | 'system'
  readonly hint: string
  /** What git ended with, where it said nothing: an answer, rather than a failure. */
  readonly status: number | null

  constructor(code: GitError['code'], message: string, hint: string, status: number | null = null) {
    super(message)
    this.code = code
    this.hint = hint
    this.status = status
  }

  get retryable(): boolean {
    return this.code === 'git-failed' || this.code === 'git-timeout'
  }
}

/** git ended with an error of its own, rather than with one of ours. */
export const isGitFailure = (error: unknown): boolean =>
  error instanceof GitError && error.code === 'git-failed'

/** A revision that cannot be used, for what it holds. The same revision never can. */
export class RevisionError extends Error {
  override readonly name = 'RevisionError'
  readonly code:
    'bad-revision' | 'no-such-path' | 'refused-content' | 'invalid-spec' | 'no-spec' | 'unknown-host'
  readonly hint: string

  constructor(code: RevisionError['code'], message: string, hint: string) {
    super(message)
    this.code = code
    this.hint = hint
  }
}

/** What the system said no to: a file, a folder, a program. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && 'syscall' in error

/** The same in words, with the file or folder that it is about, and what to do. */
export function sayOfSystem({ code = '', path, message }: NodeJS.ErrnoException): {
  readonly message: string
  readonly hint: string
} {
  const what = SYSTEM_SAYS[code]
  const hint =
    code === 'ENOSPC'
      ? 'make room there, and run this again'
      : 'see to the file or folder that it names; --state-dir says where lock and history are kept'
  return { message: what === undefined || path === undefined ? message : `${path}: ${what}`, hint }
}

/** What is tried again by itself needs nobody to run it. */
export const SYSTEM_HINT = 'see to the file or folder that it names: room, permission, and whose it is'

const SYSTEM_SAYS: Readonly<Record<string, string>> = {
  EACCES: 'no permission for it',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'no space is left there',
  ENOTDIR: 'what stands before its name is no folder',
  EPERM: 'no permission for it',
  EROFS: 'nothing can be written there',
}
