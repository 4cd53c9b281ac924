import * as Type from 'typebox'
import { about, count, type DocumentOf, KIB, text, time, unmarkedTable, words } from '../table/index.ts'

export const generationTable = unmarkedTable(
  'qstate.generation',
  'Who made a generation, when, and by which command.',
  { title: 'generation', maxBytes: 64 * KIB, hint: '`qstate history` lists the others' },
  {
    kind: Type.Optional(
      about(
        'A person’s command, the agent’s own run, or a rollout’s. Earlier versions did not say.',
        words('apply', 'adopt', 'release', 'withdraw', 'rollback', 'agent', 'rollout'),
      ),
    ),
    undoes: Type.Optional(about('Generations that a rollback undoes, the newest first.', Type.Array(count))),
    who: text,
    at: time,
    pid: count,
  },
)

export type GenerationMeta = DocumentOf<typeof generationTable>
