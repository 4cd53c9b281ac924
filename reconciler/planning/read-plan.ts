import { isCode, isRange } from '../../spec/diagnostics/index.ts'
import {
  CREATABLE,
  isSettingPath,
  isValueFor,
  LABEL,
  QUBE_NAME,
  RESTART_WORDS,
  type Value,
} from '../../spec/index.ts'
import { recordProblem } from '../ownership/index.ts'
import {
  type Change,
  type Creation,
  EFFECTS,
  guarded,
  inverse,
  type Operation,
  type Plan,
  PLAN_SCHEMA,
  pointerOf,
  type QubePlan,
  type VolumeGrowth,
} from '../plan/index.ts'
import { providerOf, type Providers, QUBES_VERSIONS, type QubesVersion } from '../ports/index.ts'
import { creationOf, growthOf, VOLUMES } from './creation.ts'
import { removalOf } from './plan-removal.ts'

/**
 * A plan from a file, or why it is none. A plan is only as good as what it names: every path must be a setting that
 * qstate manages, every patch must be the one that its values give, every record must be this qube's, and
 * own what they say. The calls are not taken from the file, since an apply makes them anew from the values; but a plan
 * that shows others has not been reviewed.
 */
export function readPlan(
  text: string,
  providers: Providers,
): { readonly plan: Plan } | { readonly problem: string } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { problem: 'it is not JSON' }
  }
  if (!isObject(json) || json['schema'] !== PLAN_SCHEMA) return { problem: 'it is no plan of qstate' }
  if (json['version'] !== 1)
    return { problem: `it is a plan of version ${JSON.stringify(json['version'])}, and this qstate knows 1` }
  const { host, spec, qubes, createdAt } = json
  if (!isObject(host) || !isObject(spec) || !Array.isArray(qubes) || typeof createdAt !== 'string') {
    return { problem: 'a part of it is missing' }
  }
  if (typeof host['where'] !== 'string' || !isVersion(host['release'])) {
    return { problem: 'it does not say for which host it is' }
  }
  if (!areTexts([createdAt, host['where']]) || !areTextsOrNull([spec['name'], spec['commit']])) {
    return { problem: 'it says things that no plan says' }
  }
  if (json['tables'] !== undefined && !areTables(json['tables'])) return { problem: 'its tables are none' }
  if (json['orphans'] !== undefined && !areOrphans(json['orphans']))
    return { problem: 'its orphans are none' }
  if (json['orphansUnknown'] !== undefined && !isProblem(json['orphansUnknown']))
    return { problem: 'its orphans are none' }
  if (json['untold'] !== undefined && !areUntold(json['untold']))
    return { problem: 'it says things that no plan says' }
  if (typeof spec['digest'] !== 'string') return { problem: 'it does not say of which spec it is' }
  const seen = new Set<string>()
  for (const qube of qubes as unknown[]) {
    const problem =
      qubeProblem(qube) ??
      recordProblem(qube as QubePlan, json as unknown as Plan) ??
      callsProblem(qube as QubePlan, host['release'], providers)
    if (problem !== undefined) return { problem }
    const { qube: name } = qube as QubePlan
    if (seen.has(name)) return { problem: `it names ${name} twice` }
    seen.add(name)
  }
  return { plan: json as unknown as Plan }
}

function qubeProblem(qube: unknown): string | undefined {
  if (!isObject(qube)) return 'a qube in it is no object'
  const { qube: name, changes, record, blocked, notes, waiting, running, klass, uuid } = qube
  if (typeof name !== 'string' || !QUBE_NAME.test(name)) return 'a qube in it has no name that Qubes allows'
  if (
    !Array.isArray(changes) ||
    !Array.isArray(blocked) ||
    !Array.isArray(notes) ||
    !Array.isArray(waiting) ||
    !isObject(record)
  ) {
    return `a part of ${name} is missing`
  }
  if (typeof running !== 'boolean' || !isText(klass) || (uuid !== null && typeof uuid !== 'string')) {
    return `a part of ${name} is missing`
  }
  if (qube['restart'] !== undefined && !isRestart(qube['restart']))
    return `${name} has no restart policy that qstate knows`
  if (klass === 'AdminVM' || name === 'dom0') return 'it would change dom0, which qstate never does'
  for (const text of [record['before'], record['after']]) {
    if (text !== null && typeof text !== 'string') return `the ownership record of ${name} is no text`
  }
  for (const flag of [qube['made'], qube['withdrawsAll']]) {
    if (flag !== undefined && flag !== true) return `what it says of ${name} is not what plans say`
  }
  const held = qube['held'] ?? []
  if (!notes.every(isNote) || !blocked.every(isBlocked) || !Array.isArray(held) || !held.every(isBlocked))
    return `what it says of ${name} is not what plans say`
  const makes = creationProblem(qube, name) ?? volumesProblem(qube, name) ?? removalProblem(qube, name)
  if (makes !== undefined) return makes
  const paths = new Set<string>()
  for (const change of changes as unknown[]) {
    const problem = changeProblem(name, change)
    if (problem !== undefined) return problem
    const { path } = change as Change
    if (paths.has(path)) return `it changes ${name}/${path} twice`
    paths.add(path)
  }
  return undefined
}

/** A qube that is created has nothing yet, and is made by the call that its creation gives. */
function creationProblem(plan: Record<string, unknown>, name: string): string | undefined {
  const { create, uuid, running, klass, record } = plan
  if (create === undefined) return undefined
  const strange = `what it says of creating ${name} is not what plans say`
  if (!isObject(create) || create['klass'] !== klass || uuid !== null || running === true) return strange
  if (!isObject(record) || record['before'] !== null) return strange
  const { klass: made, template, label } = create as Partial<Creation>
  if (made === undefined || !CREATABLE.includes(made)) return strange
  if (typeof label !== 'string' || !LABEL.test(label)) return strange
  const isBased = typeof template === 'string' && QUBE_NAME.test(template)
  if (made === 'AppVM' ? !isBased : template !== null) return strange
  const same = JSON.stringify(creationOf(name, { klass: made, template: template ?? null, label }))
  return JSON.stringify(create) === same ? undefined : strange
}

function volumesProblem(plan: Record<string, unknown>, name: string): string | undefined {
  const { volumes, running } = plan
  if (volumes === undefined) return undefined
  const strange = `what it says of the volumes of ${name} is not what plans say`
  if (!Array.isArray(volumes) || running === true) return strange
  const fine = (volumes as unknown[]).every((volume) => {
    if (!isObject(volume)) return false
    const { name: which, size } = volume as Partial<VolumeGrowth>
    if (which === undefined || !VOLUMES.includes(which)) return false
    if (!Number.isSafeInteger(size) || size === undefined || size <= 0) return false
    return JSON.stringify(volume) === JSON.stringify(growthOf(name, which, size))
  })
  const names = new Set((volumes as VolumeGrowth[]).map((volume) => volume.name))
  return fine && names.size === volumes.length ? undefined : strange
}

function removalProblem(plan: Record<string, unknown>, name: string): string | undefined {
  const { remove, uuid, running, changes, create, volumes } = plan
  if (remove === undefined) return undefined
  const alone =
    create === undefined && volumes === undefined && Array.isArray(changes) && changes.length === 0
  const { at, ...known } = isObject(remove) ? remove : {}
  const same = JSON.stringify(known) === JSON.stringify(removalOf(name)) && isPlace(at)
  return same && alone && uuid !== null && running === false
    ? undefined
    : `what it says of removing ${name} is not what plans say`
}

function isRestart(value: unknown): boolean {
  if (RESTART_WORDS.some((word) => word === value)) return true
  return (
    isObject(value) && typeof value['window'] === 'string' && /^\d\d:\d\d-\d\d:\d\d$/.test(value['window'])
  )
}

function changeProblem(qube: string, change: unknown): string | undefined {
  if (!isObject(change) || typeof change['path'] !== 'string') return `a change of ${qube} has no path`
  const { path, after, before, patch, inverse: back } = change
  if (!isSettingPath(path)) return `it names ${qube}/${path}, which qstate does not manage`
  if (before === undefined || after === undefined) return `${qube}/${path} has no value before or after`
  if (after !== null && !isValueFor(path, after)) return `${qube}/${path} cannot have the value in it`
  const old = before as Value | null
  const expected = [
    guarded(qube, path, old, operationOf(qube, path, old, after)),
    inverse(qube, path, old, after),
  ]
  if (JSON.stringify(expected) !== JSON.stringify([patch, back])) {
    return `the patch of ${qube}/${path} does not do what its values say`
  }
  const { reason, effect, calls, remarks, inherited, diff, at } = change
  const isScalar = inherited === undefined || ['string', 'number', 'boolean'].includes(typeof inherited)
  const says = isScalar && REASONS.includes(String(reason)) && EFFECTS.some((one) => one === effect)
  const shows = diff === undefined || (Array.isArray(diff) && areTexts(diff))
  return says && shows && isPlace(at) && Array.isArray(calls) && Array.isArray(remarks) && areTexts(remarks)
    ? undefined
    : `what it says of ${qube}/${path} is not what plans say`
}

/** The calls that it shows are those that an apply will make. */
function callsProblem(plan: QubePlan, version: QubesVersion, providers: Providers): string | undefined {
  const { qube: name, klass, running, uuid } = plan
  const facts = { qube: { name, klass, state: running ? 'Running' : 'Halted', uuid }, version }
  const other = plan.changes.find(({ path, before, after, calls }) => {
    const made = providerOf(providers, path).calls({ qube: name, path, before, after }, facts)
    return JSON.stringify(made) !== JSON.stringify(calls)
  })
  return other === undefined ? undefined : `the calls of ${name}/${other.path} are not those that it takes`
}

function operationOf(qube: string, path: string, before: Value | null, after: Value | null): Operation {
  const pointer = pointerOf(qube, path)
  if (after === null) return { op: 'remove', path: pointer }
  return { op: before === null ? 'add' : 'replace', path: pointer, value: after }
}

const isVersion = (value: unknown): value is QubesVersion => QUBES_VERSIONS.some((one) => one === value)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const REASONS: readonly string[] = ['new', 'changed', 'drift', 'prune', 'rollback']

/** Text that a person is shown: nothing in it moves a terminal's cursor. Hints have lines. */
const isText = (value: unknown): value is string =>
  typeof value === 'string' && !/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(value)

const areTexts = (values: readonly unknown[]): boolean => values.every(isText)

const areTextsOrNull = (values: readonly unknown[]): boolean =>
  values.every((value) => value === null || isText(value))

const isNote = (note: unknown): boolean =>
  isObject(note) && areTexts([note['kind'], note['text']]) && areTextsOrNull([note['path']])

const isBlocked = (blocked: unknown): boolean =>
  isObject(blocked) && isProblem(blocked['problem']) && areTextsOrNull([blocked['path']])

const areOrphans = (orphans: unknown): boolean =>
  Array.isArray(orphans) &&
  orphans.every((orphan) => isObject(orphan) && areTexts([orphan['qube'], orphan['path']]))

const isProblem = (what: unknown): boolean =>
  isObject(what) &&
  typeof what['code'] === 'string' &&
  isCode(what['code']) &&
  areTexts([what['message'], what['hint']]) &&
  isPlace(what['at'])

const isPlace = (at: unknown): boolean => at === undefined || (isRange(at) && isText(at.file))

const areUntold = (untold: unknown): boolean =>
  Array.isArray(untold) &&
  untold.every((one) => isObject(one) && isText(one['what']) && isProblem(one['problem']))

const areTables = (tables: unknown): boolean =>
  isObject(tables) &&
  Object.entries(tables).every(([sha, path]) => /^[0-9a-f]{64}$/.test(sha) && isText(path))
