import { SETTINGS } from '../../spec/index.ts'
import { deviceOf, isDevice } from './devices.ts'
import { type Change } from './plan.ts'

/** Something of the host that a value goes by the name of. */
export interface Reference {
  readonly kind: 'qube' | 'label' | 'kernel'
  readonly name: string
}

type Named = Pick<Change, 'path' | 'after'>

/** What a value names, and not a text that happens to be such a name. */
export function referenceOf({ path, after }: Named): Reference | null {
  if (after === null) return null
  if (isDevice(path)) return { kind: 'qube', name: deviceOf(path).backend }
  const kind = KINDS.get(path)
  return kind === undefined || typeof after !== 'string' || after === '' ? null : { kind, name: after }
}

const KINDS: ReadonlyMap<string, Reference['kind']> = new Map<string, Reference['kind']>([
  ...SETTINGS.filter(({ type }) => type.kind === 'qube').map(({ path }) => [path, 'qube'] as const),
  ...['default_dispvm', 'guivm', 'management_dispvm', 'relayvm', 'template'].map(
    (name) => [`qube/properties/${name}`, 'qube'] as const,
  ),
  ['qube/label', 'label'],
  ['qube/kernel', 'kernel'],
])

/** The qube that a change names. */
export function namedQube(change: Named): string | null {
  const named = referenceOf(change)
  return named?.kind === 'qube' ? named.name : null
}
