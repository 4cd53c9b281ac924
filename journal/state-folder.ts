import { lstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { problem, QstateError } from '../spec/diagnostics/index.ts'

/**
 * A folder of qstate's state, below the one that all of it is in. What lies there decides what an agent does as root, and what a
 * rollback writes: where others may write, nothing of it is believed. Fails with QstateError.
 */
export function safeFolder(base: string, ...below: readonly string[]): string {
  let path = base
  requireSafe(path)
  for (const part of below) {
    path = join(path, part)
    requireSafe(path)
  }
  return path
}

/** What is not there yet is made for its owner alone. */
function requireSafe(path: string): void {
  const [link, folder] = [ownerOf(() => lstatSync(path)), ownerOf(() => statSync(path))]
  for (const found of [link, folder])
    if (found !== null && found.uid !== 0 && found.uid !== process.geteuid?.())
      throw unsafe(path, `it belongs to another user (${found.uid})`, `\`chown\` it to the user of qstate`)
  // A link has no mode of its own.
  if (folder !== null && (folder.mode & OTHERS_WRITE) !== 0)
    throw unsafe(path, 'others may write there', `\`chmod go-w ${path}\``)
}

const OTHERS_WRITE = 0o022

/** Null: there is nothing, or nothing that may be read, and so nothing to believe. */
function ownerOf(stat: () => { uid: number; mode: number }): { uid: number; mode: number } | null {
  try {
    return stat()
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOTHING.has(error.code)) return null
    throw error
  }
}

const NOTHING: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EACCES'])

const unsafe = (path: string, why: string, what: string): QstateError =>
  new QstateError(
    problem(
      'unsafe-state-folder',
      `${path}: ${why}, so nothing that qstate keeps there is believed`,
      `see what it holds, then ${what}; --state-dir names another folder`,
    ),
  )
