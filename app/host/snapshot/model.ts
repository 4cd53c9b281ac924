import { type HostSnapshot, snapshotDocument } from '../../../documents/host/index.ts'
import { readFileDocument } from '../../../documents/read/index.ts'
import { escapeForTerminal, type Result } from '../../../spec/diagnostics/index.ts'

export type QubeSnapshot = HostSnapshot['qubes'][number]

export const HOST_TABLES = ['host:SLIC', 'host:MSDM'] as const

/** The snapshot in a file. It may have been sent by anybody: whatever would move a terminal's cursor or begin a line comes escaped. */
export const readSnapshot = (path: string, where: string): Promise<Result<HostSnapshot> | undefined> =>
  readFileDocument(snapshotDocument, path, where, (value, key) =>
    escapeForTerminal(key === 'hint' ? value.replace(/\n */g, ' ') : value),
  )
