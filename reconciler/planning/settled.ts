import {
  type DesiredQube,
  type DesiredSetting,
  type DesiredState,
  RECORD_FEATURE,
  type RestartPolicy,
  valuesText,
} from '../../spec/index.ts'
import { isBetween } from './blocked-qube.ts'
import { type Look } from '../observe/index.ts'
import { holdsValues, mentionsAny } from '../ownership/index.ts'
import { type QubePlan, type Rename } from '../plan/index.ts'
import { type HostQube, isRunning, type Providers, sameValue } from '../ports/index.ts'

/**
 * The plan of a qube that is as wanted, told at a glance: its record says what is wanted and no more, and every setting is
 * seen to be so. On a settled host that is every qube. `undefined` where anything else is the case, or may be: then the whole
 * comparison is made, and it finds of a qube that is told here what is told here (test/promises/settled.test.ts).
 */
export function settledPlan(
  look: Look,
  wanted: DesiredQube,
  desired: DesiredState,
  providers: Providers,
  renames: readonly Rename[] = [],
): QubePlan | undefined {
  const { facts, reading } = look
  const text = reading.feature(RECORD_FEATURE)
  const { uuid } = facts.qube
  if (text.status !== 'present' || uuid === null) return undefined
  if (!holdsValues(text.value, { uuid, name: desired.name }, valuesText(wanted))) return undefined
  if (renames.length > 0 && mentionsAny(text.value, renames)) return undefined
  if (!isAsWanted(look, wanted, providers)) return undefined
  return asItIs(facts.qube, text.value, wanted.restart)
}

/** Nothing is spread here: V8 would lay out each of thousands of plans anew, and whoever reads one look for all that is in it. */
function asItIs(qube: HostQube, record: string, restart: RestartPolicy | undefined): QubePlan {
  const { name, uuid, klass } = qube
  const plan: QubePlan = {
    qube: name,
    uuid,
    klass,
    running: isRunning(qube),
    changes: [],
    record: { before: record, after: record },
    blocked: [],
    waiting: [],
    notes: [],
  }
  const between = isBetween(qube) ? { ...plan, state: qube.state } : plan
  return restart === undefined ? between : { ...between, restart }
}

function isAsWanted(look: Look, { settings }: DesiredQube, providers: Providers): boolean {
  for (const setting of settings.values()) if (!isSet(setting, look, providers)) return false
  return true
}

function isSet(
  { area, path, value, once }: DesiredSetting,
  { facts, reading }: Look,
  providers: Providers,
): boolean {
  const provider = providers.get(area)
  // Whether a record has it as given once cannot be seen at a glance.
  if (once === true || provider === undefined || provider.normalize(path, value, facts) !== value)
    return false
  const seen = provider.decode(path, reading, facts)
  if (seen.status === 'unknown') return false
  const is = seen.status === 'absent' ? null : seen.value
  return is === value || sameValue(provider.normalize(path, is, facts), value)
}
