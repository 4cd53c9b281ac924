import { closeSync, existsSync, fdatasync, rmSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mapLimited, type Receipt, type Receipts } from '../reconciler/index.ts'
import { receiptDocument } from '../documents/host/index.ts'
import { documentText, readFileDocument } from '../documents/read/index.ts'
import { type Problem } from '../spec/diagnostics/index.ts'
import {
  isCode,
  makeFolder,
  createFile,
  flushed,
  readIfThere,
  replaceFile,
  syncFolder,
  writeDurably,
} from './files.ts'

export interface FileReceipts extends Receipts {
  /** Once it returns, all that was written survives a power cut. */
  flush(): Promise<void>
}

/**
 * Receipts as files: `owned/UUID.json` below the state folder of a host, beside each that may be open an empty `owned/UUID.open`, and
 * `owned/matched`. Whoever can write there is this installation; unlike generations they are needed, and without them every qube waits for `adopt`. `warn` is told of
 * a receipt that cannot be read, which proves nothing.
 */
export function fileReceipts(stateFolder: string, warn: (problem: Problem) => void): FileReceipts {
  const folder = join(stateFolder, 'owned')
  const matchedFile = join(folder, 'matched')
  const markOf = (key: string): string => join(folder, `${key}${OPEN}`)
  let isFolderBehind = false
  const names = (): Promise<readonly string[]> => readdir(folder).catch(nothingThere)
  const read = async (key: string): Promise<Receipt | undefined> => {
    const found = await readFileDocument(receiptDocument, join(folder, fileOf(key)))
    if (found?.ok === false) warn(found.problem)
    if (found?.ok !== true) return undefined
    const { accepted, open, was, base, qube, matched } = found.value
    const named = qube === undefined ? {} : { qube }
    return { accepted, open, was, base, ...named, ...(matched === undefined ? {} : { matched }) }
  }
  return {
    read,
    // Marked for as long as it may be open: one that is marked and not open costs a look.
    async write(key, receipt, narrows = false) {
      const path = join(folder, fileOf(key))
      await makeFolder(folder)
      if (receipt.open && !existsSync(markOf(key))) closeSync(createFile(markOf(key)))
      const text = documentText(receiptDocument, receipt)
      if (narrows) {
        await replaceFile(path, text, (file) => flushed(file, fdatasync))
        isFolderBehind = true
      } else await writeDurably(path, text)
      if (!receipt.open) rmSync(markOf(key), { force: true })
    },
    async remove(key) {
      for (const path of [join(folder, fileOf(key)), markOf(key)])
        if (existsSync(path)) await rm(path, { force: true })
    },
    async move(from, to) {
      const [old, now] = [join(folder, fileOf(from)), join(folder, fileOf(to))]
      if (!existsSync(old)) return
      if (existsSync(markOf(from)) && !existsSync(markOf(to))) closeSync(createFile(markOf(to)))
      await rename(old, now)
      await syncFolder(folder)
      rmSync(markOf(from), { force: true })
    },
    async ofNames(qubes) {
      const keys = (await names()).flatMap((file) => UUID_FILE.exec(file)?.[1] ?? [])
      const found = await mapLimited(keys, 8, async (key) => [key, (await read(key))?.qube ?? ''] as const)
      return new Map(found.filter(([, qube]) => qubes.has(qube)))
    },
    async flush() {
      if (isFolderBehind) await syncFolder(folder)
      isFolderBehind = false
    },
    async open() {
      const marked = (await names()).filter((name) => name.endsWith(OPEN))
      return new Set(marked.map((name) => name.slice(0, -OPEN.length)))
    },
    matched: async () => (await readIfThere(matchedFile)) ?? null,
    async setMatched(digest) {
      if (digest === null) await rm(matchedFile, { force: true })
      else {
        await makeFolder(folder)
        await writeDurably(matchedFile, digest)
      }
    },
  }
}

/** Whether it is known what was last written on a qube. */
export const hasReceipt = (stateFolder: string, uuid: string): boolean =>
  UUID_FILE.test(`${uuid}.json`) && existsSync(join(stateFolder, 'owned', `${uuid}.json`))

const OPEN = '.open'

/** Beside them lie those of qubes that are being created, and what is known of all of them. */
const UUID_FILE = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json$/

function nothingThere(error: unknown): readonly string[] {
  if (isCode(error, 'ENOENT')) return []
  throw error
}

/** A key is a name in no other folder. */
function fileOf(key: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(key))
    throw new Error(`${JSON.stringify(key)} is no key of a receipt`)
  return `${key}.json`
}
