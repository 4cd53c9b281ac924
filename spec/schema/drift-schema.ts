import { DRIFT_GROUPS, DRIFT_WORDS, SETTINGS } from '../vocabulary/index.ts'
import { mapOf, union, words } from './schema-parts.ts'

const driftWord = { ...words(...DRIFT_WORDS), 'x-expected': 'correct or report' }

/** Of a body, and of an agent: editors complete areas and settings with a name of their own; the reader knows all others. */
export const drift = union(
  'correct, report, or a map of areas and settings to them',
  [
    words(...DRIFT_WORDS),
    {
      ...mapOf('a map of areas, and settings such as qube/memory, to correct or report', driftWord),
      properties: Object.fromEntries(
        [...DRIFT_GROUPS, ...SETTINGS.map(({ path }) => path)].map((key) => [key, driftWord]),
      ),
    },
  ],
  {
    description:
      'What is done about settings that someone has changed on the host since qstate set them. report: told, and left until the spec changes. Without it: correct.',
  },
)
