import { createPatch } from 'rfc6902'
import { type Value } from '../../spec/index.ts'

/**
 * Differences as JSON Patch (RFC 6902), over documents whose paths a person can read:
 * `{ "win10": { "audio": { "model": "ich6" } } }` is `/win10/audio/model`.
 *
 * A setting is the smallest unit: a list or an assignment is replaced whole. In a guard an absent setting is `null`,
 * since `test` has no other way to say "not there".
 */
export type Operation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: Value | null }
  | { readonly op: 'remove'; readonly path: string }

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
type Document = Record<string, Json>

export type Settings = ReadonlyMap<string, Value | null>

/** JSON Pointer of a setting in a document of qubes. */
export function pointerOf(qube: string, path: string): string {
  return `/${[qube, ...splitPath(path)].map(escapeSegment).join('/')}`
}

/** One operation for each setting that differs, without guards, in the order of the pointers. */
export function diffSettings(
  qube: string,
  before: Settings,
  after: Settings,
): ReadonlyMap<string, Operation> {
  if (before.size === 0 && after.size === 0) return new Map()
  const paths = new Map([...before.keys(), ...after.keys()].map((path) => [pointerOf(qube, path), path]))
  const operations = createPatch(
    documentOf(qube, before, after),
    documentOf(qube, after, before),
    // Whole settings only: the library is told not to look into one.
    (input, output, pointer) => {
      if (!paths.has(pointer.toString())) return undefined
      return JSON.stringify(input) === JSON.stringify(output)
        ? []
        : [{ op: 'replace', path: pointer.toString(), value: output as Json }]
    },
  )
  const byPath = new Map<string, Operation>()
  for (const operation of operations) {
    const path = paths.get(operation.path)
    if (path === undefined || operation.op === 'move' || operation.op === 'copy')
      throw new Error(`the difference has an operation outside all settings: ${operation.path}`)
    byPath.set(path, operation)
  }
  return byPath
}

/** The operation with its guard in front. */
export function guarded(
  qube: string,
  path: string,
  before: Value | null,
  operation: Operation,
): readonly Operation[] {
  return [{ op: 'test', path: pointerOf(qube, path), value: before }, operation]
}

/** The guarded operation that undoes one. */
export function inverse(
  qube: string,
  path: string,
  before: Value | null,
  after: Value | null,
): readonly Operation[] {
  const pointer = pointerOf(qube, path)
  const test: Operation = { op: 'test', path: pointer, value: after }
  if (before === null) return [test, { op: 'remove', path: pointer }]
  return [test, { op: after === null ? 'add' : 'replace', path: pointer, value: before }]
}

/**
 * Whether the guards of a change hold. The value that was found is compared here and not by the library, whose pointers step over
 * `constructor` and `prototype`: qubes, features and tags may have these names.
 */
export const guardsHold = (patch: readonly Operation[], isFound: (value: Value | null) => boolean): boolean =>
  patch.every((operation) => operation.op !== 'test' || isFound(operation.value))

/**
 * `settings` as a document. Containers of all paths of both maps are there, so that a difference is never a whole area.
 */
function documentOf(qube: string, settings: Settings, others: Settings): Document {
  const document = emptyDocument()
  for (const path of [...new Set([...settings.keys(), ...others.keys()])].sort()) {
    const segments = [qube, ...splitPath(path)]
    const last = segments.pop() ?? ''
    let at: Document = document
    for (const segment of segments) {
      at[segment] ??= emptyDocument()
      at = at[segment] as Document
    }
    const value = settings.get(path) ?? null
    if (value !== null) at[last] = value
  }
  return document
}

/** Without a prototype: a qube may be called `constructor`. */
const emptyDocument = (): Document => Object.create(null) as Document

/**
 * Segments of a path. A device's name may hold a slash in its serial, so that only as many are split off as the
 * area has levels.
 */
function splitPath(path: string): string[] {
  const [area = '', ...rest] = path.split('/')
  const deep = (area === 'qube' && rest.length > 1) || (area === 'usb' && rest[0] === 'denied')
  return deep ? [area, rest[0] ?? '', rest.slice(1).join('/')] : [area, rest.join('/')]
}

const escapeSegment = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1')
