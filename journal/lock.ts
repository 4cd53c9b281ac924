import { randomBytes } from 'node:crypto'
import { link, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Holder, holderDocument } from '../documents/host/index.ts'
import { readDocument } from '../documents/read/index.ts'
import { QstateError } from '../spec/diagnostics/index.ts'
import { bootId } from './boot.ts'
import { isCode, makeFolder, readIfThere, writeDurably } from './files.ts'
import { deniedIn } from './state-folder.ts'

export interface LockOptions {
  readonly who: string
  readonly now: string
  /** Whether to try again after a busy lock; resolves when it is time to, or to false to give up. */
  readonly again: (holder: Holder) => Promise<boolean>
}

export type LockResult =
  { readonly kind: 'held'; release(): Promise<void> } | { readonly kind: 'busy'; readonly holder: Holder }

const LOCK = 'lock'

/** Files that killed runs have left are kept this long, so that none is taken from a run that still needs it. */
const KEEP_MS = 24 * 3600 * 1000

/**
 * One run at a time for one host. The lock is a hard link, which is made atomically; a dead holder's lock is taken over
 * by whoever first links itself as that holder's successor, so that two can never take it over at once.
 */
export async function takeLock(folder: string, options: LockOptions): Promise<LockResult> {
  const own: Holder = {
    token: randomBytes(12).toString('hex'),
    pid: process.pid,
    ...(await identity(process.pid)),
    who: options.who,
    since: options.now,
  }
  const ownPath = join(folder, `${LOCK}.${own.token}`)
  try {
    await makeFolder(folder)
    const { id: schema, version } = holderDocument
    await writeDurably(ownPath, JSON.stringify({ schema, version, ...own }))
  } catch (error) {
    // By the name that people know, and that is the same at the next try.
    if (error instanceof Error && 'syscall' in error) Object.assign(error, { path: join(folder, LOCK) })
    throw deniedIn(folder, error)
  }
  try {
    for (;;) {
      const holder = await attempt(folder, ownPath)
      if (holder === undefined) break
      if (!(await options.again(holder))) return { kind: 'busy', holder }
    }
  } finally {
    await unlink(ownPath).catch(() => undefined)
  }
  await sweep(folder, Date.parse(options.now))
  return { kind: 'held', release: () => release(folder, own) }
}

/** Who is at work on the host now, if anyone. */
export async function lockHolder(folder: string): Promise<Holder | undefined> {
  const text = await readIfThere(join(folder, LOCK))
  const holder = text === undefined ? undefined : parseHolder(text, join(folder, LOCK))
  return holder !== undefined && (await isAlive(holder)) ? holder : undefined
}

/** Undefined when the lock is ours, else who has it. */
async function attempt(folder: string, ownPath: string): Promise<Holder | undefined> {
  const lock = join(folder, LOCK)
  for (;;) {
    if (await tryLink(ownPath, lock)) return undefined
    const text = await readIfThere(lock)
    const result = text === undefined ? 'moved' : await takeOver(folder, ownPath, text)
    if (result !== 'moved') return result === 'taken' ? undefined : result
  }
}

/**
 * Takes the lock over from a dead holder, or from whoever died while doing so. Only one can have the claim to succeed a
 * given holder; whoever has it, and then finds the lock as it was at first, is the only one who may put itself in its
 * place. A latecomer finds another lock, or none (`moved`), and starts over.
 */
async function takeOver(folder: string, ownPath: string, first: string): Promise<Holder | 'taken' | 'moved'> {
  const lock = join(folder, LOCK)
  const seen = new Set<string>()
  let text: string | undefined = first
  while (text !== undefined) {
    const holder = parseHolder(text, lock)
    if (holder !== undefined && (await isAlive(holder))) return holder
    const claim = join(folder, `${LOCK}.after.${holder?.token ?? 'unreadable'}`)
    if (await tryLink(ownPath, claim)) {
      const same = (await readIfThere(lock)) === first
      if (same) await rename(ownPath, lock)
      await unlink(claim)
      return same ? 'taken' : 'moved'
    }
    if (seen.has(claim)) throw new Error(`${claim} is damaged: remove it, and ${lock}`)
    seen.add(claim)
    text = await readIfThere(claim)
  }
  return 'moved'
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

async function release(folder: string, own: Holder): Promise<void> {
  const path = join(folder, LOCK)
  const text = await readIfThere(path)
  if (text !== undefined && parseHolder(text, path)?.token === own.token) await unlink(path)
}

async function sweep(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${LOCK}.`)) continue
    const path = join(folder, name)
    const age = now - (await stat(path).catch(() => ({ mtimeMs: now }))).mtimeMs
    if (age > KEEP_MS) await unlink(path).catch(() => undefined)
  }
}

/**
 * Undefined: it is no lock, and holds nothing. One that a newer qstate has written does, or another program: whether who made it is
 * still at work cannot be told.
 */
function parseHolder(text: string, path: string): Holder | undefined {
  const holder = readDocument(holderDocument, text, path)
  if (holder.ok) return holder.value
  if (holder.problem.code === 'document-damaged') return undefined
  throw new QstateError(holder.problem)
}

async function isAlive(holder: Holder): Promise<boolean> {
  const now = await identity(holder.pid)
  return now.started !== '' && now.started === holder.started && now.boot === holder.boot
}

/** Start time of a process, empty if there is none, and the boot that it counts from. */
async function identity(pid: number): Promise<{ readonly started: string; readonly boot: string }> {
  const boot = await bootId()
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name in parentheses may hold anything; fields are counted after it.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
  const zombie = fields[0] === 'Z' || fields[0] === 'X'
  return { boot, started: zombie ? '' : (fields[19] ?? '') }
}
