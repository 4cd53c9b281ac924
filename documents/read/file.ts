import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Result } from '../../spec/diagnostics/index.ts'
import { damagedDocument, type Document, readDocument } from './document.ts'
import { type Revive, tooLarge } from './json.ts'

/** The document in a file; undefined: there is no such file. `where`: as people name it. `revive`: see `parseJson`. */
export async function readFileDocument<T>(
  document: Document<T>,
  path: string,
  where = path,
  revive?: Revive,
): Promise<Result<T> | undefined> {
  const found = await readBounded(path, document.maxBytes)
  if (found === undefined) return undefined
  return 'fault' in found
    ? damagedDocument(document, where, found.fault)
    : readDocument(document, found.text, where, revive)
}

export type Bounded = { readonly text: string } | { readonly fault: string }

/** The text of a file, where it is one, and no larger than that. Undefined: there is none. */
export async function readBounded(path: string, maxBytes: number): Promise<Bounded | undefined> {
  const file = await openIfThere(path)
  if (file === undefined) return undefined
  try {
    const found = await file.stat()
    // That it is a folder the system says itself.
    if (!found.isFile() && !found.isDirectory()) return { fault: 'it is no file' }
    return found.size > maxBytes ? tooLarge(maxBytes) : { text: await file.readFile('utf8') }
  } finally {
    await file.close()
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    // What is a pipe by now keeps nobody waiting.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
