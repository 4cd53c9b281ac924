import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes beside the place, flushes file and folder, renames: after this returns, the file survives a power cut. */
export async function writeDurably(path: string, text: string | Iterable<string>): Promise<void> {
  const beside = `${path}.${process.pid}.new`
  try {
    const file = await open(beside, 'w', 0o600)
    try {
      if (await isShared(dirname(path))) await file.chmod(0o660)
      // Each goes on where the last ended.
      for (const part of typeof text === 'string' ? [text] : text) await file.writeFile(part)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined)
    // Of a file that is open the system names nothing.
    if (error instanceof Error && 'syscall' in error && !('path' in error)) Object.assign(error, { path })
    throw error
  }
  await syncFolder(dirname(path))
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Makes a folder, and those around it: for its owner alone, and in a shared one for those who share that. */
export async function makeFolder(path: string): Promise<void> {
  if (await isThere(path)) return
  const around = dirname(path)
  await makeFolder(around)
  const shared = await isShared(around)
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
export const isShared = async (folder: string): Promise<boolean> =>
  ((await stat(folder)).mode & 0o2022) === 0o2020

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false
    throw error
  }
}

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
