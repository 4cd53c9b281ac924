import { isSeenValueFor, isSettingPath, isValueFor, type Value } from '../../spec/index.ts'
import { consentProblem, recordProblem } from '../ownership/index.ts'
import {
  type Change,
  guarded,
  inverse,
  type Operation,
  type OrphanTemplate,
  type Plan,
  pointerOf,
  type QubePlan,
  removedOrphans,
} from '../plan/index.ts'
import { providerOf, type Providers, type QubesVersion } from '../ports/index.ts'
import { creationOf, growthOf } from './creation.ts'
import { removalOf } from './plan-removal.ts'

/**
 * Why a plan that was read is not one that qstate makes; undefined: it is. Its shape has been checked. A plan is only as good as
 * what it names: every path must be a setting that qstate manages, every patch must be the one that its values give, every record
 * must be this qube's, and own what they say. The calls are not taken from it, since an apply makes them anew from the values; but
 * a plan that shows others has not been reviewed.
 */
export function planProblem(plan: Plan, providers: Providers): string | undefined {
  const isOthers = ({ movedTo }: OrphanTemplate): boolean => !plan.qubes.some(({ qube }) => qube === movedTo)
  if (removedOrphans(plan).some(isOthers)) return 'it removes templates, as only `qstate withdraw` does'
  const seen = new Set<string>()
  for (const qube of plan.qubes) {
    const problem =
      qubeProblem(qube) ?? recordProblem(qube, plan) ?? callsProblem(qube, plan.host.release, providers)
    if (problem !== undefined) return problem
    if (seen.has(qube.qube)) return `it names ${qube.qube} twice`
    seen.add(qube.qube)
  }
  return consentProblem(plan)
}

/** Why the settings of a plan that was applied mean nothing here: this qstate does not manage them, or not with these values. */
export function settingsProblem(plan: Plan): string | undefined {
  const problems = plan.qubes.flatMap(({ qube, changes }) =>
    changes.flatMap((change) => changeProblem(qube, change) ?? []),
  )
  return problems[0]
}

function qubeProblem(plan: QubePlan): string | undefined {
  const { qube: name, klass, changes } = plan
  if (klass === 'AdminVM' || name === 'dom0') return 'it would change dom0, which qstate never does'
  const makes = creationProblem(plan) ?? volumesProblem(plan) ?? removalProblem(plan)
  if (makes !== undefined) return makes
  const paths = new Set<string>()
  for (const change of changes) {
    const problem = changeProblem(name, change) ?? patchProblem(name, change)
    if (problem !== undefined) return problem
    if (paths.has(change.path)) return `it changes ${name}/${change.path} twice`
    paths.add(change.path)
  }
  return undefined
}

/** A qube that is created has nothing yet, and is made by the call that its creation gives. */
function creationProblem({ qube, create, uuid, running, klass, record }: QubePlan): string | undefined {
  if (create === undefined) return undefined
  const isBased = create.klass === 'AppVM' ? create.template !== null : create.template === null
  const isNew = create.klass === klass && uuid === null && !running && record.before === null
  return isBased && isNew && sameJson(create, creationOf(qube, create))
    ? undefined
    : `what it says of creating ${qube} is not what plans say`
}

function volumesProblem({ qube, volumes = [], running, klass }: QubePlan): string | undefined {
  const isOurs = volumes.every(
    (one) =>
      one.size > 0 &&
      sameJson(one, growthOf(qube, one.name, one.size)) &&
      !(one.name === 'root' && klass === 'AppVM'),
  )
  const names = new Set(volumes.map(({ name }) => name))
  return volumes.length === 0 || (isOurs && !running && names.size === volumes.length)
    ? undefined
    : `what it says of the volumes of ${qube} is not what plans say`
}

function removalProblem(plan: QubePlan): string | undefined {
  const { qube, remove, uuid, running, changes, create, volumes } = plan
  if (remove === undefined) return undefined
  const isAlone = create === undefined && volumes === undefined && changes.length === 0
  return isAlone && uuid !== null && !running && sameJson({ calls: remove.calls }, removalOf(qube))
    ? undefined
    : `what it says of removing ${qube} is not what plans say`
}

function changeProblem(qube: string, { path, after, reason }: Change): string | undefined {
  if (!isSettingPath(path)) return `it names ${qube}/${path}, which qstate does not manage`
  // An original was read once, and need not be a value of a spec; `recordProblem` checks that it is the record's.
  const mayBe = reason === 'withdrawn' || reason === 'drift' ? isSeenValueFor : isValueFor
  return after === null || mayBe(path, after) ? undefined : `${qube}/${path} cannot have the value in it`
}

function patchProblem(
  qube: string,
  { path, before, after, patch, inverse: back }: Change,
): string | undefined {
  const expected = [
    guarded(qube, path, before, operationOf(qube, path, before, after)),
    inverse(qube, path, before, after),
  ]
  return sameJson(expected, [patch, back])
    ? undefined
    : `the patch of ${qube}/${path} does not do what its values say`
}

/** The calls that it shows are those that an apply will make. */
function callsProblem(plan: QubePlan, version: QubesVersion, providers: Providers): string | undefined {
  const { qube: name, klass, running, uuid } = plan
  const facts = { qube: { name, klass, state: running ? 'Running' : 'Halted', uuid }, version }
  const other = plan.changes.find(({ path, before, after, calls }) => {
    const made = providerOf(providers, path).calls({ qube: name, path, before, after }, facts)
    return !sameJson(made, calls)
  })
  return other === undefined ? undefined : `the calls of ${name}/${other.path} are not those that it takes`
}

function operationOf(qube: string, path: string, before: Value | null, after: Value | null): Operation {
  const pointer = pointerOf(qube, path)
  if (after === null) return { op: 'remove', path: pointer }
  return { op: before === null ? 'add' : 'replace', path: pointer, value: after }
}

const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
