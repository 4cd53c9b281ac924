import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listAssigned, listDenied, listTags, send } from '../../qubesd/admin.ts'
import {
  deniedAdd,
  deniedRemove,
  featureRemove,
  featureSet,
  isWrite,
  type Mode,
  propertyReset,
  propertySet,
  tagRemove,
  tagSet,
  usbAssign,
  type UsbDevice,
  usbSetMode,
  usbUnassign,
} from '../../qubesd/calls.ts'
import { type Call, decodeReply } from '../../qubesd/codec.ts'
import { clientOf, type Exchange, exchanges, readRequest, RELEASES, simulator } from './support.ts'

interface Recorded {
  readonly exchange: Exchange
  readonly call: Call
}

/** Requests that qubesd took, by method. */
function taken(method: string): Recorded[] {
  return exchanges().flatMap((exchange) => {
    const call = readRequest(exchange.request)?.call
    if (call?.method !== method || decodeReply(exchange.response).kind !== 'ok') return []
    return [{ exchange, call }]
  })
}

const SAME: readonly { method: string; make: (call: Call) => Call; count: number }[] = [
  { method: 'admin.vm.feature.Set', make: (c) => featureSet(c.dest, c.arg, c.payload), count: 39 },
  { method: 'admin.vm.feature.Remove', make: (c) => featureRemove(c.dest, c.arg), count: 8 },
  { method: 'admin.vm.property.Set', make: (c) => propertySet(c.dest, c.arg, c.payload), count: 49 },
  { method: 'admin.vm.property.Reset', make: (c) => propertyReset(c.dest, c.arg), count: 5 },
  { method: 'admin.vm.tag.Set', make: (c) => tagSet(c.dest, c.arg), count: 4 },
  { method: 'admin.vm.tag.Remove', make: (c) => tagRemove(c.dest, c.arg), count: 4 },
  { method: 'admin.vm.device.denied.Add', make: (c) => deniedAdd(c.dest, c.payload), count: 2 },
  { method: 'admin.vm.device.denied.Remove', make: (c) => deniedRemove(c.dest, c.payload), count: 4 },
]

for (const { method, make, count } of SAME) {
  test(`${method} is built as qubesd was recorded to take it`, () => {
    const recorded = taken(method)
    assert.equal(recorded.length, count)
    for (const { call } of recorded) assert.deepEqual(make(call), call)
  })
}

/** Reads the device off a recorded argument; qstate's own spelling is undone first. */
function deviceOf(arg: string): UsbDevice {
  const [, backend = '', rest = ''] = /^([^+]*)\+(.*)$/.exec(arg) ?? []
  const spelled = rest
    .replaceAll('+', ':')
    .replaceAll('_______', '?******')
    .replace(/^_:|:_$/g, (x) => x.replace('_', '*'))
  const colon = spelled.indexOf(':')
  return { backend, port: spelled.slice(0, colon), identity: spelled.slice(colon + 1) }
}

function fieldsOf(payload: string): Record<string, string> {
  return Object.fromEntries(
    [...payload.matchAll(/([a-z_]+)='([^']*)'/g)].map(([, k = '', v = '']) => [k, v] as const),
  )
}

test('an assignment says what the recorded ones say, in qrexec’s spelling', () => {
  const recorded = taken('admin.vm.device.usb.Assign')
  assert.equal(recorded.length, 14)
  for (const { exchange, call } of recorded) {
    const device = deviceOf(call.arg)
    const fields = fieldsOf(call.payload)
    const made = usbAssign(call.dest, device, fields['mode'] as Mode)
    assert.deepEqual(deviceOf(made.arg), device, exchange.where)
    assert.match(made.arg, /^[A-Za-z0-9_.+-]+$/)
    assert.equal(made.dest, call.dest)
    assert.deepEqual(fieldsOf(made.payload), { ...fields, frontend_domain: call.dest }, exchange.where)
  }
})

test('taking an assignment back, and changing its mode, name the device the same way', () => {
  const unassigned = taken('admin.vm.device.usb.Unassign')
  assert.equal(unassigned.length, 14)
  for (const { call } of unassigned) {
    const made = usbUnassign(call.dest, deviceOf(call.arg))
    assert.deepEqual({ ...made, arg: deviceOf(made.arg) }, { ...call, arg: deviceOf(call.arg) })
  }
  const changed = taken('admin.vm.device.usb.Set.assignment')
  assert.equal(changed.length, 8)
  for (const { call } of changed) {
    const made = usbSetMode(call.dest, deviceOf(call.arg), call.payload as Mode)
    assert.deepEqual({ ...made, arg: deviceOf(made.arg) }, { ...call, arg: deviceOf(call.arg) })
  }
})

test('a quote in an identity is escaped, so that it cannot end its field', () => {
  const device = { backend: 'sys-usb', port: '2-1', identity: "1:2:x' mode='required:u030000" }
  const { payload } = usbAssign('win10', device, 'ask-to-attach')
  assert.ok(payload.startsWith("device_id='1:2:x\\' mode=\\'required:u030000' port_id='2-1' "))
})

const DEVICES: readonly { port: string; identity: string; reason: string }[] = [
  { port: '2-1', identity: '046d:0843:CAM00001:u0e0100u0e0200u010100', reason: 'a device on its port' },
  { port: '3-1', identity: '*', reason: 'any device on a port' },
  {
    port: '*',
    identity: '1050:0407::u030101u030000u0b0000',
    reason: 'a device on any port, without a serial',
  },
  {
    port: '9-9',
    identity: 'dead:beef:X:?******',
    reason: 'a device of unknown interfaces that is not there',
  },
]

for (const release of ['4.3', '4.4'] as const) {
  for (const { port, identity, reason } of DEVICES) {
    test(`${release} takes both spellings of ${reason}`, async (t) => {
      const daemon = await simulator(t, { release })
      const client = clientOf(daemon)
      const device = { backend: 'sys-usb', port, identity }
      const made = usbAssign('win7-oem', device, 'auto-attach')
      const recorded = { ...made, arg: `sys-usb+${port}:${identity}` }
      const assignments: unknown[] = []
      for (const call of [made, recorded]) {
        await send(client, call)
        assignments.push(await listAssigned(client, release, 'win7-oem'))
        await send(client, usbSetMode('win7-oem', device, 'required'))
        assignments.push(await listAssigned(client, release, 'win7-oem'))
        await send(client, usbUnassign('win7-oem', device))
        assert.deepEqual(await listAssigned(client, release, 'win7-oem'), [])
      }
      const found = (mode: Mode): unknown => [{ ...device, mode }]
      assert.deepEqual(assignments, [
        found('auto-attach'),
        found('required'),
        found('auto-attach'),
        found('required'),
      ])
    })
  }
}

test('denied interfaces are added, listed and removed', async (t) => {
  const client = clientOf(await simulator(t))
  await send(client, deniedAdd('win7-oem', 'u080650u03****'))
  assert.deepEqual([...(await listDenied(client, 'win7-oem'))].sort(), ['u03****', 'u080650'])
  await send(client, deniedRemove('win7-oem', 'u080650'))
  assert.deepEqual(await listDenied(client, 'win7-oem'), ['u03****'])
})

for (const release of RELEASES) {
  test(`tags are set and removed on ${release}`, async (t) => {
    const client = clientOf(await simulator(t, { release }))
    await send(client, tagSet('win7-oem', 'qstate-test'))
    assert.ok((await listTags(client, 'win7-oem')).includes('qstate-test'))
    await send(client, tagRemove('win7-oem', 'qstate-test'))
    assert.ok(!(await listTags(client, 'win7-oem')).includes('qstate-test'))
  })
}

test('a write is told from a read by its method, for every method that was recorded', () => {
  const methods = new Set(exchanges().flatMap((e) => readRequest(e.request)?.call.method ?? []))
  methods.delete('admin.vm.nosuch')
  const writes = [...methods].filter(isWrite).sort()
  assert.deepEqual(writes, [
    'admin.vm.Create.AppVM',
    'admin.vm.Create.StandaloneVM',
    'admin.vm.Kill',
    'admin.vm.Remove',
    'admin.vm.Shutdown',
    'admin.vm.Start',
    'admin.vm.device.denied.Add',
    'admin.vm.device.denied.Remove',
    'admin.vm.device.usb.Assign',
    'admin.vm.device.usb.Attach',
    'admin.vm.device.usb.Detach',
    'admin.vm.device.usb.Set.assignment',
    'admin.vm.device.usb.Set.persistent',
    'admin.vm.device.usb.Unassign',
    'admin.vm.feature.Remove',
    'admin.vm.feature.Set',
    'admin.vm.property.Reset',
    'admin.vm.property.Set',
    'admin.vm.tag.Remove',
    'admin.vm.tag.Set',
  ])
  assert.equal(methods.size - writes.length, 21)
})
