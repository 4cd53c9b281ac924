import { type Baseline } from '../../reconciler/index.ts'
import { about, type DocumentOf, type Holds, mapOf, MIB, type Same, table, texts } from '../table/index.ts'

export const baselineTable = table(
  'qstate.baseline',
  'What was owned when a person last agreed to a withdrawal, with what was taken since: withdrawals are measured against it.',
  {
    title: 'baseline of withdrawals',
    maxBytes: 64 * MIB,
    hint: 'remove it: what is owned now takes its place',
  },
  { owned: about('Paths by the UUID of a qube.', mapOf(texts)) },
)

/** The core’s own type: that it is what the table says is checked here. */
export type StoredBaseline =
  Holds<Same<DocumentOf<typeof baselineTable>['owned'], Baseline>> extends true
    ? DocumentOf<typeof baselineTable>
    : never
