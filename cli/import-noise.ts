import { type Value } from '../spec/index.ts'

/**
 * What is set on a qube without being anybody's decision about it: the guest announced it, or qubesd and the tools of
 * dom0 keep it for themselves. A spec with these would fight its own host. What only a person sets stays in, however
 * little Windows makes of it (`vm-config.*`).
 */
const BOOKKEEPING_FEATURES: readonly RegExp[] = [
  /^os(?:-|$)/,
  /^(?:qrexec|vmexec|internal|servicevm|qubes-agent-version)$/,
  /^supported-/,
  /^boot-mode\./,
  /^template-/,
  /^(?:default-)?menu-(?:items|favorites)$/,
  /^appmenus-/,
  /^preload-dispvm/,
  /^(?:updates-available|last-updates?|last-update-check|last-updates-check)$/,
  // Switches of the Linux agent: Windows Tools know no services.
  /^service\./,
]

/** Windows Tools announce these with this very value; another value is a decision. */
const ANNOUNCED: ReadonlyMap<string, Value> = new Map([
  ['qube/features/gui', '1'],
  ['qube/features/rpc-clipboard', '1'],
])

const BOOKKEEPING_TAGS = /^(?:audiovm|guivm|created-by|disp-created-by)-/

/** About the qube as the user of the desktop sees it, or what it is made of: not about Windows. */
const PERSONAL: ReadonlySet<string> = new Set([
  'qube/label',
  'qube/autostart',
  'qube/debug',
  ...[
    'template',
    'installed_by_rpm',
    'provides_network',
    'template_for_dispvms',
    'dispid',
    'auto_cleanup',
  ].map((name) => `qube/properties/${name}`),
])

/** True for what an import leaves out unless asked for everything. */
export function isNoise(path: string, value: Value): boolean {
  if (PERSONAL.has(path) || ANNOUNCED.get(path) === value) return true
  if (path.startsWith('tags/')) return BOOKKEEPING_TAGS.test(path.slice('tags/'.length))
  if (!path.startsWith('qube/features/')) return false
  const name = path.slice('qube/features/'.length)
  return BOOKKEEPING_FEATURES.some((pattern) => pattern.test(name))
}

/** Properties that are no settings: qubesd works them out, fixes them at creation, or changes them by itself. */
export const NO_SETTING: ReadonlySet<string> = new Set([
  ...['klass', 'name', 'qid', 'uuid', 'xid', 'start_time', 'icon', 'updateable', 'backup_timestamp'],
  ...['stubdom_xid', 'stubdom_uuid', 'gateway', 'gateway6', 'is_preload', 'devices_denied'],
  ...['visible_ip', 'visible_ip6', 'visible_netmask', 'visible_gateway', 'visible_gateway6'],
])
