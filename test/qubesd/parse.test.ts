import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AvailableDevice,
  type ListedQube,
  parseAssigned,
  parseAvailable,
  parseAvailable42,
  parseList,
  parseList42,
  parseNames,
  parseProperties,
  parseProperty,
  parseSomeProperties,
} from '../../qubesd/parse.ts'
import { type Exchange, exchanges, okText, readRequest } from './support.ts'

interface Answer {
  readonly exchange: Exchange
  readonly dest: string
  readonly text: string
}

const NAME = /^[A-Za-z0-9_.-]+$/

/** Good answers to a method, with the number there must be: a recording that nobody looks at is noticed. */
function answers(method: string, count: number): Answer[] {
  const found = exchanges().flatMap((exchange) => {
    const sent = readRequest(exchange.request)
    const text = okText(exchange)
    if (sent?.call.method !== method || text === undefined) return []
    return [{ exchange, dest: sent.call.dest, text }]
  })
  assert.equal(found.length, count, method)
  return found
}

test('lists of qubes print back to the recorded text', () => {
  for (const { exchange, text } of answers('admin.vm.List', 12)) {
    const qubes = parseList(text)
    assert.ok(qubes, exchange.where)
    const lines = qubes.map(
      ({ name, klass, state, uuid }) =>
        `${name} class=${klass} state=${state}${uuid === null ? '' : ` uuid=${uuid}`}\n`,
    )
    assert.equal(lines.join(''), text, exchange.where)
    assert.ok(qubes.every(({ uuid }) => (uuid === null) === (exchange.release === '4.2')))
  }
})

test('the list of the whole host has every qube of it', () => {
  const whole = answers('admin.vm.List', 12).filter(({ dest }) => dest !== 'win10')
  for (const { text, exchange } of whole.filter(({ dest }) => dest === 'dom0' || dest === 'adminvm')) {
    const names = parseList(text)?.map(({ name }) => name)
    assert.equal(names?.length, 13, exchange.where)
    assert.deepEqual(names.slice(0, 3), ['dom0', 'fedora-41', 'mgmt'])
  }
})

for (const [method, count] of [
  ['admin.vm.property.GetAll', 17],
  ['admin.property.GetAll', 3],
] as const) {
  test(`answers to ${method} print back to the recorded text`, () => {
    for (const { exchange, text } of answers(method, count)) {
      const properties = parseProperties(text)
      assert.ok(properties, exchange.where)
      const some = parseSomeProperties(text)
      for (const [name, property] of properties) assert.deepEqual(some?.(name), property)
      assert.equal(some?.('nothing_of_the_kind'), undefined)
      const lines = [...properties].map(([name, { isDefault, type, value }]) => {
        const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
        return `${name} default=${isDefault ? 'True' : 'False'} type=${type} ${escaped}\n`
      })
      assert.equal(lines.join(''), text, exchange.where)
    }
  })
}

test('the properties of a Windows qube have the values of the fixture', () => {
  for (const { dest, text, exchange } of answers('admin.vm.property.GetAll', 17)) {
    if (dest !== 'win10') continue
    const properties = parseProperties(text)
    assert.deepEqual(
      properties?.get('memory'),
      { isDefault: false, type: 'int', value: '4096' },
      exchange.where,
    )
    assert.deepEqual(properties.get('kernel'), { isDefault: false, type: 'str', value: '' })
    assert.deepEqual(properties.get('dns'), {
      isDefault: true,
      type: 'str',
      value: '10.139.1.1 10.139.1.2',
    })
    assert.equal(properties.get('netvm')?.value, 'sys-firewall')
  }
})

test('single properties print back to the recorded text', () => {
  for (const { exchange, text } of answers('admin.vm.property.Get', 87)) {
    const property = parseProperty(text)
    assert.ok(property, exchange.where)
    const { isDefault, type, value } = property
    assert.equal(`default=${isDefault ? 'True' : 'False'} type=${type} ${value}`, text, exchange.where)
  }
})

// qubesd takes a feature without a name, and one of 200 characters.
for (const [method, count, pattern] of [
  ['admin.vm.tag.List', 17, NAME],
  ['admin.vm.feature.List', 18, /^[\x20-\x7e]*$/],
] as const) {
  test(`answers to ${method} print back to the recorded text`, () => {
    for (const { exchange, text } of answers(method, count)) {
      const names = parseNames(text, pattern)
      assert.equal(names?.map((name) => `${name}\n`).join(''), text, exchange.where)
    }
  })
}

test('denied interfaces, the one list whose last line does not end, print back to the recorded text', () => {
  const lists = answers('admin.vm.device.denied.List', 4).map(({ exchange, text }) => {
    const names = parseNames(text === '' ? text : `${text}\n`, /^[\x21-\x7e]{7}$/)
    assert.equal(names?.join('\n'), text, exchange.where)
    return names
  })
  assert.deepEqual(lists, [[], ['u03****', 'u080650'], [], ['u03****', 'u080650']])
})

test('assigned devices of 4.3 and 4.4 have the values of the recorded lines', () => {
  let devices = 0
  for (const { exchange, text } of answers('admin.vm.device.usb.Assigned', 16)) {
    const assigned = parseAssigned(text)
    assert.ok(assigned, exchange.where)
    assert.equal(assigned.length, text.split('\n').length - 1, exchange.where)
    for (const [i, { backend, port, identity, mode }] of assigned.entries()) {
      devices++
      const line = text.split('\n')[i] ?? ''
      assert.ok(line.startsWith(`${backend}+${port}:${identity} device_id='${identity}' `), line)
      assert.ok(line.includes(` mode='${mode}'`), line)
    }
  }
  assert.equal(devices, 14)
})

test('attached devices are not assignments: a manual one is refused, not guessed at', () => {
  const manual = answers('admin.vm.device.usb.Attached', 10).filter(({ text }) =>
    text.includes("mode='manual'"),
  )
  assert.equal(manual.length, 2)
  for (const { text } of manual) assert.equal(parseAssigned(text), undefined)
})

test('available devices of 4.3 and 4.4 have the values of the recorded lines', () => {
  const lists = answers('admin.vm.device.usb.Available', 14).filter(
    ({ exchange }) => exchange.release !== '4.2',
  )
  for (const { exchange, text } of lists) {
    const devices = parseAvailable(text)
    assert.equal(devices?.length, text.split('\n').length - 1, exchange.where)
    if (devices.length === 4) assert.deepEqual(devices.map(untilAttached), WEBCAM_TO_KEY, exchange.where)
  }
  const all = lists.flatMap(({ text }) => parseAvailable(text) ?? [])
  assert.deepEqual(new Set(all.map(({ attachedTo }) => attachedTo)), new Set([null, 'win10']))
})

const WEBCAM_TO_KEY: readonly AvailableDevice[] = [
  ['2-1', '046d:085b:ABC12345:u0e0100u0e0200u010100', 'Logitech ABC12345'],
  ['2-2.1', '0b0e:0412:0023A1B2:u010100u030000', 'GN_Netcom 0023A1B2'],
  ['3-1', '0951:1666:60A44C413FAE:u080650', 'Kingston Technology DataTraveler 100 G3/G4/SE9 G2/50 Kyson'],
  ['3-4', '1050:0407::u030101u030000u0b0000', 'Yubico.com Yubikey 4/5 OTP+U2F+CCID'],
].map(([port = '', identity = '', description = '']) => ({
  backend: 'sys-usb',
  port,
  identity,
  description,
  attachedTo: null,
}))

const untilAttached = (device: AvailableDevice): AvailableDevice => ({ ...device, attachedTo: null })

test('available devices of 4.2 have the values of the recorded lines', () => {
  const lists = answers('admin.vm.device.usb.Available', 14).filter(
    ({ exchange }) => exchange.release === '4.2',
  )
  const whole = lists
    .map(({ text }) => parseAvailable42(text, 'sys-usb'))
    .find((found) => found?.length === 4)
  assert.deepEqual(
    whole?.map(({ port, description }) => [port, description]),
    [
      ['2-1', 'Logitech_Webcam_C925e'],
      ['2-2.1', 'Jabra_EVOLVE'],
      ['3-1', 'DataTraveler_3.0'],
      ['3-4', 'YubiKey_OTP+FIDO+CCID'],
    ],
  )
  for (const { text, exchange } of lists) {
    const devices = parseAvailable42(text, 'sys-usb')
    assert.equal(devices?.length, text.split('\n').length - 1, exchange.where)
    for (const { backend, identity, attachedTo } of devices)
      assert.deepEqual([backend, identity, attachedTo], ['sys-usb', '*', null])
  }
})

test('of the devices that 4.2 lists only the persistent ones are assignments', () => {
  const lists = answers('admin.vm.device.usb.List', 7).map(({ text }) => parseList42(text))
  const at = (port: string): unknown => ({ backend: 'sys-usb', port, identity: '*', mode: 'auto-attach' })
  assert.deepEqual(lists, [[], [at('2-1')], [at('2-1')], [], [], [], [at('9-9')]])
})

const DEVICE = "device_id='1:2:S:u030000' port_id='2-1' devclass='usb' backend_domain='sys-usb'"
const HOSTILE: readonly { fields: string; description: string | undefined; reason: string }[] = [
  { fields: `name='it\\'s'`, description: `it's`, reason: 'a quote inside a value' },
  { fields: `name='a\\b\\\\c'`, description: 'a\\b\\\\c', reason: 'backslashes stand for themselves' },
  { fields: `name='x\\' mode=\\'required'`, description: `x' mode='required`, reason: 'a value like a pair' },
  { fields: `name='x' mode='required'`, description: 'x', reason: 'an unknown key changes nothing' },
  { fields: `name='x' port_id='9-9'`, description: undefined, reason: 'a second port' },
  { fields: `name='x' device_id='*'`, description: undefined, reason: 'a second identity' },
  { fields: `name='x' attachment='a' attachment='b'`, description: undefined, reason: 'two attachments' },
  { fields: `name='x`, description: undefined, reason: 'a value that does not end' },
  { fields: `name='x\\'`, description: undefined, reason: 'a value whose end is escaped' },
  { fields: `name='x'y`, description: undefined, reason: 'text after a value' },
  { fields: `name=x`, description: undefined, reason: 'a value without quotes' },
  { fields: `name='a'product='b'`, description: undefined, reason: 'no space between pairs' },
  { fields: ` name='x'  `, description: undefined, reason: 'spaces after the last pair' },
  { fields: ` name='x'`, description: 'x', reason: 'two spaces between pairs, which 4.3 sends' },
  { fields: `NAME='x'`, description: undefined, reason: 'a key that is no key' },
  {
    fields: `name='\x1b[2J'`,
    description: '\x1b[2J',
    reason: 'controls stay: showing them is not this file',
  },
  {
    fields: `name='x\\' serial='x\\' interfaces='u'`,
    description: 'x\\',
    reason: 'values that end in a backslash',
  },
  {
    fields: `name='a\\'b\\' serial='c'`,
    description: "a'b\\",
    reason: 'a quote, and a backslash at the end',
  },
  { fields: `serial='a\\' name='`, description: '', reason: 'a quote and a key, and no value behind it' },
  { fields: `name='a=b;c\`d$(e)'`, description: 'a=b;c`d$(e)', reason: 'shell text is text' },
]

for (const { fields, description, reason } of HOSTILE) {
  test(`a device that describes itself with ${reason} is ${description === undefined ? 'refused' : 'read'}`, () => {
    const devices = parseAvailable(`2-1:1:2:S:u030000 ${DEVICE} ${fields}\n`)
    assert.deepEqual(
      devices,
      description === undefined
        ? undefined
        : [{ backend: 'sys-usb', port: '2-1', identity: '1:2:S:u030000', description, attachedTo: null }],
    )
  })
}

test('a device of 4.2 cannot say with its description that it is attached', () => {
  const [device] = parseAvailable42('2-1 attachment=None description=x attachment=win10\n', 'sys-usb') ?? []
  assert.equal(device?.attachedTo, null)
  assert.equal(device.description, 'x attachment=win10')
})

test('the words of a device are told without what is around them', () => {
  const words = (vendor: string, product: string): string | undefined =>
    parseAvailable(
      `2-1:1:2::u030000 device_id='1:2::u030000' port_id='2-1' devclass='usb' backend_domain='u' vendor='${vendor}' product='${product}'\n`,
    )?.[0]?.description
  assert.equal(words('A', 'B'), 'A B')
  assert.equal(words(' A ', '   '), 'A')
  assert.equal(words(' ', ' '), '')
  const [plain] = parseAvailable42('2-1 description=a=b_c\n', 'sys-usb') ?? []
  assert.equal(plain?.description, 'a=b_c')
})

test('what a serial holds in the first word is no pair', () => {
  const serial = `S device_id=\\'*\\' port_id=\\'9-9\\' x=\\'`
  const raw = serial.replaceAll("\\'", "'")
  const fields = `device_id='1:2:${serial}:u030000' port_id='2-1' devclass='usb' backend_domain='sys-usb' serial='${serial}'`
  const [device] = parseAvailable(`2-1:1:2:${raw}:u030000 ${fields}\n`) ?? []
  assert.equal(device?.port, '2-1')
  assert.equal(device.identity, `1:2:${raw}:u030000`)
})

const LINES: readonly { parse: (text: string) => unknown; text: string; reason: string }[] = [
  { parse: parseList, text: 'a class=AppVM state=Halted', reason: 'a list cut within its last line' },
  { parse: parseList, text: 'a class=AppVM state=Halted\n\n', reason: 'an empty line' },
  { parse: parseList, text: 'a class=AppVM state=Halted uuid=1\n', reason: 'a UUID that is none' },
  { parse: parseList, text: 'a class=AppVM\n', reason: 'a qube without a state' },
  { parse: parseList, text: '../a class=AppVM state=Halted\n', reason: 'a name that is a path' },
  { parse: parseList, text: 'a\r class=AppVM state=Halted\n', reason: 'a control in a name' },
  {
    parse: parseList,
    text: 'a class=AppVM state=Halted\r\n',
    reason: 'a line that ends like one of Windows',
  },
  { parse: parseProperty, text: 'default=true type=str x', reason: 'a default that is not of Python' },
  { parse: parseProperty, text: 'type=str x', reason: 'a property that does not tell its default' },
  { parse: parseProperties, text: 'memory default=True type=int 4', reason: 'a property cut in its value' },
  { parse: parseProperties, text: 'memory\n', reason: 'a property without a value' },
  {
    parse: parseSomeProperties,
    text: 'memory\n',
    reason: 'a property without a value, where some are asked for',
  },
  {
    parse: parseSomeProperties,
    text: 'a default=True type=str x\na default=True type=str y\n',
    reason: 'one property with two values, where others are asked for',
  },
  {
    parse: parseProperties,
    text: 'a default=True type=str x\na default=True type=str y\n',
    reason: 'one property with two values',
  },
  { parse: (text) => parseNames(text, NAME), text: 'audiovm-dom', reason: 'a tag cut short' },
  { parse: (text) => parseNames(text, NAME), text: 'a b\n', reason: 'a tag with a space' },
  { parse: parseAssigned, text: `sys-usb+2-1:* ${DEVICE}\n`, reason: 'an assignment without a mode' },
  { parse: parseAssigned, text: `sys-usb+2-1:* ${DEVICE} mode='never'\n`, reason: 'an unknown mode' },
  { parse: parseAssigned, text: `sys-usb+2-1:*\n`, reason: 'an assignment without fields' },
  { parse: parseList42, text: 'sys-usb+2-1 persistent=maybe\n', reason: 'neither yes nor no' },
  { parse: parseList42, text: 'sys-usb persistent=yes\n', reason: 'a device without a port' },
  { parse: (text) => parseAvailable42(text, 'u'), text: '../2-1 x=y\n', reason: 'a port that is none' },
]

for (const { parse, text, reason } of LINES) {
  test(`refuses ${reason}`, () => {
    assert.equal(parse(text), undefined)
  })
}

test('a property value keeps newlines and backslashes', () => {
  const text = 'a default=False type=str one\\ntwo\\\\n three\\\\\\n\n'
  assert.equal(parseProperties(text)?.get('a')?.value, 'one\ntwo\\n three\\\n')
  assert.equal(parseProperty('default=False type=str one\ntwo\\n')?.value, 'one\ntwo\\n')
})

test('an empty answer is an empty list', () => {
  for (const parse of [parseList, parseAssigned, parseAvailable, parseList42]) assert.deepEqual(parse(''), [])
  assert.deepEqual(parseAvailable42('', 'sys-usb'), [])
  assert.deepEqual(parseNames('', NAME), [])
  assert.equal(parseProperties('')?.size, 0)
})

test('a hundred thousand qubes are read', () => {
  const lines = Array.from(
    { length: 100_000 },
    (_, i) => `q${i} class=AppVM state=Halted uuid=00000000-0000-4000-8000-${String(i).padStart(12, '0')}\n`,
  )
  const qubes: readonly ListedQube[] | undefined = parseList(lines.join(''))
  assert.equal(qubes?.length, 100_000)
  assert.equal(qubes.at(-1)?.name, 'q99999')
  assert.equal(parseList(`${lines.join('')}!\n`), undefined)
})

test('a hundred thousand devices are read', () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `x ${DEVICE} mode='required' _n='${i}'\n`)
  assert.equal(parseAssigned(lines.join(''))?.length, 100_000)
})

const LONG = 8 * 1024 * 1024
const LONG_LINES: readonly { parse: (text: string) => unknown; text: () => string; reason: string }[] = [
  { parse: parseAvailable, text: () => `x ${DEVICE} name='${'a'.repeat(LONG)}'`, reason: 'one value' },
  { parse: parseAvailable, text: () => `x ${DEVICE} name='${"\\'".repeat(LONG / 2)}'`, reason: 'quotes' },
  { parse: parseAvailable, text: () => `x ${DEVICE} name='${'\\'.repeat(LONG)}`, reason: 'backslashes' },
  {
    parse: parseAvailable,
    text: () => `x ${DEVICE}${" a='\\\\'".repeat(LONG / 6)}`,
    reason: 'endings in backslash',
  },
  { parse: parseAvailable, text: () => `x ${DEVICE} ${' '.repeat(LONG)}`, reason: 'spaces' },
  { parse: parseAvailable, text: () => `x ${DEVICE} ${'a'.repeat(LONG)}`, reason: 'one key' },
  { parse: parseAvailable, text: () => `x ${" a='b'".repeat(LONG / 6)}`, reason: 'the same pair' },
  { parse: parseList, text: () => 'a'.repeat(LONG), reason: 'one name' },
  { parse: parseList, text: () => `a class=AppVM state=Halted${' a=b'.repeat(LONG / 4)} !`, reason: 'pairs' },
  { parse: parseList42, text: () => `a+b${' persistent=yes'.repeat(LONG / 15)} !`, reason: 'endings' },
  { parse: parseList42, text: () => `a+${'b'.repeat(LONG)}`, reason: 'one port' },
  { parse: (x) => parseAvailable42(x, 'u'), text: () => `2-1${'.1'.repeat(LONG / 2)}!`, reason: 'dots' },
  {
    parse: (x) => parseAvailable42(x, 'u'),
    text: () => `2-1${' description='.repeat(LONG / 13)}`,
    reason: 'descriptions',
  },
  { parse: parseProperties, text: () => 'a'.repeat(LONG), reason: 'one property name' },
  { parse: parseProperties, text: () => `a default=True type=${'a'.repeat(LONG)}`, reason: 'one type' },
  { parse: (x) => parseNames(x, NAME), text: () => 'a'.repeat(LONG), reason: 'one tag' },
]

for (const { parse, text, reason } of LONG_LINES) {
  test(`refuses a line of eight million characters, all ${reason}`, () => {
    assert.equal(parse(`${text()}\n`), undefined)
  })
}

test('a line as long as qubesd can be made to send is read', () => {
  const value = '\\\\'.repeat(65_536)
  assert.equal(parseProperties(`a default=False type=str ${value}\n`)?.get('a')?.value.length, 65_536)
  const device = parseAvailable(`x ${DEVICE} name='${"\\'".repeat(65_536)}'\n`)
  assert.equal(device?.[0]?.description.length, 65_536)
})
