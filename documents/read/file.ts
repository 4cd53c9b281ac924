import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
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

/** The same as text. */
// eslint-disable-next-line @typescript-eslint/require-await -- what fails, fails as a promise
export async function readBounded(path: string, maxBytes: number): Promise<Bounded | undefined> {
  const found = readBytes(path, maxBytes)
  return found === undefined || 'fault' in found ? found : { text: found.bytes.toString('utf8') }
}

const MIB = 1024 * 1024

/**
 * What is in a file, where it is one, and no larger than that; undefined: there is none. Whatever a person, a repository or a saved
 * document names is read by this: a pipe does not block, a device is no file, and one that grows is read no further than its limit.
 * Fails as the system does.
 */
export function readBytes(
  path: string,
  maxBytes = MIB,
): { readonly bytes: Buffer } | { readonly fault: string } | undefined {
  const file = openIfThere(path)
  if (file === undefined) return undefined
  try {
    const found = fstatSync(file)
    // That it is a folder the system says itself.
    if (!found.isFile() && !found.isDirectory()) return { fault: 'it is no file' }
    if (found.size > maxBytes) return tooLarge(maxBytes)
    // One byte more tells a file that has grown, and one of the kernel, which says that it has none.
    const bytes = Buffer.allocUnsafe(Math.max(found.size, SMALL) + 1)
    return readUpTo(file, bytes, maxBytes)
  } finally {
    closeSync(file)
  }
}

const SMALL = 4096

function readUpTo(
  file: number,
  first: Buffer,
  maxBytes: number,
): { readonly bytes: Buffer } | { readonly fault: string } {
  let bytes = first
  let size = 0
  for (;;) {
    const length = readSync(file, bytes, size, bytes.length - size, null)
    size += length
    if (size > maxBytes) return tooLarge(maxBytes)
    if (length === 0) return { bytes: bytes.subarray(0, size) }
    if (size === bytes.length) bytes = Buffer.concat([bytes], 2 * size)
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
