import { type Area } from './desired-state.ts'

/**
 * The settings that have a name of their own: how a person writes them, and the feature or property behind each.
 *
 * Anything else goes by its own name under `qube/features/` and `qube/properties/`. A feature or property that is
 * listed here has one address only, however it was written (`canonicalPath`), so that nothing can be said twice.
 */
export type SettingType =
  | { readonly kind: 'bool' }
  | { readonly kind: 'int'; readonly min: number; readonly max: number; readonly unit: string }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'text'; readonly max: number }
  | { readonly kind: 'qube' }

export interface Setting {
  readonly area: Area
  /** Key in the YAML below its area. */
  readonly key: string
  /** Path below the qube in a state document. */
  readonly path: string
  readonly store: 'feature' | 'property'
  /** Name of the feature or property, as Qubes spells it. */
  readonly name: string
  readonly type: SettingType
  /** What `off` is for it; `undefined` where there is no off. */
  readonly off: string | number | boolean | undefined
}

/** Those that libvirt's driver for Xen can give a qube. */
export const SOUND_MODELS = ['ich6', 'ac97', 'es1370', 'sb16'] as const

const MEBIBYTES = { kind: 'int', min: 0, max: 4_194_304, unit: 'MiB' } as const
/** qubesd sets no upper bound: this is what the programs that are given the value can count to. */
const MOST = 2_147_483_647
const SECONDS = { kind: 'int', min: 1, max: MOST, unit: 's' } as const
const MICROSECONDS = { kind: 'int', min: 0, max: MOST, unit: 'µs' } as const
const BOOL = { kind: 'bool' } as const
const QUBE = { kind: 'qube' } as const

const feature = (
  area: Area,
  key: string,
  name: string,
  type: SettingType,
  path = `${area}/${key}`,
): Setting => ({ area, key, path, store: 'feature', name, type, off: type.kind === 'bool' ? false : '' })

const property = (
  area: Area,
  key: string,
  name: string,
  type: SettingType,
  off: string | number | boolean | undefined = type.kind === 'bool' ? false : undefined,
): Setting => ({ area, key, path: `${area}/${key}`, store: 'property', name, type, off })

/** A feature of the qube area keeps its own name and its text in the state document. */
const plainFeature = (key: string, name: string, type: SettingType): Setting => ({
  ...feature('qube', key, name, type, `qube/features/${name}`),
  off: '',
})

export const SETTINGS: readonly Setting[] = [
  feature('audio', 'model', 'audio-model', { kind: 'word', words: SOUND_MODELS }),
  property('audio', 'audiovm', 'audiovm', QUBE, ''),
  feature('audio', 'timerPeriod', 'timer-period', MICROSECONDS),
  feature('audio', 'latency', 'out.latency', MICROSECONDS),
  feature('audio', 'bufferLength', 'out.buffer-length', MICROSECONDS),

  feature('stubdom', 'qrexec', 'stubdom-qrexec', BOOL),
  feature('stubdom', 'linux', 'linux-stubdom', BOOL),
  property('stubdom', 'memory', 'stubdom_mem', { ...MEBIBYTES, min: 1 }),
  feature('stubdom', 'qemuExtraArgs', 'qemu-extra-args', { kind: 'text', max: 4096 }),
  feature('stubdom', 'videoModel', 'video-model', { kind: 'text', max: 32 }),

  property('qube', 'memory', 'memory', { ...MEBIBYTES, min: 1 }),
  property('qube', 'maxmem', 'maxmem', MEBIBYTES, 0),
  property('qube', 'vcpus', 'vcpus', { kind: 'int', min: 1, max: 512, unit: 'CPUs' }),
  property('qube', 'kernel', 'kernel', { kind: 'text', max: 128 }, ''),
  property('qube', 'virtMode', 'virt_mode', { kind: 'word', words: ['hvm', 'pvh', 'pv'] }),
  property('qube', 'qrexecTimeout', 'qrexec_timeout', SECONDS),
  property('qube', 'shutdownTimeout', 'shutdown_timeout', SECONDS),
  property('qube', 'defaultUser', 'default_user', { kind: 'text', max: 128 }),
  property('qube', 'netvm', 'netvm', QUBE, ''),
  property('qube', 'label', 'label', { kind: 'text', max: 255 }),
  property('qube', 'autostart', 'autostart', BOOL),
  property('qube', 'debug', 'debug', BOOL),
  property('qube', 'includeInBackups', 'include_in_backups', BOOL),

  plainFeature('timezone', 'timezone', { kind: 'text', max: 16 }),
  plainFeature('noMonitorLayout', 'no-monitor-layout', BOOL),
  plainFeature('rpcClipboard', 'rpc-clipboard', BOOL),
  plainFeature('gui', 'gui', BOOL),
  plainFeature('guiEmulated', 'gui-emulated', BOOL),
  plainFeature('uefi', 'uefi', BOOL),
]

export const SETTING_BY_PATH: ReadonlyMap<string, Setting> = new Map(SETTINGS.map((s) => [s.path, s]))

const BY_NAME = new Map(SETTINGS.map((s) => [`${s.store}:${s.name}`, s]))

/** The one setting that a feature or property has, if it has a name of its own. */
export function settingOf(store: 'feature' | 'property', name: string): Setting | undefined {
  return BY_NAME.get(`${store}:${name}`)
}

/**
 * Properties that qubesd lets one reset although they have no default: what is left is a qube without a label, on which
 * the policy of the whole host chokes, or without a template. They are never reset.
 */
const WITHOUT_DEFAULT: ReadonlySet<string> = new Set(['qube/label', 'qube/properties/template'])

/** Whether a setting can be absent: inherited, at its default, not assigned. */
export const canBeAbsent = (path: string): boolean => !WITHOUT_DEFAULT.has(path)

/**
 * Names that qubesd takes for features, properties and tags, but for one that is none to JavaScript. It sets no limit to their
 * length; a request has one, and the record of what is owned holds them all.
 */
export const FEATURE_NAME = /^(?!__proto__$)[A-Za-z0-9_.-]{1,4096}$/
export const PROPERTY_NAME = /^(?!__proto__$)[a-z_][a-z0-9_]{0,63}$/
export const TAG_NAME = /^(?!__proto__$)[A-Za-z0-9_-]{1,4096}$/
export const QUBE_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,30}$/

/** As qubesd names a disposable that it makes for one use. */
export const UNNAMED_DISPOSABLE = /^disp[0-9]+$/

/** Features that are qstate's own record: no spec may set them. */
export const RECORD_FEATURE = 'qstate.applied'

/**
 * A USB device as an assignment names it: `BACKEND+PORT:IDENTITY`, either of port and identity may be `*`.
 * Identity is `VENDOR:PRODUCT:SERIAL:INTERFACES`; the serial may be empty; an interface is `u` and six hex digits, or
 * `?******` where the backend could not tell. qubesd itself cannot name a serial that holds `+`, `:` or `*`, or seven `_` in a row,
 * which it reads as an interface that is not known.
 */
export const USB_DEVICE =
  /^(?<backend>[A-Za-z][A-Za-z0-9_.-]{0,30})\+(?<port>\*|[0-9]+-[0-9]+(?:\.[0-9]+)*):(?<identity>\*|[0-9a-f]{4}:[0-9a-f]{4}:(?![^:]*_{7})[!-),-9;-~]{0,128}:(?:u[0-9a-f]{6}|\?\*{6}){1,64})$/

/** A pattern of `devices_denied`: a class of devices (block, USB, microphone, PCI, any), and six hex digits or stars. */
export const DENIED_INTERFACE = /^[bump*][0-9a-f*]{6}$/
