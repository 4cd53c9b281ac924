import { type AssignmentMode, type Value } from './desired-state.ts'
import { nameProblem } from './names.ts'
import {
  FEATURE_NAME,
  PROPERTY_NAME,
  SETTING_BY_PATH,
  settingOf,
  TAG_NAME,
  USB_DEVICE,
  DENIED_INTERFACE,
} from './settings.ts'

/**
 * Which paths and values qstate manages at all. What comes back from a qube's record or a plan file is checked against
 * this, so that neither can name anything else on the host.
 */

const FEATURE = 'qube/features/'
const PROPERTY = 'qube/properties/'
const DENIED = 'usb/denied/'
const USB = 'usb/'
const TAG = 'tags/'

export const SLIC_TABLES = 'slic/tables'

export type PathKind = 'setting' | 'feature' | 'property' | 'usb' | 'denied' | 'tag' | 'slic'

/** The kind of a path and the name in it: of the feature, property, device, interface pattern or tag. */
export function parsePath(path: string): { readonly kind: PathKind; readonly name: string } | undefined {
  if (SETTING_BY_PATH.has(path)) return { kind: 'setting', name: path }
  if (path === SLIC_TABLES) return { kind: 'slic', name: 'tables' }
  const named = (
    kind: PathKind,
    prefix: string,
    pattern: RegExp,
  ): { kind: PathKind; name: string } | undefined => {
    const name = path.slice(prefix.length)
    return pattern.test(name) ? { kind, name } : undefined
  }
  if (path.startsWith(FEATURE)) return named('feature', FEATURE, FEATURE_NAME)
  if (path.startsWith(PROPERTY)) return named('property', PROPERTY, PROPERTY_NAME)
  if (path.startsWith(DENIED)) return named('denied', DENIED, DENIED_INTERFACE)
  if (path.startsWith(USB)) return named('usb', USB, USB_DEVICE)
  if (path.startsWith(TAG)) return named('tag', TAG, TAG_NAME)
  return undefined
}

/**
 * The same, for a path that a spec can lead to: under no name that is reserved or read-only, and at the one address that a
 * setting has.
 */
function parseSettingPath(path: string): ReturnType<typeof parsePath> {
  const parsed = parsePath(path)
  switch (parsed?.kind) {
    case 'feature':
    case 'property': {
      const isElsewhere = settingOf(parsed.kind, parsed.name) !== undefined
      return isElsewhere || nameProblem(parsed.kind, parsed.name) !== undefined ? undefined : parsed
    }
    case 'tag':
      return nameProblem('tag', parsed.name) === undefined ? parsed : undefined
    default:
      return parsed
  }
}

export const isSettingPath = (path: string): boolean => parseSettingPath(path) !== undefined

const MODES: readonly AssignmentMode[] = ['auto-attach', 'ask-to-attach', 'required']
const TEXT = /^[\x20-\x7e]{0,8192}$/

/** Whether a value is of the kind that a path holds. Ranges are the spec's business. */
export function isValueFor(path: string, value: unknown): value is Value {
  const parsed = parseSettingPath(path)
  switch (parsed?.kind) {
    case undefined:
      return false
    case 'setting': {
      const kind = SETTING_BY_PATH.get(path)?.type.kind
      if (path.startsWith(FEATURE)) return typeof value === 'string' && TEXT.test(value)
      if (kind === 'bool') return typeof value === 'boolean'
      if (kind === 'int') return Number.isSafeInteger(value) || value === ''
      return typeof value === 'string' && TEXT.test(value)
    }
    case 'feature':
    case 'property':
      return typeof value === 'string' && TEXT.test(value)
    case 'denied':
    case 'tag':
      return value === true
    case 'usb':
      return (
        typeof value === 'object' &&
        value !== null &&
        Object.keys(value).length === 1 &&
        'mode' in value &&
        MODES.some((mode) => mode === value.mode)
      )
    case 'slic':
      return Array.isArray(value) && value.length <= 16 && value.every((table) => TABLE.test(String(table)))
  }
}

/**
 * Whether a value may have been read at a path. It need not be one that a spec may hold: an unknown model of audio, a flag that
 * was set to `True`, a device with options. What was there before qstate is kept, and brought back, in this form.
 */
export function isSeenValueFor(path: string, value: unknown): value is Value {
  if (isValueFor(path, value)) return true
  switch (parseSettingPath(path)?.kind) {
    case 'setting':
      return typeof value === 'string' && TEXT.test(value)
    case 'usb': {
      if (typeof value !== 'object' || value === null || Object.keys(value).length !== 2) return false
      const { mode, options } = value as { mode?: unknown; options?: unknown }
      return MODES.some((one) => one === mode) && isOptions(options)
    }
    default:
      return false
  }
}

const isOptions = (options: unknown): boolean =>
  typeof options === 'object' &&
  options !== null &&
  !Array.isArray(options) &&
  Object.entries(options).every(
    ([key, value]) => OPTION.test(key) && typeof value === 'string' && TEXT.test(value),
  )

/** A key of an assignment's options. */
const OPTION = /^[A-Za-z0-9_-]{1,64}$/

/** A table in `slic/tables`. */
export const TABLE = /^(?:host:SLIC|host:MSDM|file:[0-9a-f]{64})$/
