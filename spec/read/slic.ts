import { createHash } from 'node:crypto'
import { problem, quote, warningAt } from '../diagnostics/index.ts'
import { OFF, UNMANAGED } from '../vocabulary/index.ts'
import { get, type Written, type WrittenMap, type WrittenText } from '../yaml/index.ts'
import { complain, type Draft, say, value } from './context.ts'

const PATH = 'slic/tables'
export const HOST_SLIC = 'host:SLIC'
const HOST_MSDM = 'host:MSDM'

/** `slic`: `host`, `off`, one file, or a list of tables that the guest gets one after the other. */
export function readSlic(written: Written, draft: Draft): void {
  if (written.kind === 'text') {
    if (written.value === 'host') say(draft, 'slic', PATH, value([HOST_SLIC]), written.position)
    if (written.value === OFF) say(draft, 'slic', PATH, value([]), written.position)
    if (written.value === UNMANAGED) say(draft, 'slic', PATH, { unmanaged: true }, written.position)
  }
  if (written.kind !== 'map') return
  const list = get(written, 'tables')
  const file = get(written, 'file')
  if (list !== undefined && file !== undefined) {
    complain(
      draft,
      file.position,
      problem(
        'file-and-tables',
        'there is a list of tables and a file beside it',
        'write the file as one of the tables',
      ),
    )
    return
  }
  if (list === undefined && file === undefined) {
    complain(
      draft,
      written.position,
      problem(
        'missing-key',
        'neither file nor tables is given',
        'expected file and sha256, or tables; slic: off for none',
      ),
    )
    return
  }
  const tables = list?.kind === 'list' ? readTables(list.items, draft) : readFile(written, draft)
  if (tables !== undefined) say(draft, 'slic', PATH, value(tables), (list ?? file ?? written).position)
}

function readTables(items: readonly Written[], draft: Draft): readonly string[] | undefined {
  const tables: string[] = []
  let sound = true
  for (const item of items) {
    const read = draft.reading.refused.has(item) ? undefined : readTable(item, draft)
    if (read === undefined) {
      sound = false
      continue
    }
    if (tables.includes(read)) {
      sound = false
      complain(
        draft,
        item.position,
        problem('table-twice', `the table ${quote(read)} is here twice`, 'keep one of them'),
      )
    }
    tables.push(read)
  }
  return sound ? tables : undefined
}

function readTable(item: Written, draft: Draft): string | undefined {
  if (item.kind === 'map') return readFile(item, draft)?.[0]
  if (item.kind !== 'text') return undefined
  if (item.value === HOST_MSDM) {
    const what = problem(
      'msdm-table',
      'host:MSDM hands the product key of this machine to the qube',
      'the key is a secret of the machine; several tables in one are experimental on Qubes',
    )
    draft.reading.report(warningAt(item.position, what))
  }
  return item.value
}

function readFile(written: WrittenMap, draft: Draft): readonly string[] | undefined {
  const file = get(written, 'file')
  const sha256 = get(written, 'sha256')
  if (file?.kind !== 'text' || draft.reading.refused.has(file)) return undefined
  if (sha256 === undefined) {
    complain(
      draft,
      file.position,
      problem(
        'missing-key',
        'the file has no sha256 beside it',
        `expected sha256: what sha256sum ${file.value.slice(0, 60)} prints`,
      ),
    )
    return undefined
  }
  if (sha256.kind !== 'text' || draft.reading.refused.has(sha256)) return undefined
  const sound = checkBytes(file, sha256.value, draft)
  return sound ? [`file:${sha256.value}`] : undefined
}

function checkBytes(file: WrittenText, sha256: string, draft: Draft): boolean {
  const { readTable, tables } = draft.reading
  if (readTable === undefined) return true
  const bytes = readTable(file.value, file.position.file)
  if (typeof bytes === 'string') {
    complain(
      draft,
      file.position,
      problem(
        'unreadable-file',
        `${quote(file.value)} cannot be read: ${bytes}`,
        'the path is taken from the directory of this file',
      ),
    )
    return false
  }
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== sha256) {
    complain(
      draft,
      file.position,
      problem(
        'other-digest',
        `${quote(file.value)} is another file than sha256 says`,
        `its digest is ${found}`,
      ),
    )
    return false
  }
  tables.set(sha256, bytes)
  return true
}
