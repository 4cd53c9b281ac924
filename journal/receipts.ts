import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Receipts } from '../reconciler/index.ts'
import { receiptDocument } from '../documents/host/index.ts'
import { documentText, readFileDocument } from '../documents/read/index.ts'
import { type Problem } from '../spec/diagnostics/index.ts'
import { makeFolder, readIfThere, writeDurably } from './files.ts'

/**
 * Receipts as files: `owned/UUID.json` below the state folder of a host, and `owned/open`, which lists those that are open, and
 * `owned/matched`. Whoever can write there is this installation; unlike generations they are needed, and without them every qube waits for `adopt`. `warn` is told of
 * a receipt that cannot be read, which proves nothing.
 */
export function fileReceipts(stateFolder: string, warn: (problem: Problem) => void): Receipts {
  const folder = join(stateFolder, 'owned')
  const list = join(folder, 'open')
  const matchedFile = join(folder, 'matched')
  let listed: Promise<Set<string>> | undefined
  let last: Promise<unknown> = Promise.resolve()
  const readList = (): Promise<Set<string>> =>
    (listed ??= readIfThere(list).then((text) => new Set(text?.split('\n').filter((line) => line !== ''))))
  /** One after the other, so that no change of the list is lost. */
  const mark = (key: string, isOpen: boolean): Promise<void> => {
    const next = last.then(async () => {
      const keys = await readList()
      if (keys.has(key) === isOpen) return
      if (isOpen) keys.add(key)
      else keys.delete(key)
      await writeDurably(list, [...keys].map((one) => `${one}\n`).join(''))
    })
    last = next.catch(() => undefined)
    return next
  }
  return {
    async read(key) {
      const read = await readFileDocument(receiptDocument, join(folder, nameOf(key)))
      if (read?.ok === false) warn(read.problem)
      if (read?.ok !== true) return undefined
      const { accepted, open, was, base, matched } = read.value
      return { accepted, open, was, base, ...(matched === undefined ? {} : { matched }) }
    },
    // Listed for as long as it may be open: a key that is listed and not open costs a look.
    async write(key, receipt) {
      await makeFolder(folder)
      if (receipt.open) await mark(key, true)
      await writeDurably(join(folder, nameOf(key)), documentText(receiptDocument, receipt))
      if (!receipt.open) await mark(key, false)
    },
    async remove(key) {
      await rm(join(folder, nameOf(key)), { force: true })
      await mark(key, false)
    },
    open: async () => new Set(await readList()),
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

/** A key is a name in no other folder. */
function nameOf(key: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(key))
    throw new Error(`${JSON.stringify(key)} is no key of a receipt`)
  return `${key}.json`
}
