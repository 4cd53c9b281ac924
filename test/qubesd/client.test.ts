import assert from 'node:assert/strict'
import { linkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  detectVersion,
  getFeature,
  getInheritedFeature,
  getProperties,
  getProperty,
  hasTag,
  listAssigned,
  listAvailable,
  listFeatures,
  listQubes,
  listTags,
  powerState,
  send,
} from '../../qubesd/admin.ts'
import { featureRemove, featureSet, propertySet, usbAssign, usbUnassign } from '../../qubesd/calls.ts'
import { createClient } from '../../qubesd/client.ts'
import { type Call } from '../../qubesd/codec.ts'
import { fromException, policyLine, quoteForTerminal } from '../../qubesd/errors.ts'
import { socketTransport } from '../../qubesd/socket.ts'
import { type Fault } from '../../simulator/wire/faults.ts'
import { type CodeOf } from '../../spec/diagnostics/index.ts'
import { clientOf, daemon, failsWith, failure, folder, read, RELEASES, simulator } from './support.ts'

for (const release of RELEASES) {
  test(`typed reads of ${release} say what is so on the host`, async (t) => {
    const host = await simulator(t, { release })
    const client = clientOf(host)
    const qubes = await listQubes(client)
    assert.equal(await detectVersion(client, qubes), release)
    assert.deepEqual(
      qubes.map(({ name, klass }) => [name, klass]),
      [...host.host.qubes.values()].map(({ name, klass }) => [name, klass]).sort(),
    )
    for (const { name, state } of qubes) {
      const qube = host.host.qubes.get(name)
      assert.ok(qube)
      assert.deepEqual(await listTags(client, name), [...qube.tags].sort())
      assert.deepEqual(new Set(await listFeatures(client, name)), new Set(qube.features.keys()))
      for (const [feature, value] of qube.features)
        assert.equal(await getFeature(client, name, feature), value)
      assert.equal(await powerState(client, name), state)
      const properties = await getProperties(client, name)
      assert.equal(properties.get('name')?.value, name)
      assert.deepEqual(await getProperty(client, name, 'label'), properties.get('label'))
    }
    assert.equal((await listAvailable(client, release, 'sys-usb')).length, 4)
    assert.equal(host.writes(), 0)
  })
}

test('what is not set is an answer, not a failure', async (t) => {
  const client = clientOf(await simulator(t))
  assert.equal(await getFeature(client, 'win11-office', 'audio-model'), undefined)
  assert.equal(await getInheritedFeature(client, 'win11-office', 'audio-model'), 'ich6')
  assert.equal(await getInheritedFeature(client, 'win7-oem', 'audio-model'), undefined)
  assert.equal(await getFeature(client, 'win10-home', 'audio-model'), '')
  assert.equal(await getProperty(client, 'win7-oem', 'template'), undefined)
  assert.equal(await hasTag(client, 'win10-work', 'work'), true)
  assert.equal(await hasTag(client, 'win10-work', 'no-such-tag'), false)
})

const HEADSET = { backend: 'sys-usb', port: '2-2.1', identity: '*' }
const SAYS_NO: readonly { call: Call; code: CodeOf<'host'>; reason: string }[] = [
  { call: read('nosuch'), code: 'unknown-qube', reason: 'a qube that is not there' },
  {
    call: featureSet('nosuch', 'a', 'b'),
    code: 'unknown-qube',
    reason: 'a write to a qube that is not there',
  },
  { call: featureRemove('win7-oem', 'nosuch'), code: 'unknown-feature', reason: 'a feature that is not set' },
  {
    call: read('win7-oem', 'admin.vm.property.Get', 'nosuch'),
    code: 'unknown-property',
    reason: 'no such property',
  },
  { call: propertySet('win7-oem', 'label', 'no-such'), code: 'unknown-label', reason: 'no such label' },
  { call: propertySet('win7-oem', 'virt_mode', 'x'), code: 'invalid-value', reason: 'no such mode' },
  { call: usbUnassign('win7-oem', HEADSET), code: 'not-assigned', reason: 'nothing to take back' },
  { call: read('win7-oem', 'admin.vm.NoSuch'), code: 'refused', reason: 'a method that 4.3 does not know' },
]

for (const { call, code, reason } of SAYS_NO) {
  test(`${code}: ${reason}`, async (t) => {
    const error = await failure(send(clientOf(await simulator(t)), call))
    assert.equal(error.code, code)
    assert.ok(error.message.includes(call.method) && error.message.includes(call.dest))
    assert.equal(error.retryable, false)
  })
}

test('already-assigned: the same device twice on one qube', async (t) => {
  for (const release of RELEASES) {
    const client = clientOf(await simulator(t, { release }))
    const call = usbAssign('win7-oem', HEADSET, 'auto-attach')
    await send(client, call)
    await assert.rejects(send(client, call), failsWith('already-assigned', call.method))
    assert.equal((await listAssigned(client, release, 'win7-oem')).length, 1)
  }
})

test('an exception that qstate does not know keeps its name, and its words cannot act on a terminal', () => {
  const error = fromException(read(), 'toString', 'a\x1b[31m\u202eb\n')
  assert.equal(error.code, 'daemon-error')
  assert.ok(error.message.includes('(toString)'))
  assert.doesNotMatch(error.message, /[\x00-\x1f\u202e]/)
  assert.ok(quoteForTerminal('x'.repeat(10_000)).length < 400)
})

const FAULTS: readonly { do: Fault['do']; code: CodeOf<'host'>; done: boolean; reason: string }[] = [
  { do: 'refuse', code: 'refused', done: false, reason: 'an empty answer is how qubesd refuses' },
  { do: 'drop-before', code: 'refused', done: false, reason: 'a closed connection looks like a refusal' },
  { do: 'drop-after', code: 'refused', done: true, reason: 'even where the work was done: look again' },
  { do: 'die-before', code: 'refused', done: false, reason: 'the last call of a daemon that goes away' },
  { do: 'die-after', code: 'refused', done: true, reason: 'and of one that goes after the work' },
  { do: 'garbage', code: 'malformed-answer', done: true, reason: 'rubbish is not believed' },
  { do: 'truncate', code: 'malformed-answer', done: true, reason: 'half a good answer is not one' },
]

for (const { do: action, code, done, reason } of FAULTS) {
  test(`a write that meets ${JSON.stringify(action)} fails with ${code}: ${reason}`, async (t) => {
    const faults = [{ match: { writesOnly: true }, times: 1, do: action }]
    const host = await simulator(t, { faults })
    const client = clientOf(host)
    const call = featureSet('win7-oem', 'audio-model', 'ich6')
    const error = await failure(send(client, call))
    assert.equal(error.code, code)
    assert.ok(error.hint.includes('qubesd -e'))
    await host.restart()
    assert.equal(await getFeature(client, 'win7-oem', 'audio-model'), done ? 'ich6' : undefined)
  })
}

/** Without the second line the list tells of dom0 alone. */
const WHOLE_LIST =
  '\n  admin.vm.List * mgmt @adminvm allow target=dom0\n  admin.vm.List * mgmt @anyvm allow target=dom0'

test('a refusal tells the policy line that would allow the call', async (t) => {
  const host = await simulator(t, { faults: [{ match: {}, do: 'refuse' }] })
  const client = clientOf(host, { source: 'mgmt' })
  const get = await failure(getFeature(client, 'win7-oem', 'audio-model'))
  assert.ok(get.hint.endsWith('admin.vm.feature.Get +audio-model mgmt win7-oem allow target=dom0'))
  const list = await failure(listQubes(client))
  assert.ok(list.hint.endsWith(WHOLE_LIST), list.hint)
})

test('a refusal that 4.4 gives a reason for is a refusal all the same', async (t) => {
  const host = await daemon(t, (connection) => connection.end('2\0PermissionDenied\0\0not you\0'))
  const error = await failure(listQubes(clientOf(host)))
  assert.equal(error.code, 'refused')
  assert.ok(error.message.includes('not you'))
  assert.ok(error.hint.includes(policyLine(read('dom0', 'admin.vm.List'), 'MANAGEMENT-QUBE')))
})

for (const [what, method, ask] of [
  ['a list of qubes', 'admin.vm.List', listQubes],
  ['a list of tags', 'admin.vm.tag.List', (client) => listTags(client, 'win10-work')],
  ['properties', 'admin.vm.property.GetAll', (client) => getProperties(client, 'win10-work')],
  ['devices', 'admin.vm.device.usb.Available', (client) => listAvailable(client, '4.3', 'sys-usb')],
] as const satisfies readonly (readonly [
  string,
  string,
  (client: ReturnType<typeof clientOf>) => Promise<unknown>,
])[]) {
  test(`${what} cut in half is malformed, not a shorter answer`, async (t) => {
    const host = await simulator(t, { faults: [{ match: { method }, do: 'truncate' }] })
    await assert.rejects(ask(clientOf(host)), failsWith('malformed-answer', method))
  })
}

test('daemon-unreachable: there is no socket', async (t) => {
  const client = clientOf({ socket: join(folder(t), 'qubesd.sock') })
  const error = await failure(listQubes(client))
  assert.equal(error.code, 'daemon-unreachable')
  assert.equal(error.retryable, true)
})

test('daemon-unreachable: the socket is of a daemon that is no more', async (t) => {
  const stale = join(folder(t), 'stale.sock')
  const host = await simulator(t)
  linkSync(host.socket, stale)
  await host.close()
  await assert.rejects(
    listQubes(clientOf({ socket: stale })),
    failsWith('daemon-unreachable', 'admin.vm.List'),
  )
})

test('daemon-unreachable: after the daemon died', async (t) => {
  const faults = [{ match: { writesOnly: true }, do: 'die-before' as const }]
  const host = await simulator(t, { faults })
  const client = clientOf(host)
  await assert.rejects(send(client, featureSet('win7-oem', 'a', 'b')), failsWith('refused'))
  await assert.rejects(listQubes(client), failsWith('daemon-unreachable'))
  await host.restart()
  assert.ok((await listQubes(client)).length > 10)
})

test('timeout: a daemon that says nothing', async (t) => {
  const host = await simulator(t, { faults: [{ match: { method: 'admin.vm.List' }, do: 'hang' }] })
  const error = await failure(listQubes(clientOf(host, { timeoutMs: 20 })))
  assert.equal(error.code, 'timeout')
  assert.equal(error.retryable, true)
})

test('a call may be given more time than the others', async (t) => {
  const host = await simulator(t, { faults: [{ match: {}, do: { delayMs: 60 } }] })
  const client = clientOf(host, { timeoutMs: 5 })
  await assert.rejects(client.call(read()), failsWith('timeout'))
  assert.ok((await client.call(read(), { timeoutMs: 60_000 })).length > 0)
})

test('a write with something in its answer is malformed', async (t) => {
  const host = await daemon(t, (connection) => connection.end('0\0done'))
  await assert.rejects(send(clientOf(host), featureSet('a', 'b', 'c')), failsWith('malformed-answer'))
})

for (const concurrency of [undefined, 1, 3]) {
  const most = concurrency ?? 8
  test(`no more than ${most} calls are under way at once, ${concurrency ?? 'unless said otherwise'}`, async (t) => {
    const calls = 4 * most + 1
    let held: (() => void)[] = []
    let open = 0
    let seen = 0
    let peak = 0
    const host = await daemon(t, (connection) => {
      open++
      seen++
      peak = Math.max(peak, open)
      held.push(() => {
        open--
        connection.end('0\0')
      })
      if (open < most && seen < calls) return
      const release = held
      held = []
      // A call too many would be here before the answers to these are.
      setImmediate(() => {
        for (const answer of release) answer()
      })
    })
    const client = clientOf(host, concurrency === undefined ? {} : { concurrency })
    await Promise.all(Array.from({ length: calls }, () => client.call(read())))
    assert.equal(peak, most)
    assert.equal(seen, calls)
  })
}

test('a call that failed gives its place to the next', async (t) => {
  const host = await daemon(t, (connection, nth) => connection.end(nth < 4 ? 'x' : '0\0'))
  const client = clientOf(host, { concurrency: 1 })
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(() => client.call(read())))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected', 'fulfilled', 'fulfilled'],
  )
})

test('calls at once get each its own answer', async (t) => {
  const host = await simulator(t, { faults: [{ match: { dest: 'sys-usb' }, do: { delayMs: 5 } }] })
  const client = clientOf(host)
  const names = [...host.host.qubes.keys()]
  const asked = Array.from({ length: 200 }, (_, i) => names[i % names.length] ?? '')
  const answers = await Promise.all(asked.map((name) => getProperty(client, name, 'name')))
  assert.deepEqual(
    answers.map((answer) => answer?.value),
    asked,
  )
})

test('whoever listens to calls, or logs an error, never sees a payload', async (t) => {
  const secret = 'hunter2-is-no-qube'
  const host = await simulator(t)
  const heard: unknown[] = []
  const client = clientOf(host, {
    onCall: (call, outcome) => {
      heard.push({ call, outcome })
    },
  })
  await send(client, featureSet('win7-oem', 'password', secret))
  const error = await failure(send(client, propertySet('win7-oem', 'netvm', secret)))
  assert.ok(error.message.includes(secret), 'the person who wrote the value is told')
  await assert.rejects(send(client, featureSet('nosuch', 'password', secret)))
  assert.ok(!inspect(Object.assign({}, error), { depth: 9 }).includes(secret))
  const text = inspect(heard, { depth: 9 })
  assert.ok(!text.includes(secret), text)
  assert.ok(text.includes('unknown-qube') && text.includes('invalid-value'))
})

test('a listener is told of every call, how it went, and how long its payload was', async (t) => {
  const host = await simulator(t)
  const heard: unknown[] = []
  const client = clientOf(host, {
    onCall: ({ dest, method, payload }, outcome) => {
      heard.push([method, dest, payload.length, outcome])
    },
  })
  await send(client, featureSet('win7-oem', 'a', 'four'))
  await assert.rejects(listTags(client, 'nosuch'))
  assert.deepEqual(heard, [
    ['admin.vm.feature.Set', 'win7-oem', 4, 'ok'],
    ['admin.vm.tag.List', 'nosuch', 0, 'unknown-qube'],
  ])
})

test('a release is not guessed at when the question failed', async (t) => {
  for (const [action, code] of [
    ['garbage', 'malformed-answer'],
    ['hang', 'timeout'],
  ] as const) {
    const host = await simulator(t, { faults: [{ match: { method: 'admin.vmclass.List' }, do: action }] })
    const client = clientOf(host, { timeoutMs: 20 })
    const qubes = await listQubes(client)
    await assert.rejects(detectVersion(client, qubes), failsWith(code, 'admin.vmclass.List'))
  }
})

test('a listing without a UUID is of 4.2, which takes no further call; an empty one is of no version', async (t) => {
  const host = await simulator(t)
  const listed = { name: 'dom0', klass: 'AdminVM', state: 'Running', uuid: null }
  assert.equal(await detectVersion(clientOf(host), [listed]), '4.2')
  assert.equal(host.requests.length, 0)
  assert.equal(await detectVersion(clientOf(host), []), '4.3')
})

test('a bug of qstate is not dressed up as an answer of the daemon', async () => {
  const broken = createClient({
    ...socketTransport('/nowhere'),
    exchange: () => Promise.reject(new TypeError('a bug')),
  })
  await assert.rejects(getFeature(broken, 'a', 'b'), TypeError)
  const listed = { name: 'dom0', klass: 'AdminVM', state: 'Running', uuid: 'x' }
  await assert.rejects(detectVersion(broken, [listed]), TypeError)
})
