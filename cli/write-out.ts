import { writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isSystemError, problem, QstateError, systemProblem } from '../spec/diagnostics/index.ts'
import { type Io } from './io.ts'

/** Writes a file where `--out` says. With `isNew` over nothing: false where a file is there. */
export function writeOut(
  path: string,
  text: string,
  io: Pick<Io, 'cwd'>,
  { isNew = false, mode = 0o666 }: { readonly isNew?: boolean; readonly mode?: number } = {},
): boolean {
  const full = resolve(io.cwd, path)
  try {
    writeFileSync(full, text, { mode, flag: isNew ? 'wx' : 'w' })
    return true
  } catch (error) {
    if (!isSystemError(error)) throw error
    if (error.code === 'EEXIST') return false
    const why =
      error.code === 'ENOENT' ? `${path}: there is no folder ${dirname(full)}` : systemProblem(error).message
    const hint = 'name a file in a folder that is there, and that you may write in'
    throw new QstateError(problem('unwritable', why, hint))
  }
}
