import { type Value } from '../../spec/index.ts'

/** A USB device as a path names it; port or identity may be `*`. */
export interface Device {
  readonly backend: string
  readonly port: string
  readonly identity: string
}

export const isDevice = (path: string): boolean => path.startsWith('usb/') && !path.startsWith('usb/denied/')

export function deviceOf(path: string): Device {
  const [, backend = '', port = '', identity = ''] = /^usb\/([^+]+)\+([^:]+):(.+)$/.exec(path) ?? []
  return { backend, port, identity }
}

/** The path that names a device. */
export const pathOfDevice = ({ backend, port, identity }: Device): string =>
  `usb/${backend}+${port}:${identity}`

/** Whether a device that is plugged in is the one of a path. */
export function isMeant(path: string, is: Device): boolean {
  const { backend, port, identity } = deviceOf(path)
  const fits = (wanted: string, found: string): boolean => wanted === '*' || wanted === found
  return backend === is.backend && fits(port, is.port) && fits(identity, is.identity)
}

/** Whether one device can be meant by both. */
export const overlaps = (a: Device, b: Device): boolean =>
  a.backend === b.backend && meets(a.port, b.port) && meets(a.identity, b.identity)

const meets = (a: string, b: string): boolean => a === '*' || b === '*' || a === b

/** Whether a setting gives the qube a device without asking. `ask-to-attach` does not: any number of qubes may have it. */
export const takesByItself = (path: string, value: Value | null): boolean =>
  isDevice(path) &&
  typeof value === 'object' &&
  value !== null &&
  'mode' in value &&
  value.mode !== 'ask-to-attach'
