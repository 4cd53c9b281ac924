import { type Value } from '../../spec/index.ts'
import { type HostQube } from '../ports/index.ts'

/**
 * Values that Qubes Windows Tools have qubesd set at every boot, on qubes without a template, whatever was there
 * (qubes/ext/windows.py). Where one of them stands in the place of a value that qstate had set, the guest did it:
 * that is not drift, and setting it back would only last until the next boot.
 */
const SET_AT_EVERY_BOOT: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['qube/maxmem', 0],
  ['qube/qrexecTimeout', 6000],
  ['qube/features/os', 'Windows'],
  ['qube/features/rpc-clipboard', '1'],
])

const WITHOUT_TEMPLATE: ReadonlySet<string> = new Set(['StandaloneVM', 'TemplateVM'])

export function isGuestValue(qube: HostQube, path: string, value: Value | null): boolean {
  return value !== null && WITHOUT_TEMPLATE.has(qube.klass) && SET_AT_EVERY_BOOT.get(path) === value
}
