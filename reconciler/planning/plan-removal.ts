import { RECORD_FEATURE } from '../../spec/index.ts'
import { parseRecord } from '../ownership/index.ts'
import { type QubePlan, type Removal } from '../plan/index.ts'
import { type Host, type HostQube, isRunning, NO_NEEDS } from '../ports/index.ts'
import { blockedQube, describe } from './blocked-qube.ts'

export const removalOf = (qube: string): Removal => ({
  calls: [{ dest: qube, method: 'admin.vm.Remove', arg: '', payload: '' }],
})

/**
 * A qube that is to be absent. It is removed only if it is halted, and if its own record says that it is this
 * configuration's: what qstate has not made or taken over is not its to remove.
 */
export async function planRemoval(
  listed: HostQube | undefined,
  name: string,
  owner: string | null,
  host: Host,
): Promise<QubePlan> {
  if (listed === undefined) return blockedQube({ name, klass: '', state: '', uuid: null })
  const reading = await host.read(name, {
    ...NO_NEEDS,
    features: [RECORD_FEATURE],
    properties: listed.uuid === null ? ['uuid'] : [],
  })
  const told = listed.uuid === null ? reading.effective('uuid') : undefined
  const qube = { ...listed, uuid: told?.status === 'present' ? told.value : listed.uuid }
  const blocked = (why: string, hint: string): QubePlan => blockedQube(qube, { path: null, why, hint })
  const text = reading.feature(RECORD_FEATURE)
  if (text.status === 'unknown') return blocked(text.why, text.hint)
  const value = text.status === 'present' ? text.value : undefined
  const record = parseRecord(value, { name, uuid: qube.uuid ?? '' })
  if (record.kind === 'unreadable') return blocked(record.why, record.hint)
  const byHand = `see that it is the right one, and remove it by hand: \`qvm-remove ${name}\``
  if (value === undefined || record.kind !== 'record')
    return blocked('it is not removed: qstate has neither made it nor set anything on it', byHand)
  if (owner === null)
    return blocked('it is not removed: a configuration without a name removes nothing', 'write `name: …`')
  if (record.record.name !== owner)
    return blocked('it is not removed: its record names another configuration, or none', byHand)
  if (isRunning(qube))
    return blocked(
      'it is not removed while it runs',
      `shut it down (\`qvm-shutdown ${name}\`), then apply again`,
    )
  return { ...describe(qube), ...EMPTY, record: { before: value, after: value }, remove: removalOf(name) }
}

const EMPTY = { changes: [], blocked: [], waiting: [], notes: [] }
