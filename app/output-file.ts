import { randomBytes } from 'node:crypto'
import { linkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isSystemError, problem, QstateError, systemProblem } from '../spec/diagnostics/index.ts'

export interface OutputFile {
  /** As a person names it, counted from `cwd`. */
  readonly path: string
  readonly cwd: string
  readonly text: string | Buffer
  /** Not over a file that exists. */
  readonly isNew?: boolean
  readonly mode?: number
}

/** Writes a file whole or not at all, through one beside it. False where it is to be new and exists. */
export function writeOutputFile({ path, cwd, text, isNew = false, mode = 0o666 }: OutputFile): boolean {
  const full = resolve(cwd, path)
  try {
    const found = statSync(full, { throwIfNoEntry: false })
    if (found !== undefined && isNew) return false
    // A terminal or a pipe takes the text as it comes.
    if (found?.isFile() === false) writeFileSync(full, text)
    // No one gets to read what they could not.
    else return replace(full, text, isNew, mode & (found?.mode ?? mode))
    return true
  } catch (error) {
    if (!isSystemError(error)) throw error
    const why =
      error.code === 'ENOENT' ? `${path}: there is no folder ${dirname(full)}` : systemProblem(error).message
    const hint = 'name a file in a folder that exists, and that you may write to'
    throw new QstateError(problem('unwritable', why, hint))
  }
}

function replace(full: string, text: string | Buffer, isNew: boolean, mode: number): boolean {
  const beside = `${full}.${randomBytes(6).toString('hex')}.new`
  try {
    writeFileSync(beside, text, { mode, flag: 'wx', flush: true })
    if (isNew) linkSync(beside, full)
    else renameSync(beside, full)
    return true
  } catch (error) {
    if (isNew && isSystemError(error) && error.code === 'EEXIST') return false
    throw isSystemError(error) ? Object.assign(error, { path: full }) : error
  } finally {
    rmSync(beside, { force: true })
  }
}
