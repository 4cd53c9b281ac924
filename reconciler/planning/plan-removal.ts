import { problem, type Problem, sourceOf } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type DesiredState, RECORD_FEATURE } from '../../spec/index.ts'
import { parseRecord, standingOf, unproven } from '../ownership/index.ts'
import { type QubePlan, type Removal } from '../plan/index.ts'
import { type HostQube, isRunning, NO_NEEDS } from '../ports/index.ts'
import { blockedQube, describe } from './blocked-qube.ts'
import { isNameOf } from './others.ts'
import { type PlanContext } from './plan-context.ts'

export const removalOf = (qube: string): Removal => ({
  calls: [{ dest: qube, method: 'admin.vm.Remove', arg: '', payload: '' }],
})

/**
 * A qube that is to be absent. It is removed only if it is halted, and if its own record says that it is this
 * configuration's: what qstate has not made or taken over is not its to remove.
 */
export async function planRemoval(
  listed: HostQube | undefined,
  declared: DesiredQube,
  desired: DesiredState,
  { host, receipts }: Pick<PlanContext, 'host' | 'receipts'>,
): Promise<QubePlan> {
  const { name } = declared
  if (listed === undefined) return blockedQube({ name, klass: '', state: '', uuid: null })
  const reading = await host.read(name, {
    ...NO_NEEDS,
    features: [RECORD_FEATURE],
    properties: listed.uuid === null ? ['uuid'] : [],
  })
  const told = listed.uuid === null ? reading.effective('uuid') : undefined
  const qube = { ...listed, uuid: told?.status === 'present' ? told.value : listed.uuid }
  const blocked = (why: Problem): QubePlan => blockedQube(qube, why, declared)
  const text = reading.feature(RECORD_FEATURE)
  if (text.status === 'unknown') return blocked(text.problem)
  const value = text.status === 'present' ? text.value : undefined
  const record = parseRecord(value, { name, uuid: qube.uuid ?? '' })
  if (record.kind === 'unreadable') return blocked(record.problem)
  const byHand = `see that it is the right one, and remove it by hand: \`qvm-remove ${name}\``
  if (value === undefined || record.kind !== 'record')
    return blocked(
      problem('not-managed', 'it is not removed: qstate has neither made it nor set anything on it', byHand),
    )
  if (desired.name === null)
    return blocked(
      problem(
        'unnamed-configuration',
        'it is not removed: a configuration without a name removes nothing',
        'write `name: …`',
      ),
    )
  if (!isNameOf(desired, record.record.name))
    return blocked(
      problem(
        'other-configuration',
        'it is not removed: its record names another configuration, or none',
        byHand,
      ),
    )
  if (!(await standingOf({ qube: name, uuid: qube.uuid }, value, record, receipts)).isProven)
    return blocked(unproven(name, record.record))
  if (isRunning(qube))
    return blocked(
      problem(
        'needs-halted',
        'it is not removed while it runs',
        `shut it down (\`qvm-shutdown ${name}\`), then apply again`,
      ),
    )
  const remove = { ...removalOf(name), ...sourceOf(declared.position) }
  return { ...describe(qube), ...EMPTY, record: { before: value, after: value }, remove }
}

const EMPTY = { changes: [], blocked: [], waiting: [], notes: [] }
