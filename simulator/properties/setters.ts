import { byCodePoint, propertyValueError, repr, str, type Value, valueError } from '../host/index.ts'

/** The checks that single properties make of a new value, in the daemon's own words. */

export function setDefaultUser(value: Value): Value {
  const allowed = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+,.'
  if (/^[a-zA-Z0-9_+,.-]*$/.test(str(value))) return value
  throw propertyValueError(`Username can contain only those characters: ${allowed}`)
}

export function setKernel(value: Value): Value {
  if (str(value).includes('/')) throw propertyValueError("Kernel name cannot contain '/'")
  return value
}

export function setKernelOptions(value: Value): Value {
  if (str(value).length > 512) throw propertyValueError('Kernelopts value too long (512 chars max)')
  return value
}

export function setVirtMode(value: Value): Value {
  const mode = str(value).toLowerCase()
  if (['hvm', 'pv', 'pvh'].includes(mode)) return mode
  throw propertyValueError('Invalid virtualization mode, supported values: hvm, pv, pvh')
}

export function setKeyboardLayout(value: Value): Value {
  const [layout = '', variant = '', options = '', ...more] = str(value).split('+')
  if (str(value).split('+').length !== 3 || more.length > 0) {
    throw propertyValueError('invalid number of keyboard layout parameters')
  }
  if (!/^[a-zA-Z]+$/.test(layout)) throw propertyValueError('Invalid keyboard layout provided')
  if (!/^[a-zA-Z0-9_-]*$/.test(variant)) throw propertyValueError('Invalid layout variant provided')
  if (!/^[a-zA-Z0-9\-_:,]*$/.test(options)) throw propertyValueError('Invalid layout options provided')
  return value
}

/** Device interfaces, seven characters each, without a separator. */
export function splitInterfaces(interfaces: string): string[] {
  if (interfaces.length % 7 !== 0) {
    const length = interfaces.length
    throw valueError(
      `Invalid length of interfaces=${repr(interfaces)} (is ${length}, expected multiple of 7)`,
    )
  }
  return interfaces.match(/[^]{7}/g) ?? []
}

export function setDenied(value: Value): Value {
  if (value === '' || value === null) return ''
  const denied = [...new Set(splitInterfaces(str(value)))].sort(byCodePoint).join('')
  if (/^([bump*][0-9a-f*]{6})*$/.test(denied)) return denied
  throw propertyValueError(
    'Interface code list should be in the form chhhhhhchhhhhh...,' +
      'where c is one of "b", "u", "m", "p", "*" and h is a hexdigit or "*".',
  )
}
