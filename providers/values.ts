import { featureRemove, featureSet, propertyReset, propertySet } from '../qubesd/index.ts'
import { type HostCall, type Observation, type Reading, type SettingChange } from '../reconciler/index.ts'
import { type Setting, SETTING_BY_PATH, type Value } from '../spec/index.ts'

/**
 * Settings that are one feature or one property: the text that qubesd keeps, and the value of the state document.
 */

export interface Stored {
  readonly store: 'feature' | 'property'
  readonly name: string
  readonly kind: 'bool' | 'int' | 'text'
}

/** Where a setting with a name of its own, or a feature or property by its own name, is kept. */
export function storedAt(path: string): Stored | undefined {
  const named = NAMED.get(path)
  if (named !== undefined) return named
  const [, store, name] = /^qube\/(features|properties)\/(.+)$/.exec(path) ?? []
  if (name === undefined) return undefined
  return { store: store === 'features' ? 'feature' : 'property', name, kind: 'text' }
}

export function decodeStored(stored: Stored, reading: Reading): Observation<Value> {
  const seen = stored.store === 'feature' ? reading.feature(stored.name) : reading.property(stored.name)
  if (seen.status !== 'present' || stored.kind === 'text') return seen
  const value = valueOf(stored, seen.value)
  // The text itself, where it is not the one that the value would be written as: what is kept of it can be brought back.
  return { status: 'present', value: textOf(stored, value) === seen.value ? value : seen.value }
}

/** A flag is on with any text, and has one value for that. */
export const normalizeStored = (stored: Stored, value: Value | null): Value | null =>
  stored.kind === 'bool' && typeof value === 'string' ? valueOf(stored, value) : value

/** The default of a property, as far as it has been read. What a template gives a feature has not. */
export function inheritedOf(stored: Stored, peek: Reading['peek']): Value | undefined {
  const seen = stored.store === 'property' ? peek(stored.name) : undefined
  return seen?.status === 'present' ? valueOf(stored, seen.value) : undefined
}

/** The feature, if it is one, and the value that a text of it is. */
export function featureOf(stored: Stored): { readonly name: string; value(text: string): Value } | undefined {
  return stored.store === 'feature'
    ? { name: stored.name, value: (text) => valueOf(stored, text) }
    : undefined
}

export function storedCalls(stored: Stored, change: SettingChange): readonly HostCall[] {
  const { qube, after } = change
  if (stored.store === 'feature') {
    return [
      after === null
        ? featureRemove(qube, stored.name)
        : featureSet(qube, stored.name, textOf(stored, after)),
    ]
  }
  return [
    after === null ? propertyReset(qube, stored.name) : propertySet(qube, stored.name, textOf(stored, after)),
  ]
}

/**
 * A feature that is a flag counts as on with any text but the empty one (`0` and `False` too: qubesd asks only whether
 * there is text). A number that is none is shown as the text that it is.
 */
function valueOf(stored: Stored, text: string): Value {
  switch (stored.kind) {
    case 'bool':
      return stored.store === 'feature' ? text !== '' : text === 'True'
    case 'int':
      return /^-?(?:0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : text
    case 'text':
      return text
  }
}

function textOf(stored: Stored, value: Value): string {
  if (typeof value === 'object') throw new Error(`${stored.name} takes a text`)
  if (typeof value !== 'boolean') return String(value)
  if (stored.store === 'feature') return value ? '1' : ''
  return value ? 'True' : 'False'
}

/** Features of the qube area keep their text: `1`, not `true`. */
function kindOf(setting: Setting): Stored['kind'] {
  if (setting.path.startsWith('qube/features/')) return 'text'
  return setting.type.kind === 'bool' || setting.type.kind === 'int' ? setting.type.kind : 'text'
}

const NAMED: ReadonlyMap<string, Stored> = new Map(
  [...SETTING_BY_PATH].map(([path, setting]) => [
    path,
    { store: setting.store, name: setting.name, kind: kindOf(setting) },
  ]),
)
