import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parseFixture } from '../../simulator/host/fixture.ts'
import {
  defaultFixture,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../simulator/index.ts'
import { type Fault, parseFaults } from '../../simulator/wire/faults.ts'
import { SEED } from '../support/property.ts'
import { ask, askBytes, request, show } from './ask.ts'

const SET = 'admin.vm.feature.Set+audio-model'
const GET = 'admin.vm.feature.Get+audio-model'

async function begin(t: TestContext, options: Omit<SimulatorOptions, 'socket'> = {}): Promise<Simulator> {
  const simulator = await startSimulator({ socket: join(folder(t), 'qubesd.sock'), ...options })
  t.after(() => simulator.close())
  return simulator
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'qstate-simulator-'))
  t.after(() => {
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}

function audioModel(simulator: Simulator): string | undefined {
  return simulator.host.qubes.get('win7-oem')?.features.get('audio-model')
}

const CASES: readonly { do: Fault['do']; answer: string; done: boolean; reason: string }[] = [
  { do: 'refuse', answer: '', done: false, reason: 'a refusal is an empty answer, and nothing is done' },
  { do: 'drop-before', answer: '', done: false, reason: 'the connection broke before the work' },
  { do: 'drop-after', answer: '', done: true, reason: 'the work is done although nobody is told' },
  { do: 'garbage', answer: '\x7fELF\xff|\xfe\n', done: true, reason: 'rubbish is no answer of qubesd' },
  { do: 'truncate', answer: '0', done: true, reason: 'half of an answer is not an answer' },
  { do: { delayMs: 30 }, answer: '0|', done: true, reason: 'a slow daemon is still a daemon' },
]

for (const { do: action, answer, done, reason } of CASES) {
  test(`fault ${JSON.stringify(action)}: ${reason}`, async (t) => {
    const simulator = await begin(t, { faults: [{ match: { method: 'admin.vm.feature.Set' }, do: action }] })
    assert.equal(await ask(simulator.socket, SET, 'win7-oem', 'ich6'), answer)
    assert.equal(audioModel(simulator), done ? 'ich6' : undefined)
    assert.match(await ask(simulator.socket, 'admin.vm.List', 'win7-oem'), /^0\|win7-oem /)
  })
}

test('a hanging request holds nobody else up, and ends with the simulator', async (t) => {
  const simulator = await begin(t, { faults: [{ match: { method: 'admin.vm.List' }, do: 'hang' }] })
  const hanging = ask(simulator.socket, 'admin.vm.List', 'dom0')
  assert.match(await ask(simulator.socket, 'admin.label.List', 'dom0'), /^0\|red\n/)
  await simulator.close()
  assert.equal(await hanging, '')
})

for (const [action, done] of [
  ['die-before', false],
  ['die-after', true],
] as const) {
  test(`${action}: the daemon goes away and can be started again`, async (t) => {
    const simulator = await begin(t, { faults: [{ match: { writesOnly: true }, times: 1, do: action }] })
    const events = connect(simulator.socket)
    events.end(request('admin.Events', 'dom0'))
    await new Promise((resolve) => events.once('data', resolve))
    const broken = new Promise((resolve) => events.once('close', resolve))
    assert.equal(await ask(simulator.socket, SET, 'win7-oem', 'ich6'), '')
    await broken
    await assert.rejects(ask(simulator.socket, GET, 'win7-oem'), /ENOENT|ECONNREFUSED/)
    await simulator.restart()
    assert.equal((await ask(simulator.socket, GET, 'win7-oem')).startsWith('0|ich6'), done)
  })
}

test('faults skip, count, and tell arguments, destinations and writes apart', async (t) => {
  const simulator = await begin(t)
  simulator.setFaults(
    parseFaults([
      { match: { method: 'admin.vm.feature.*', writesOnly: true }, after: 1, times: 2, do: 'refuse' },
      { match: { arg: 'timezone', dest: 'win10-home' }, do: 'refuse' },
    ]),
  )
  const answers: string[] = []
  for (let i = 0; i < 4; i++) answers.push(await ask(simulator.socket, SET, 'win7-oem', `model${i}`))
  assert.deepEqual(answers, ['0|', '', '', '0|'])
  assert.equal(await ask(simulator.socket, GET, 'win7-oem'), '0|model3')
  assert.equal(await ask(simulator.socket, 'admin.vm.feature.Get+timezone', 'win10-home'), '')
  assert.match(
    await ask(simulator.socket, 'admin.vm.feature.Get+timezone', 'win7-oem'),
    /QubesFeatureNotFound/,
  )
})

test('faults and fixtures are read strictly, and the complaint says where', () => {
  assert.throws(() => parseFaults({}), /^Error: faults: expected a list/)
  assert.throws(() => parseFaults([{ match: {}, do: 'explode' }]), /faults\[0\][.]do: expected one of refuse/)
  assert.throws(
    () => parseFaults([{ match: { methods: 'x' }, do: 'hang' }]),
    /faults\[0\][.]match: unknown key "methods"/,
  )
  assert.throws(() => parseFaults([{ match: {}, do: { delayMs: -1 } }]), /delayMs: expected a whole number/)
  assert.deepEqual(parseFaults([{ match: { dest: 'a' }, after: 1, times: 2, do: { delayMs: 5 } }]), [
    { match: { dest: 'a' }, after: 1, times: 2, do: { delayMs: 5 } },
  ])
  const fixture = JSON.parse(JSON.stringify(defaultFixture())) as Record<string, unknown>
  assert.deepEqual(parseFixture(fixture), defaultFixture())
  assert.throws(
    () => parseFixture({ ...fixture, release: '4.1' }),
    /fixture[.]release: expected one of 4[.]3/,
  )
  assert.throws(() => parseFixture({ ...fixture, qubes: [{ name: 'x' }] }), /fixture[.]qubes\[0\][.]class/)
  assert.throws(
    () => parseFixture({ ...fixture, usb: { nobody: [] } }),
    /fixture[.]usb[.]nobody: there is no such qube/,
  )
})

test('a fixture that real qubesd would not have is refused by name', async (t) => {
  const socket = join(folder(t), 's')
  const broken = (name: string, value: string) => {
    const fixture = defaultFixture()
    const qubes = fixture.qubes.map((qube) =>
      qube.name === 'sys-net' ? { ...qube, properties: { ...qube.properties, [name]: value } } : qube,
    )
    return startSimulator({ socket, fixture: { ...fixture, qubes } })
  }
  await assert.rejects(broken('template', 'nosuch'), /sys-net[.]template: there is no qube nosuch/)
  await assert.rejects(broken('template', 'win7-oem'), /win7-oem is a StandaloneVM, not a TemplateVM/)
  await assert.rejects(broken('netvm', 'sys-firewall'), /a loop in the network/)
  await assert.rejects(broken('memory', 'much'), /sys-net[.]memory: "much" is no int/)
  assert.equal(existsSync(socket), false)
})

test('the log has every request, and counts the writes', async (t) => {
  const simulator = await begin(t)
  await ask(simulator.socket, GET, 'win7-oem')
  await ask(simulator.socket, SET, 'win7-oem', 'ich6')
  await ask(simulator.socket, SET, 'nosuch', 'ich6')
  assert.deepEqual(
    simulator.requests.map(({ method, arg, dest, payload, write }) => [method, arg, dest, payload, write]),
    [
      ['admin.vm.feature.Get', 'audio-model', 'win7-oem', '', false],
      ['admin.vm.feature.Set', 'audio-model', 'win7-oem', 'ich6', true],
      ['admin.vm.feature.Set', 'audio-model', 'nosuch', 'ich6', true],
    ],
  )
  assert.equal(simulator.writes(), 2)
  simulator.clearLog()
  assert.equal(show(simulator.act(request(SET, 'win7-oem', 'ac97'))), '0|')
  assert.deepEqual(simulator.requests, [])
  assert.equal(audioModel(simulator), 'ac97')
})

test('the state outlives the simulator, whole after every write', async (t) => {
  const dir = folder(t)
  const stateFile = join(dir, 'state.json')
  const first = await startSimulator({ socket: join(dir, 'a'), stateFile })
  assert.equal(existsSync(stateFile), false, 'reading alone saves nothing')
  const assign = 'admin.vm.device.usb.Assign+sys-usb+3-1:*'
  const device = "device_id='*' port_id='3-1' devclass='usb' backend_domain='sys-usb' mode='required'"
  const attach = 'admin.vm.device.usb.Attach+sys-usb+2-1:*'
  for (const [service, dest, payload] of [
    [SET, 'win7-oem', 'ich6'],
    ['admin.vm.property.Set+netvm', 'win10-home', ''],
    ['admin.vm.tag.Set+mine', 'win10-home', ''],
    [assign, 'win10-home', device],
    [attach, 'win10-work', "port_id='2-1' mode='manual'"],
    ['admin.vm.device.denied.Add', 'win10-work', 'u080650'],
    ['admin.property.Set+default_netvm', 'dom0', ''],
    ['admin.vm.Create.StandaloneVM', 'dom0', 'name=fresh label=red'],
    ['admin.vm.Start', 'live-linux', ''],
  ] as const) {
    assert.equal(await ask(first.socket, service, dest, payload), '0|', service)
    assert.doesNotThrow(() => parseFixture(JSON.parse(readFileSync(stateFile, 'utf8'))))
  }
  const reads: readonly (readonly [string, string])[] = [
    ['admin.vm.List', 'dom0'],
    ['admin.property.GetAll', 'dom0'],
    ...[...first.host.qubes.keys()].flatMap((name): [string, string][] =>
      [
        'property.GetAll',
        'feature.List',
        'tag.List',
        'device.usb.Assigned',
        'device.usb.Attached',
        'device.denied.List',
      ].map((method): [string, string] => [`admin.vm.${method}`, name]),
    ),
  ]
  const look = (simulator: Simulator) =>
    reads.map(([service, dest]) => show(simulator.act(request(service, dest))))
  const before = look(first)
  await first.close()
  const second = await startSimulator({
    socket: join(dir, 'b'),
    stateFile,
    fixture: { ...defaultFixture(), qubes: [] },
  })
  t.after(() => second.close())
  assert.deepEqual(look(second), before)
  await ask(second.socket, 'admin.vm.Remove', 'fresh')
  await ask(second.socket, 'admin.vm.Create.StandaloneVM', 'dom0', 'name=other label=red')
  assert.match(
    await ask(second.socket, 'admin.vm.List', 'other'),
    /uuid=00000000-0000-4000-8000-000000000015\n$/,
  )
  writeFileSync(stateFile, '{')
  await assert.rejects(startSimulator({ socket: join(dir, 'c'), stateFile }), /not a state of the simulator/)
})

test('many simulators run side by side and share nothing', async (t) => {
  const simulators = await Promise.all(Array.from({ length: 12 }, () => begin(t)))
  await Promise.all(simulators.map((simulator, i) => ask(simulator.socket, SET, 'win7-oem', `model${i}`)))
  const values = await Promise.all(simulators.map((simulator) => ask(simulator.socket, GET, 'win7-oem')))
  assert.deepEqual(
    values,
    simulators.map((_, i) => `0|model${i}`),
  )
})

test('a stale socket is replaced; a live one, or a file, is not', async (t) => {
  const dir = folder(t)
  const socket = join(dir, 'qubesd.sock')
  const simulator = await startSimulator({ socket })
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  await assert.rejects(startSimulator({ socket }), /another daemon listens here/)
  await simulator.close()
  await leaveStale(socket)
  const again = await startSimulator({ socket })
  assert.match(await ask(socket, 'admin.label.List', 'dom0'), /^0\|red/)
  await again.close()
  writeFileSync(socket, 'mine')
  await assert.rejects(startSimulator({ socket }), /exists and is not a socket/)
  assert.equal(readFileSync(socket, 'utf8'), 'mine')
})

/** Node removes a socket when it stops listening; the hard link is what a killed daemon leaves. */
async function leaveStale(path: string): Promise<void> {
  const { linkSync, renameSync } = await import('node:fs')
  const server = createServer().listen(`${path}.tmp`)
  await new Promise((resolve) => server.once('listening', resolve))
  linkSync(`${path}.tmp`, `${path}.link`)
  await new Promise((resolve) => server.close(resolve))
  renameSync(`${path}.link`, path)
}

test('any bytes at all are answered or dropped, and the daemon lives on', async (t) => {
  t.diagnostic(`seed ${SEED}`)
  const random = generator(SEED)
  for (const release of ['4.3', '4.4'] as const) {
    const simulator = await begin(t, { release })
    for (let i = 0; i < 3000; i++) {
      const bytes = randomRequest(random)
      // Most go in process, for speed; some over the socket.
      const answer =
        i % 10 === 0 && !bytes.includes('Events')
          ? await askBytes(simulator.socket, bytes)
          : act(simulator, bytes)
      assert.match(
        answer.toString('latin1'),
        /^(|0\0[^]*|2\0\w+\0\0[^]*\0)$/,
        JSON.stringify(bytes.toString('latin1')),
      )
    }
    assert.match(await ask(simulator.socket, 'admin.label.List', 'dom0'), /^0\|red\n/)
  }
})

function act(simulator: Simulator, bytes: Buffer): Buffer {
  return /^admin[.]Events/.test(bytes.toString('latin1')) ? Buffer.alloc(0) : simulator.act(bytes)
}

type Random = (below: number) => number

/** A small generator (mulberry32), so that a seed repeats a run on any machine. */
function generator(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) % below
  }
}

const METHODS = [
  'vm.List',
  'vm.CurrentState',
  'vm.Start',
  'vm.Shutdown',
  'vm.Kill',
  'vm.Pause',
  'vm.Unpause',
  'vm.Remove',
]
const DETAILS = [
  'property.Get',
  'property.GetAll',
  'property.Set',
  'property.Reset',
  'property.GetDefault',
  'feature.Set',
]
const MORE = [
  'feature.Remove',
  'feature.CheckWithNetvm',
  'tag.Set',
  'tag.Remove',
  'device.denied.Add',
  'device.denied.Remove',
]
const USB = [
  'Available',
  'Assigned',
  'Attached',
  'Assign',
  'Unassign',
  'Attach',
  'Detach',
  'List',
  'Set.assignment',
  'Set.persistent',
]
const CREATE = [
  'Create.AppVM',
  'Create.StandaloneVM',
  'Create.DispVM',
  'Create.AdminVM',
  'Create.RemoteVM',
  'CreateInPool.TemplateVM',
]
const SERVICES = [
  ...METHODS,
  ...[...DETAILS, ...MORE, ...CREATE].map((name) => `vm.${name}`),
  ...USB.map((name) => `vm.device.usb.${name}`),
  'property.Set',
  'property.Reset',
  'property.GetAll',
].map((name) => `admin.${name}`)
const ARGS = [
  '',
  'audio-model',
  'service.meminfo-writer',
  'vm-config.1',
  'netvm',
  'guivm',
  'audiovm',
  'template',
  'label',
  'maxmem',
  'memory',
]
  .concat([
    'name',
    'uuid',
    'qid',
    'kernel',
    'default_netvm',
    'provides_network',
    'template_for_dispvms',
    'devices_denied',
    'klass',
    'ip',
    'ip6',
  ])
  .concat([
    'sys-usb+2-1',
    'sys-usb+2-1:*',
    'sys-usb+*:1050:0407::u030101u030000u0b0000',
    '_+_',
    'x',
    'win11-template',
    'force+wait',
    '\xff',
  ])
const DESTS = [
  ...defaultFixture().qubes.map((qube) => qube.name),
  'nosuch',
  'bad/name',
  'uuid:00000000-0000-4000-8000-000000000007',
  'fresh',
  'new.er',
]
const PAYLOADS = [
  '',
  '1',
  '0',
  '-3',
  '9'.repeat(30),
  'True',
  'sys-firewall',
  'sys-net',
  'win10-work',
  'mgmt',
  'hvm',
  '\xc3\xa9',
  '\0\0',
  'persistent=True',
]
  .concat([
    "mode='required'",
    "mode='manual'",
    "mode='auto-attach' _a='b'",
    "device_id='*' port_id='2-1'",
    'x',
    'u080650',
    'u080650u080650',
    'all',
  ])
  .concat([
    'name=fresh label=red',
    'name=new.er label=8',
    'name=fresh',
    'name=x label=nosuch',
    'name=y label=red pool=varlibqubes',
    '10.137.0.9',
    '::1',
  ])

function randomRequest(random: Random): Buffer {
  const pick = (list: readonly string[]): string => list[random(list.length)] ?? ''
  if (random(20) === 0) return Buffer.from(Array.from({ length: random(200) }, () => random(256)))
  const arg = random(4) === 0 ? '' : `+${pick(ARGS)}`
  const source = random(10) === 0 ? pick(DESTS) : 'dom0'
  const bytes = Buffer.from(
    `${pick(SERVICES)}${arg} ${source} name ${pick(DESTS)}\0${pick(PAYLOADS)}`,
    'latin1',
  )
  if (random(6) !== 0) return bytes
  for (let i = random(4); i >= 0; i--) bytes[random(bytes.length)] = random(256)
  return bytes.subarray(0, random(3) === 0 ? random(bytes.length + 1) : bytes.length)
}
