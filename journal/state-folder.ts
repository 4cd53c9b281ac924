import { lstatSync, opendirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { problem, QstateError } from '../spec/diagnostics/index.ts'

/**
 * A folder of qstate's state, below the one that all of it is in. What lies there decides what an agent does as root, and what a
 * rollback writes: where others may write, nothing of it is believed. Fails with QstateError.
 *
 * The one exception is a folder that belongs to root and to the group `qubes`, as the packages make it: on a machine of Qubes OS that
 * group is root anyway. All who may apply there share lock, receipts and history.
 */
export function safeFolder(base: string, ...below: readonly string[]): string {
  const group = qubesGroup()
  const isShared = isInShared(base, group)
  let path = base
  requireSafe(path, isShared, group)
  for (const part of below) {
    path = join(path, part)
    requireSafe(path, isShared, group)
  }
  return path
}

/** Whether a folder is shared, or one that a user of the group has made in a shared one. */
function isInShared(path: string, group: number | null): boolean {
  const folder = ownerOf(() => statSync(path))
  if (folder === null) return false
  return (
    isSharedBy(folder, group) ||
    (isSharedBy({ uid: 0, gid: folder.gid, mode: folder.mode }, group) && isInShared(dirname(path), group))
  )
}

/** Whether a folder is one that root shares with one group alone. */
export const isSharedBy = ({ uid, gid, mode }: Owner, group: number | null): boolean =>
  uid === 0 && gid === group && (mode & (GROUP_WRITES | OTHERS_WRITE)) === GROUP_WRITES

interface Owner {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** Why what lies in a folder is not believed; null: it is. In a shared one each of the group may have made a folder. */
export function whyUnsafe(
  { uid, gid, mode }: Owner,
  isShared: boolean,
  { group, user }: { readonly group: number | null; readonly user: number },
): 'owner' | 'mode' | null {
  if (!isShared && uid !== 0 && uid !== user) return 'owner'
  const others = isShared && gid === group ? OTHERS_WRITE : GROUP_WRITES | OTHERS_WRITE
  return (mode & others) === 0 ? null : 'mode'
}

/** What is not there yet is made for its owner alone, or for the group that shares the folder around it. */
function requireSafe(path: string, isShared: boolean, group: number | null): void {
  const folder = ownerOf(() => statSync(path))
  const link = ownerOf(() => lstatSync(path))
  const by = { group, user: process.geteuid?.() ?? 0 }
  // A link has no mode of its own, and is root's or this user's everywhere.
  const linked =
    link?.isSymbolicLink() === true ? whyUnsafe({ uid: link.uid, gid: link.gid, mode: 0 }, false, by) : null
  const why = linked ?? (folder === null ? null : whyUnsafe(folder, isShared, by))
  if (why === 'owner') {
    const uid = (linked === null ? folder : link)?.uid
    throw unsafe(path, `it belongs to another user (${uid})`, `\`chown\` it to the user of qstate`)
  }
  if (why === 'mode') throw unsafe(path, 'others may write there', `\`chmod go-w ${path}\``)
  if (folder !== null) requireReadable(path)
}

/** The same of a folder that this user may not open: said of the folder, and with what to do. */
export function deniedIn(folder: string, error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && DENIED.has(error.code))) return error
  const message = `${folder}: this user may not read and write there, where qstate keeps lock, receipts and history`
  return new QstateError(problem('state-folder-denied', message, HOW_TO_SHARE))
}

function requireReadable(folder: string): void {
  try {
    opendirSync(folder).closeSync()
  } catch (error) {
    const denied = deniedIn(folder, error)
    // What else is wrong with it is found where it is used, and said of the file.
    if (denied !== error) throw denied
  }
}

const HOW_TO_SHARE =
  'on Qubes OS, `sudo install -d -o root -g qubes -m 2770 FOLDER` makes the folder that all of the group qubes share (`sudo chgrp -R qubes FOLDER; sudo chmod -R g+rwX FOLDER` where it has files); --state-dir or QSTATE_STATE_DIR names another folder'

const GROUP_WRITES = 0o020
const OTHERS_WRITE = 0o002

/** Null: there is nothing, or nothing that may be read, and so nothing to believe. */
function ownerOf(stat: () => Stats): Stats | null {
  try {
    return stat()
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOTHING.has(error.code)) return null
    throw error
  }
}

const NOTHING: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EACCES'])
const DENIED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EROFS'])

/** Number of the group `qubes`; null: there is none, so that this is no machine of Qubes OS. */
function qubesGroup(): number | null {
  try {
    const [, number] = /^qubes:[^:]*:([0-9]+):/m.exec(readFileSync('/etc/group', 'utf8')) ?? []
    return number === undefined ? null : Number(number)
  } catch {
    return null
  }
}

const unsafe = (path: string, why: string, what: string): QstateError =>
  new QstateError(
    problem(
      'unsafe-state-folder',
      `${path}: ${why}, so nothing that qstate keeps there is believed`,
      `see what it holds, then ${what}; --state-dir names another folder`,
    ),
  )
