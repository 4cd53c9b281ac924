import { SETTINGS } from '../../spec/index.ts'
import { deviceOf, isDevice } from './devices.ts'
import { type Change } from './plan.ts'

/** The qube that a change names, and not a text that happens to be the name of one. */
export function namedQube({ path, after }: Pick<Change, 'path' | 'after'>): string | null {
  if (after === null) return null
  if (isDevice(path)) return deviceOf(path).backend
  return NAMES_A_QUBE.has(path) && typeof after === 'string' && after !== '' ? after : null
}

const NAMES_A_QUBE: ReadonlySet<string> = new Set([
  ...SETTINGS.filter(({ type }) => type.kind === 'qube').map(({ path }) => path),
  ...['default_dispvm', 'guivm', 'management_dispvm', 'template'].map((name) => `qube/properties/${name}`),
])
