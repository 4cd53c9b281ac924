import { link, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseJson, readBounded } from '../../documents/read/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { maxBytesOf, parsedValue } from './read.ts'
import { type Entry, type Store } from './store.ts'

/** Time, as the store needs it: it looks again every so often. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>

const LOOK_EVERY_MS = 300
/** Old revisions that are left, so that a reader that has just been told of one still finds it. */
const KEEP = 8

/**
 * A folder of this machine, for one person with a few hosts. A document is a folder, each revision a file in it that is made by a
 * hard link: whoever makes the next number first has written it, and no one else has. No process holds anything that another
 * could wait for.
 */
export function localStore(folder: string, sleep: Sleep): Store {
  const folderOf = (key: string): string => join(folder, `${key}.d`)
  return {
    where: folder,
    get: (key) => guarded(folder, () => read(folderOf(key), key)),
    put: (key, value, over) => guarded(folder, () => write(folderOf(key), value, over)),
    list: (group) => guarded(folder, () => list(folder, group)),
    watch: (group, signal) => watch(folder, group, signal, sleep),
    close: () => Promise.resolve(),
  }
}

async function read(folder: string, key: string): Promise<Entry | null> {
  for (;;) {
    const revision = (await revisions(folder)).at(-1)
    if (revision === undefined) return null
    const path = join(folder, nameOf(revision))
    try {
      const max = maxBytesOf(key)
      const [found, { mtime }] = await Promise.all([readBounded(path, max), stat(path)])
      // So many have been written since that this one is gone.
      if (found === undefined) continue
      const parsed = 'text' in found ? parseJson(found.text, max) : found
      return { key, ...parsedValue(parsed), revision, at: mtime.toISOString() }
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error
    }
  }
}

async function write(folder: string, value: object, over: number): Promise<number | null> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const known = await revisions(folder)
  if ((known.at(-1) ?? 0) !== over) return null
  const beside = join(folder, `.${process.pid}.${(made += 1)}.new`)
  const revision = over + 1
  try {
    const file = await open(beside, 'w', 0o600)
    try {
      await file.writeFile(JSON.stringify(value))
      await file.sync()
    } finally {
      await file.close()
    }
    await link(beside, join(folder, nameOf(revision)))
  } catch (error) {
    if (isCode(error, 'EEXIST')) return null
    throw error
  } finally {
    // Also where the disk is full: it would be left again and again.
    await rm(beside, { force: true })
  }
  // Old ones go in order: where the one before is gone, ours was written and gone too before we made its number again.
  if (over > 0 && !(await revisions(folder)).includes(over)) {
    await rm(join(folder, nameOf(revision)), { force: true })
    return null
  }
  await sync(folder)
  for (const old of known.filter((one) => one > 1 && one <= revision - KEEP))
    await rm(join(folder, nameOf(old)), { force: true })
  return revision
}

let made = 0

/** In order. The first one stays for ever, so that nothing is ever written as the first again. */
async function revisions(folder: string): Promise<readonly number[]> {
  return (await namesIn(folder))
    .filter((name) => /^[0-9]{12}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

const nameOf = (revision: number): string => String(revision).padStart(12, '0')

async function list(folder: string, group: string): Promise<readonly Entry[]> {
  const names = await namesIn(join(folder, group))
  const keys = names.filter((name) => name.endsWith('.d')).map((name) => group + name.slice(0, -2))
  const entries = await Promise.all(keys.map((key) => read(join(folder, `${key}.d`), key)))
  return entries.filter((entry) => entry !== null)
}

async function* watch(
  folder: string,
  group: string,
  signal: AbortSignal,
  sleep: Sleep,
): AsyncGenerator<Entry> {
  const told = new Map<string, number>()
  while (!signal.aborted) {
    for (const entry of await guarded(folder, () => list(folder, group))) {
      if (told.get(entry.key) === entry.revision) continue
      told.set(entry.key, entry.revision)
      yield entry
    }
    await sleep(LOOK_EVERY_MS, signal)
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return []
    throw error
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function guarded<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    const isFull = isCode(error, 'ENOSPC')
    const message = isFull ? `${folder}: no space is left there` : `${folder}: ${error.message}`
    const hint = isFull ? 'make room there: nothing is lost' : 'see to that folder: whose it is, and its disk'
    throw new QstateError(problem('store-unreachable', message, hint), { cause: error })
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
