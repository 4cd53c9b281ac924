/** What git could not do. `retryable`: the same may succeed later with nothing changed here. */
export class GitError extends Error {
  override readonly name = 'GitError'
  readonly code: 'git-missing' | 'git-failed' | 'git-too-large' | 'git-timeout' | 'bad-trust' | 'aborted'
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
