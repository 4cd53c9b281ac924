import { type ErrorObject, type ValidateFunction } from 'ajv'
import {
  errorAt,
  nearest,
  oneOf,
  problem,
  type Problem,
  quote,
  type Report,
  suggest,
} from '../diagnostics/index.ts'
import { readSetting, tooLong } from '../read/index.ts'
import { type NameKind, nameProblem, SETTING_BY_PATH, unknownKeyHint } from '../vocabulary/index.ts'
import { describe, follow, plainValue, type Written } from '../yaml/index.ts'
import { validateManifest } from './manifest-validator.ts'

type Annotated = Readonly<Record<string, unknown>>
type Fault = ErrorObject<string, Annotated>

/** A schema's generated validator, and what to write instead of a key that it does not know. */
export interface Contract {
  readonly validate: ValidateFunction
  readonly keyHint: (key: string, allowed: readonly string[]) => string
}

/** Of a schema whose keys need no words of their own: the nearest key, or all there are. */
export const contractOf = (validate: ValidateFunction): Contract => ({
  validate,
  keyHint: (key, allowed) => suggest(key, allowed, `expected ${oneOf([...allowed].sort())}`),
})

const MANIFEST: Contract = { validate: validateManifest, keyHint: unknownKeyHint }

/** Checks a document against the schema. Returns the places that were refused, so that readers pass them over. */
export function checkSchema(
  document: Written,
  report: Report,
  { validate, keyHint }: Contract = MANIFEST,
): ReadonlySet<Written> {
  const refused = new Set<Written>()
  if (validate(plainValue(document))) return refused
  const told = new Set<string>()
  for (const fault of withoutUnionNoise((validate.errors ?? []) as Fault[])) {
    const place = follow(document, fault.instancePath)
    if (place === undefined) continue
    if (fault.keyword === 'additionalProperties') refused.add(refuseKey(place, fault, keyHint, report))
    else if (fault.keyword === 'propertyNames') refuseName(place, fault, report)
    else {
      // One place, one fault: a text that is too long does not fit its pattern either.
      if (fault.keyword !== 'required' && told.has(fault.instancePath)) continue
      told.add(fault.instancePath)
      if (place !== document) refused.add(place)
      report(errorAt(place.position, explain(fault, place)))
    }
  }
  return refused
}

/**
 * A union that fits nothing fails once for itself and once for each branch. If a branch is of the kind that was written,
 * a map or a list, what it says about the inside is the news; else the union as a whole is.
 */
function withoutUnionNoise(faults: readonly Fault[]): readonly Fault[] {
  const noise = new Map<string, Set<unknown>>()
  const dropped = new Set<Fault>()
  for (const fault of faults) {
    if (fault.keyword !== 'anyOf') continue
    const branches = fault.schema as readonly Annotated[]
    const kind = Array.isArray(fault.data)
      ? 'array'
      : typeof fault.data === 'object' && fault.data
        ? 'object'
        : ''
    const meant = branches.find((branch) => branch['type'] === kind)
    const here = noise.get(fault.instancePath) ?? new Set()
    noise.set(fault.instancePath, here)
    for (const branch of branches) if (branch !== meant) here.add(branch)
    if (meant !== undefined) dropped.add(fault)
  }
  return faults.filter(
    (fault) =>
      !dropped.has(fault) &&
      !noise.get(fault.instancePath)?.has(fault.parentSchema) &&
      // What is wrong with a name is told by `propertyNames` itself.
      fault.propertyName === undefined,
  )
}

/** Returns what stands under the key, to be passed over. */
function refuseKey(place: Written, fault: Fault, keyHint: Contract['keyHint'], report: Report): Written {
  const key = String(fault.params['additionalProperty'])
  const entry = place.kind === 'map' ? place.entries.get(key) : undefined
  if (entry === undefined) return place
  const allowed = Object.keys((fault.parentSchema?.['properties'] ?? {}) as object)
  const what = problem('unknown-key', `unknown key ${quote(key)}`, keyHint(key, allowed))
  report(errorAt(entry.key.position, what))
  return entry.value
}

/** Readers of names say the same in the same words; told twice, it is shown once. */
function refuseName(place: Written, fault: Fault, report: Report): void {
  const name = String(fault.params['propertyName'])
  const entry = place.kind === 'map' ? place.entries.get(name) : undefined
  if (entry === undefined) return
  const kind = fault.parentSchema?.['x-name'] as NameKind
  const what = nameProblem(kind, name) ?? problem('bad-name', `${quote(name)} is not a ${kind} name`, '')
  report(errorAt(entry.key.position, what))
}

function explain(fault: Fault, place: Written): Problem {
  const expected = String(fault.parentSchema?.['x-expected'] ?? 'another value')
  const setting = SETTING_BY_PATH.get(String(fault.parentSchema?.['x-setting'] ?? ''))
  if (setting !== undefined) {
    const said = readSetting(setting, place)
    if ('wrong' in said) return said.wrong
  }
  if (fault.keyword === 'required') {
    const key = String(fault.params['missingProperty'])
    return problem('missing-key', `the key ${quote(key)} is missing`, REQUIRED[key] ?? `expected ${expected}`)
  }
  if (place.kind === 'null')
    return problem('no-value', 'there is no value here', `expected ${expected}, or leave the key out`)
  if (fault.keyword === 'minItems' || fault.keyword === 'minProperties') {
    return problem('empty', `${describe(place)} with nothing in it`, `expected ${expected}`)
  }
  if (fault.keyword === 'maxItems' || fault.keyword === 'maxProperties')
    return problem('too-many', 'there are too many', `at most ${Number(fault.params['limit'])}`)
  const most = place.kind === 'text' ? longest(fault) : undefined
  if (place.kind === 'text' && most !== undefined && place.value.length > most)
    return tooLong(place.value.length, most)
  const quotes =
    place.kind === 'number' ? `; put it in quotes if the text ${quote(place.source)} is meant` : ''
  const near = place.kind === 'text' ? nearest(place.value, wordsOf(fault)) : undefined
  const meant = near === undefined ? '' : `did you mean ${quote(near)}? `
  const code = fault.keyword === 'type' || fault.keyword === 'anyOf' ? 'wrong-type' : 'bad-value'
  return problem(code, `${describe(place)} cannot stand here`, `${meant}expected ${expected}${quotes}`)
}

/** The longest text that would do at this place, where there is a limit. */
function longest({ keyword, schema, parentSchema }: Fault): number | undefined {
  const branches = keyword === 'anyOf' ? (schema as readonly Annotated[]) : [parentSchema ?? {}]
  const limits = branches.flatMap(({ maxLength }) => (typeof maxLength === 'number' ? [maxLength] : []))
  return limits.length === 0 ? undefined : Math.max(...limits)
}

/** The words that would do at this place. */
function wordsOf({ keyword, schema }: Fault): readonly string[] {
  const branches = keyword === 'anyOf' ? (schema as readonly Annotated[]) : [{ enum: schema }]
  return branches.flatMap((branch) => (Array.isArray(branch['enum']) ? (branch['enum'] as string[]) : []))
}

const REQUIRED: Readonly<Record<string, string>> = {
  apiVersion: 'start each document with "apiVersion: qstate/v1"',
  sha256: 'the digest of the file, as sha256sum prints it',
  match: 'which qubes: tag, name or class',
  hosts: 'a map of host names to what is known of them',
  revision: 'the commit, branch or tag that the hosts are to have',
  waves: 'a list of waves, the first one first',
}
