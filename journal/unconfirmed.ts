import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Unconfirmed, unconfirmedDocument } from '../documents/host/index.ts'
import { documentText, readFileDocument } from '../documents/read/index.ts'
import { QstateError } from '../spec/diagnostics/index.ts'
import { isCode, syncFolder, writeDurably } from './files.ts'

/** What a mark says, beside what kind of document it is. */
export type MarkContent = Omit<Unconfirmed, 'schema' | 'version'>

/** An apply that waits to be confirmed, or that is being taken back. Other runs are refused until there is none. */
export interface Mark {
  readonly state: 'waiting' | 'reverting'
  readonly path: string
  readonly content: MarkContent
}

/**
 * A mark is one file, and its name is its state. It leaves `waiting` by a rename, so that of those that confirm it and those that
 * take it back only one can. systemd/qstate-unconfirmed.service finds the first two.
 */
const FILES = {
  waiting: 'unconfirmed.json',
  reverting: 'unconfirmed-reverting.json',
  confirmed: 'confirmed.json',
  reverted: 'reverted.json',
} as const

/** Null: nothing waits. Fails with QstateError where one exists that cannot be read: what it is about is not known. */
export async function readMark(folder: string): Promise<Mark | null> {
  for (const state of ['reverting', 'waiting'] as const) {
    const path = join(folder, FILES[state])
    const content = await readContent(path)
    if (content !== null) return { state, path, content }
  }
  return null
}

/** The last apply that was taken back since it was not confirmed, until a person has decided on its commit. */
export const readReverted = (folder: string): Promise<MarkContent | null> =>
  readContent(join(folder, FILES.reverted))

async function readContent(path: string): Promise<MarkContent | null> {
  const read = await readFileDocument(unconfirmedDocument, path)
  if (read === undefined) return null
  if (!read.ok) throw new QstateError(read.problem)
  return read.value
}

/** Marks an apply, or replaces its mark. The caller holds the lock of the host. */
export const writeMark = (folder: string, content: MarkContent): Promise<void> =>
  writeDurably(join(folder, FILES.waiting), documentText(unconfirmedDocument, content))

/** Confirms an apply, or begins to take it back. False: another process has done one of the two. */
export async function claimMark(folder: string, as: 'confirmed' | 'reverting'): Promise<boolean> {
  if (!(await move(folder, 'waiting', as))) return false
  if (as === 'confirmed') await rm(join(folder, FILES.confirmed), { force: true })
  return true
}

/** All of it has been taken back. */
export async function finishRevert(folder: string): Promise<void> {
  await move(folder, 'reverting', 'reverted')
}

/** A person has decided on the commit that was taken back. */
export const forgetReverted = (folder: string): Promise<void> =>
  rm(join(folder, FILES.reverted), { force: true })

async function move(folder: string, from: keyof typeof FILES, to: keyof typeof FILES): Promise<boolean> {
  try {
    await rename(join(folder, FILES[from]), join(folder, FILES[to]))
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false
    throw error
  }
  await syncFolder(folder)
  return true
}
