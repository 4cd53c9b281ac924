import { pathProblem, type Value } from '../../spec/index.ts'

/**
 * What is set on a qube without being anybody's decision about it: the guest announced it, or qubesd and the tools of
 * dom0 keep it for themselves. A spec with these would fight its own host. What only a person sets stays in, however
 * little Windows makes of it (`vm-config.*`).
 */
const BOOKKEEPING_FEATURES: readonly RegExp[] = [
  /^os(?:-|$)/,
  /^(?:qrexec|vmexec|servicevm|qubes-agent-version)$/,
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

/** About the qube as the user of the desktop sees it, or what it is made of: not about Windows. */
const PERSONAL: ReadonlySet<string> = new Set([
  'qube/label',
  'qube/autostart',
  'qube/debug',
  ...['template', 'installed_by_rpm', 'provides_network', 'template_for_dispvms', 'auto_cleanup'].map(
    (name) => `qube/properties/${name}`,
  ),
])

/** True for what an import leaves out unless asked for everything. */
export function isNoise(path: string, value: Value): boolean {
  if (PERSONAL.has(path) || ANNOUNCED.get(path) === value) return true
  if (!path.startsWith('qube/features/')) return false
  const name = path.slice('qube/features/'.length)
  return BOOKKEEPING_FEATURES.some((pattern) => pattern.test(name))
}

/** What the host keeps to itself: no spec may name it, or it changes by itself (at every backup). */
export function isReserved(path: string): boolean {
  if (path === 'qube/properties/backup_timestamp') return true
  const code = pathProblem(path)?.code
  return code === 'reserved-name' || code === 'read-only'
}
