import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readBytes } from '../../documents/read/index.ts'
import { type Observation } from '../../reconciler/index.ts'
import { problem } from '../../spec/diagnostics/index.ts'

/** The files of dom0, as far as they can be seen from here. */
export interface Dom0 {
  /** `/`, or the folder that stands in for it; null where dom0's files cannot be seen. */
  readonly root: string | null
  /** Names in a folder; absent where there is no such folder. */
  readonly list: (folder: string) => Observation<readonly string[]>
  readonly read: (file: string) => Observation<Buffer>
}

export const dom0Files = (root: string | null): Dom0 => ({
  root,
  list: (folder) => look(root, folder, (path) => readdirSync(path)),
  read: (file) => look(root, file, readFile),
})

function readFile(path: string): Buffer {
  const found = readBytes(path)
  if (found !== undefined && 'bytes' in found) return found.bytes
  throw Object.assign(new Error(path), { code: found?.fault ?? 'ENOENT' })
}

function look<T>(root: string | null, path: string, read: (path: string) => T): Observation<T> {
  const full = `/${path}`
  if (root === null)
    return { status: 'unknown', problem: problem('file', 'the files of dom0 cannot be seen from here', '') }
  try {
    return { status: 'present', value: read(join(root, path)) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'ENOENT' || code === 'ENOTDIR') return { status: 'absent' }
    const hint = code === 'EACCES' ? 'run this as root' : 'see to the file system of dom0'
    const message =
      code === 'EACCES' ? `no permission to read ${full}` : `${full} cannot be read (${String(code)})`
    return { status: 'unknown', problem: problem('file', message, hint) }
  }
}
