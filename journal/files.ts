import { closeSync, fchmodSync, fsync, openSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * What is kept here is small and local, so that it is written in place: to hand each step to a thread would cost ten times as much
 * as the step. Flushes are waited for beside other work. Each is for one of these, and a kill without a power cut needs none:
 *
 * - The plan of a generation, before the first write to the host: a rollback goes by it.
 * - The first step of a qube, before its write: history names each qube that may have been written to. What was there before it stands
 *   in the plan and in the receipt, so that of later steps a power cut costs history the count.
 * - A receipt that accepts something new, before that is written to the qube: each record is proven, and each value of ours known. The
 *   mark of an open one is made before it, and is flushed with it.
 * - All other receipts of a run, before they take the place of the last one; that they have it is flushed once, ahead of the report. Each
 *   accepts less than the one before it, to which a power cut may take it back: then the qube is as if the run had been cut off a step
 *   earlier, and the next run closes it.
 * - The report, at the end; the lock and the mark of an apply on trial, before what they announce.
 */

/** Writes beside the place, flushes, renames, flushes the folder: after this returns, the file survives a power cut. */
export async function writeDurably(path: string, text: string | Iterable<string>): Promise<void> {
  await replaceFile(path, text, (file) => flushed(file, fsync))
  await syncFolder(dirname(path))
}

/** Writes beside the place and renames: whoever reads finds the old text or the new one, also after this process was killed. */
export async function replaceFile(
  path: string,
  text: string | Iterable<string>,
  flush: (file: number) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const beside = `${path}.${process.pid}.new`
  try {
    const file = createFile(beside)
    try {
      // Each goes on where the last ended.
      for (const part of typeof text === 'string' ? [text] : text) writeFileSync(file, part)
      await flush(file)
    } finally {
      closeSync(file)
    }
    renameSync(beside, path)
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined)
    // Of a file that is open the system names nothing.
    if (error instanceof Error && 'syscall' in error && !('path' in error)) Object.assign(error, { path })
    throw error
  }
}

/** Makes a file, which in a shared folder those who share that may write, too. */
export function createFile(path: string): number {
  const file = openSync(path, 'w', 0o600)
  if (isShared(dirname(path))) fchmodSync(file, 0o660)
  return file
}

export async function syncFolder(path: string): Promise<void> {
  const folder = openSync(path, 'r')
  try {
    await flushed(folder, fsync)
  } finally {
    closeSync(folder)
  }
}

/** Waits for `fsync` or `fdatasync` of an open file. */
export const flushed = (file: number, flush: typeof fsync): Promise<void> =>
  new Promise((resolve, reject) => {
    flush(file, (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })

/** Makes a folder, and those around it: for its owner alone, and in a shared one for those who share that. */
export async function makeFolder(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return
  const around = dirname(path)
  await makeFolder(around)
  const shared = isShared(around)
  try {
    await mkdir(path, { mode: shared ? 0o770 : 0o700 })
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    return
  }
  // The umask of a person may have taken the group's rights. That of the unit takes none, and the unit may not do this.
  if (shared && ((await stat(path)).mode & 0o770) !== 0o770) await chmod(path, 0o2770)
}

/** A folder that only owner and group may write, and whose group is also that of what is made in it. */
const isShared = (folder: string): boolean => (statSync(folder).mode & 0o2022) === 0o2020

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

export const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
