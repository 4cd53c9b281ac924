import * as Type from 'typebox'
import { about, count, type DocumentOf, KIB, text, unmarkedTable } from '../table/index.ts'

export const holderTable = unmarkedTable(
  'qstate.lock',
  'The process that holds a lock.',
  {
    title: 'lock',
    maxBytes: 64 * KIB,
    hint: 'when no qstate runs on this machine, remove that file',
  },
  {
    token: Type.String({ pattern: '^[0-9a-f]{24}$' }),
    pid: count,
    started: about(
      'In clock ticks since boot: another process of the same number started at another time.',
      text,
    ),
    boot: text,
    who: text,
    since: text,
  },
)

export type Holder = DocumentOf<typeof holderTable>
