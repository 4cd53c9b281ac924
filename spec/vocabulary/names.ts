import { type Problem, problem, quote } from '../diagnostics/index.ts'
import { FEATURE_NAME, PROPERTY_NAME, QUBE_NAME, TAG_NAME } from './settings.ts'
import { FORMS, MODES } from './words.ts'

export type NameKind =
  | 'qube'
  | 'profile'
  | 'device'
  | 'feature'
  | 'property'
  | 'tag'
  | 'configuration'
  | 'host'
  | 'group'
  | 'label'
  | 'value'
  | 'wave'
  | 'fleet'
  | 'rollout'

/** What is wrong with a name as the name of something of this kind. */
export const nameProblem = (kind: NameKind, name: string): Problem | undefined => NAMES[kind](name)

/** A qube that a value refers to: dom0 is one. */
export function qubeProblem(name: string): Problem | undefined {
  if (QUBE_NAME.test(name)) return undefined
  return problem(
    'bad-name',
    `${quote(name)} is not a qube name`,
    'a letter, then letters, digits, _ . or -, 31 characters at most',
  )
}

function managedQubeProblem(name: string): Problem | undefined {
  if (name === 'dom0' || name === 'Domain-0') {
    return problem(
      'reserved-name',
      `${name} is not managed`,
      'qstate manages qubes; their host it leaves alone',
    )
  }
  if (name === 'none' || name === 'default') {
    return problem(
      'reserved-name',
      `no qube can be called ${quote(name)}`,
      'Qubes keeps this word for itself',
    )
  }
  if (name.endsWith('-dm')) {
    return problem(
      'reserved-name',
      `${quote(name)} is the name of a stubdomain`,
      'name the qube, without -dm',
    )
  }
  return qubeProblem(name)
}

/** Names that only manifests use. */
export const OWN_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
const OWN_NAME_HINT = 'a letter or digit, then letters, digits, _ . or -, 64 characters at most'

function deviceProblem(name: string): Problem | undefined {
  if (name === 'denied' || FORMS.includes(name) || (MODES as readonly string[]).includes(name)) {
    return problem(
      'reserved-name',
      `no device can be called ${quote(name)}`,
      'this word says something else under usb',
    )
  }
  return OWN_NAME.test(name)
    ? undefined
    : problem('bad-name', `${quote(name)} is not a device name`, OWN_NAME_HINT)
}

function featureProblem(name: string): Problem | undefined {
  if (!FEATURE_NAME.test(name)) {
    return problem(
      'bad-name',
      `${quote(name)} is not a feature name`,
      'letters, digits, _ . and -, 4096 at most',
    )
  }
  if (name.startsWith('qstate.')) {
    return problem(
      'reserved-name',
      `the feature ${quote(name)} is qstate's own record`,
      'no manifest sets it',
    )
  }
  const why = Object.hasOwn(KEPT_FEATURES, name) ? KEPT_FEATURES[name] : undefined
  if (why !== undefined)
    return problem('reserved-name', `the feature ${quote(name)} is not set by manifests`, why)
  if (name === 'internal') {
    return problem(
      'reserved-name',
      'the feature "internal" is not set by manifests',
      'it hides a qube from menus and tools, and Qubes sets it itself',
    )
  }
  return undefined
}

/** Features that qubesd refuses to have set, or turns into something else. */
const KEPT_FEATURES: Readonly<Record<string, string>> = {
  'deferred-netvm-original': 'Qubes keeps it for itself',
  'preload-dispvm': 'Qubes keeps it for itself',
  'preload-dispvm-completed': 'Qubes keeps it for itself',
  'preload-dispvm-in-progress': 'Qubes keeps it for itself',
  'service.meminfo-writer': 'Qubes turns it into maxmem and removes it: write qube: { maxmem: 0 }',
}

function tagProblem(name: string): Problem | undefined {
  if (!TAG_NAME.test(name)) {
    return problem('bad-name', `${quote(name)} is not a tag`, 'letters, digits, _ and -, 4096 at most')
  }
  if (/^(?:created-by|disp-created-by|audiovm|guivm|relayvm)-/.test(name)) {
    return problem(
      'reserved-name',
      `the tag ${quote(name)} is not set by manifests`,
      'Qubes sets it itself, from who made the qube and from its properties',
    )
  }
  return undefined
}

function propertyProblem(name: string): Problem | undefined {
  if (name === 'devices_denied') {
    return problem(
      'reserved-name',
      'denied devices have a place of their own',
      'write usb: { denied: [u080650] }',
    )
  }
  if (READ_ONLY.has(name)) {
    return problem(
      'read-only',
      `the property ${quote(name)} cannot be set`,
      'Qubes works it out, or fixed it when the qube was made',
    )
  }
  if (PROPERTY_NAME.test(name)) return undefined
  return problem(
    'bad-name',
    `${quote(name)} is not a property name`,
    'small letters, digits and _, as qvm-prefs lists them',
  )
}

const READ_ONLY: ReadonlySet<string> = new Set([
  ...['klass', 'name', 'qid', 'dispid', 'uuid', 'xid', 'start_time', 'icon', 'updateable', 'dns'],
  ...['stubdom_xid', 'stubdom_uuid', 'gateway', 'gateway6', 'is_preload'],
  ...['visible_ip', 'visible_ip6', 'visible_netmask', 'visible_gateway', 'visible_gateway6'],
])

const own =
  (kind: string) =>
  (name: string): Problem | undefined =>
    OWN_NAME.test(name)
      ? undefined
      : problem('bad-name', `${quote(name)} is not a ${kind} name`, OWN_NAME_HINT)

/** An nkey of a user: of a host, or of who is in charge of a fleet. */
export const PUBLIC_KEY = /^U[A-Z2-7]{55}$/

/** Names that are words of subjects and of files, too: no dots. */
export const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/

const plain =
  (kind: string) =>
  (name: string): Problem | undefined =>
    HOST_NAME.test(name)
      ? undefined
      : problem(
          'bad-name',
          `${quote(name)} is not a ${kind} name`,
          'a letter or digit, then letters, digits, _ or -, 63 characters at most',
        )

const NAMES: Readonly<Record<NameKind, (name: string) => Problem | undefined>> = {
  qube: managedQubeProblem,
  profile: own('profile'),
  configuration: own('configuration'),
  device: deviceProblem,
  feature: featureProblem,
  property: propertyProblem,
  tag: tagProblem,
  host: plain('host'),
  group: own('group'),
  label: own('label'),
  value: plain('value'),
  wave: plain('wave'),
  fleet: plain('fleet'),
  rollout: plain('rollout'),
}
