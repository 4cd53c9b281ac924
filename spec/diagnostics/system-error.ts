import { type Problem, QstateError } from './problem.ts'

/** What the operating system refused: a file, a folder, a program. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && 'syscall' in error

/** The same in words, with the file or folder that it is about. */
export function systemProblem({ code = '', path, message }: NodeJS.ErrnoException): Problem {
  const what = MEANINGS[code]
  return {
    code: 'system-error',
    message: what === undefined || path === undefined ? message : `${path}: ${what} (${code})`,
    hint:
      HINTS[code] ??
      'see to the file or folder that it names: room, permission and owner; --state-dir sets where lock and history are kept',
  }
}

const MORE_FILES = 'raise how many files may be open (`ulimit -n`), or lower --concurrency'

const HINTS: Readonly<Record<string, string>> = {
  EDQUOT: 'make room there',
  EMFILE: MORE_FILES,
  ENFILE: MORE_FILES,
  ENOSPC: 'make room there',
}

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'no permission for it',
  EDQUOT: 'no more room is allowed there',
  EFBIG: 'no file may be that large there',
  EIO: 'the device under it has failed',
  EISDIR: 'it is a folder',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'no space is left there',
  ENOTDIR: 'what stands before its name is no folder',
  EPERM: 'no permission for it',
  EROFS: 'nothing can be written there',
}

/** What is wrong, where that is understood: a failure of ours, or a refusal of the operating system. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof QstateError) return error.problem
  return isSystemError(error) ? systemProblem(error) : undefined
}
