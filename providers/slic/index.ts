import { type HostCall, type Provider } from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { SLIC_TABLES, UNNAMED_DISPOSABLE, type Value } from '../../spec/index.ts'
import { EDITED, OUTDATED } from './store.ts'

/**
 * No calls of the Admin API: in dom0 qstate writes the files itself, and from a management qube these are the qrexec
 * services of `dom0/`. The payload names tables, and never holds their bytes.
 */
export const SLIC_GET = 'qstate.slic.Get'
export const SLIC_SET = 'qstate.slic.Set'
export const SLIC_REMOVE = 'qstate.slic.Remove'
export const SLIC_LIST = 'qstate.slic.List'

/** OEM activation: the ACPI tables that a qube gets. No table and no template are the same thing. */
export const slic: Provider = {
  area: 'slic',
  need: () => ({ kind: 'slic' }),
  decode: (_, reading) => reading.slic(),
  normalize: (_, value) => (isEmpty(value) ? null : value),
  // Nobody else makes templates like ours: before qstate there was none.
  original: () => null,
  isOwnMaking: (_, value) => Array.isArray(value) && String(value[0]).startsWith(OUTDATED),
  calls({ qube, path, after }, { hostTables, qube: { klass } }) {
    if (path !== SLIC_TABLES) throw new Error(`${path} is no setting of slic`)
    if (!Array.isArray(after)) return [{ dest: 'dom0', method: SLIC_REMOVE, arg: qube, payload: '' }]
    const unfit = after
      .map(String)
      .map(unfitness)
      .find((what) => what !== undefined)
    if (unfit !== undefined) return unfit
    if (klass === 'DispVM' && UNNAMED_DISPOSABLE.test(qube)) return NEVER_COUNTS
    for (const table of after as readonly string[]) {
      const what = hostTables?.get(table)
      if (what !== undefined) return what
    }
    const set: HostCall = { dest: 'dom0', method: SLIC_SET, arg: qube, payload: after.join('\n') }
    return [set]
  },
  effect: () => 'next-start',
  remark: (_, value) =>
    Array.isArray(value) && value.length > 1
      ? 'several tables in one file: Xen allows it, untried on Qubes'
      : undefined,
}

/** The template goes by the qube's name, and is read at a start that this qube never has again. */
const NEVER_COUNTS: Problem = {
  code: 'never-effective',
  message: 'it counts at the next start, and this disposable is deleted when it is shut down',
  hint: 'give it to a disposable that keeps its name: qvm-create --class DispVM --template TEMPLATE --label LABEL NAME',
}

/** What stands for a template that is not as qstate writes one can be replaced, and never be brought back. */
function unfitness(seen: string): Problem | undefined {
  if (seen.startsWith(EDITED)) return NOT_KEPT
  return seen.startsWith(OUTDATED) ? NOT_FIT : undefined
}

const NOT_KEPT: Problem = {
  code: 'template-not-kept',
  message:
    'the template that was there before had been edited by someone, and qstate keeps no text of others: it cannot be brought back',
  hint: 'it stays as qstate has written it; to have it otherwise, edit it, with `slic: unmanaged` in the spec',
}

const NOT_FIT: Problem = {
  code: 'template-not-kept',
  message: 'the template that was there before did not fit any more, and is not written so again',
  hint: 'it stays as qstate has written it',
}

const isEmpty = (value: Value | null): boolean =>
  value === null || (Array.isArray(value) && value.length === 0)

export {
  EDITED,
  foreign,
  MAX_TEXT,
  missingTable,
  OUTDATED,
  type SlicStore,
  type Tables,
  unavailableTable,
  unusableTable,
} from './store.ts'
export { PARENTS, readTemplate, renderTemplate, sha256, type Template, templateName } from './template.ts'
