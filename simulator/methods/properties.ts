import { type Host, type Qube, str, type Value } from '../host/index.ts'
import {
  defaultOf,
  definition,
  definitions,
  type Holder,
  isDefault,
  type PropertyDefinition,
  read,
  resetProperty,
  sanitize,
  setProperty,
} from '../properties/index.ts'
import { type Method, type MethodCall, type MethodTable } from './method.ts'

/** `admin.vm.property.*` and, for the host itself, `admin.property.*`. */
export const PROPERTY_METHODS: MethodTable = {
  ...forHolder('admin.vm.property', 'any', (dest) => dest),
  ...forHolder('admin.property', 'admin', () => null),
}

function forHolder(prefix: string, dest: Method['dest'], holderOf: (dest: Qube) => Holder): MethodTable {
  const listing = (run: (host: Host, holder: Holder) => string): Method => ({
    arg: 'none',
    payload: 'none',
    dest,
    run: (call) => run(call.host, holderOf(call.dest)),
  })
  const single = (
    payload: Method['payload'],
    run: (call: MethodCall, holder: Holder, found: PropertyDefinition) => string,
  ): Method => ({
    arg: 'some',
    payload,
    dest,
    run: (call) => {
      const holder = holderOf(call.dest)
      return run(call, holder, definition(call.host, holder, call.arg))
    },
  })
  return {
    [`${prefix}.List`]: listing((host, holder) => definitions(host, holder).map(nameLine).join('')),
    [`${prefix}.GetAll`]: listing((host, holder) =>
      definitions(host, holder)
        .map((found) => `${found.name} ${escape(print(host, holder, found))}\n`)
        .join(''),
    ),
    [`${prefix}.Get`]: single('none', ({ host }, holder, found) => print(host, holder, found)),
    [`${prefix}.GetDefault`]: single('none', ({ host }, holder, found) => {
      const value = defaultOf(host, holder, found)
      return value === undefined ? '' : `type=${found.kind} ${printValue(value)}`
    }),
    [`${prefix}.Set`]: single('any', ({ host, payload }, holder, found) => {
      setProperty(host, holder, found, sanitize(found, payload))
      return ''
    }),
    [`${prefix}.Reset`]: single('none', ({ host }, holder, found) => {
      resetProperty(host, holder, found)
      return ''
    }),
  }
}

function nameLine(found: PropertyDefinition): string {
  return `${found.name}\n`
}

function print(host: Host, holder: Holder, found: PropertyDefinition): string {
  const value = read(host, holder, found.name)
  if (value === undefined) return `default=True type=${found.kind} `
  const isSet = !isDefault(holder, host, found.name)
  return `default=${isSet ? 'False' : 'True'} type=${found.kind} ${printValue(value)}`
}

function printValue(value: Value): string {
  return value === null ? '' : str(value)
}

function escape(line: string): string {
  return line.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
