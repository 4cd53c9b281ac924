import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeDom0Tree } from '../../simulator/dom0-tree.ts'
import { type Host, type Result, runCli, simulatedHost } from '../cli/run-cli.ts'
import { earlier, SAMPLES } from '../documents/samples.ts'
import { sample } from '../support/property.ts'
import { fleetHome, put } from '../support/local-fleet.ts'

/** Control characters in every answer of a daemon, and in every text of what is stored: none reaches a terminal. */

/** A terminal's commands in seven and eight bits, line breaks of any kind, marks that turn the direction, and what is not seen. */
const HOSTILE = 'x\u001b[2J\u001b]0;t\u0007\u009b31m\r\n::error::y\u0085\u2028\u202e\u2066\u200b\u00ad\u05d0'

const FORBIDDEN =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u05d0\u200b\u2028\u202e\u2066]|^ *::error::y/m

function assertHarmless({ out, err }: Result, about: string): void {
  for (const text of [out, err]) {
    const found = FORBIDDEN.exec(text)
    if (found === null) continue
    const around = JSON.stringify(text.slice(Math.max(0, found.index - 200), found.index + 100))
    assert.fail(`${about}: ${around}`)
  }
}

const SPEC = `apiVersion: qstate/v1
name: office
devices:
  webcam: { backend: sys-usb, port: 2-1 }
qubes:
  win10-work:
    audio: { model: ich6 }
    slic: host
    usb: { webcam: ask-to-attach }
    qube: { memory: 5000, label: red, netvm: sys-firewall, features: { my-note: "7" } }
    tags: [ours]
select:
  - match: { tag: whonix }
    qube: { vcpus: 2 }
`

const COMMANDS: readonly (readonly string[])[] = [
  ['plan', 'SPEC', '--explain'],
  ['status', 'SPEC'],
  ['drift', 'SPEC'],
  ['doctor'],
  ['show', 'win10-work'],
  ['import'],
  ['devices'],
  ['record'],
  ['apply', 'SPEC', '--yes'],
  ['adopt', 'SPEC', '--yes'],
  ['release', 'win10-work', '--yes'],
  ['withdraw', 'win10-work', '--yes'],
  ['rollback', '--yes'],
]

/** What a daemon may have made of its answer. */
const LIES: readonly (readonly [string, (answer: Buffer) => Buffer])[] = [
  ['added at its end', (answer) => Buffer.concat([answer, Buffer.from(HOSTILE)])],
  ['instead of it', () => Buffer.from(`0\0${HOSTILE}`)],
  ['as the message of an exception', () => Buffer.from(`2\0QubesValueError\0\0${HOSTILE}\0`)],
  [
    'instead of each value in it',
    (answer) => Buffer.from(answer.toString().replace(/=[^ \n]+/g, `=${HOSTILE}`)),
  ],
  [
    'instead of each last word in it',
    (answer) => Buffer.from(answer.toString().replace(/[^ \n\0]+(?=\n|$)/g, HOSTILE)),
  ],
]

/** Answers of each command that `npm test` tries. */
const SAMPLED_ANSWERS = 3

for (const argv of COMMANDS) {
  for (const json of [false, true]) {
    const line = [...argv, ...(json ? ['--json'] : [])]
    test(`no answer of a daemon moves the cursor: ${line.join(' ')}`, async (t) => {
      const host = await simulatedHost(t)
      const spec = host.write('spec.yaml', SPEC)
      assert.ok([0, 3].includes((await host.qstate('apply', spec, '--yes')).code))
      host.simulator.host.qubes.get('win10-work')?.features.set('audio-model', 'ac97')
      const { ask, calls } = await lyingDaemon(t, host)
      const run = (): Promise<Result> => ask(line.map((word) => (word === 'SPEC' ? spec : word)))
      await run()
      const answers = calls()
      assert.ok(answers > 0)
      for (const nth of sample(t, [...Array(answers).keys()], SAMPLED_ANSWERS)) {
        for (const [how, lie] of LIES) {
          calls((count, answer) => (count === nth ? lie(answer) : answer))
          assertHarmless(await run(), `answer ${nth}, ${how}`)
        }
      }
    })
  }
}

interface LyingDaemon {
  /** Runs a command against it. */
  readonly ask: (argv: readonly string[]) => Promise<Result>
  /** How many requests came since; what it makes of its answers from now on. */
  readonly calls: (lie?: (count: number, answer: Buffer) => Buffer) => number
}

/** A daemon that gives the answers of a simulator, as it likes. */
async function lyingDaemon(t: TestContext, { simulator, folder }: Host): Promise<LyingDaemon> {
  let count = 0
  let tell = (_: number, answer: Buffer): Buffer => answer
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    const chunks: Buffer[] = []
    connection.on('data', (chunk: Buffer) => chunks.push(chunk))
    connection.on('error', () => undefined)
    connection.on('end', () => {
      connection.end(tell(count++, simulator.act(Buffer.concat(chunks))))
    })
  })
  const socket = join(folder, 'liar.sock')
  makeDom0Tree(`${socket}.dom0`)
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(() => server.close())
  const env = { QSTATE_SOCKET: socket, QSTATE_STATE_DIR: join(folder, 'state') }
  return {
    ask: (argv) => runCli(argv, { env }),
    calls(lie) {
      const had = count
      count = 0
      if (lie !== undefined) tell = lie
      return had
    },
  }
}

/** A JSON text with each of its texts in turn replaced, keys included. */
function* texts(json: string): Generator<readonly [at: string, text: string]> {
  const literal = /"(?:[^"\\]|\\.)*"/g
  for (const match of json.matchAll(literal)) {
    const end = match.index + match[0].length
    yield [match[0], json.slice(0, match.index) + JSON.stringify(HOSTILE) + json.slice(end)]
    const inside = JSON.stringify(match[0].slice(1, -1) + HOSTILE)
    yield [`after ${match[0]}`, json.slice(0, match.index) + inside + json.slice(end)]
  }
}

/** Texts of each document that `npm test` tries. */
const SAMPLED_TEXTS = 8

/** Tries each text of a file, with the commands that read it. */
async function tryTexts(
  t: TestContext,
  path: string,
  commands: readonly (readonly string[])[],
  run: (...argv: string[]) => Promise<Result>,
): Promise<void> {
  const whole = readFileSync(path, 'utf8')
  const all = [...texts(whole)]
  assert.ok(all.length > 0)
  for (const [at, text] of sample(t, all, SAMPLED_TEXTS)) {
    for (const argv of commands) {
      writeFileSync(path, text)
      assertHarmless(await run(...argv), `${path} ${at}: ${argv.join(' ')}`)
    }
  }
  writeFileSync(path, whole)
}

test('no text of a document that is stored on a host moves the cursor', async (t) => {
  const host = await simulatedHost(t)
  const spec = host.write('spec.yaml', SPEC)
  const [plan, snapshot] = [join(host.folder, 'plan.json'), join(host.folder, 'snapshot.json')]
  assert.equal((await host.qstate('plan', spec, '-o', plan)).code, 0)
  assert.equal((await host.qstate('record', '-o', snapshot)).code, 0)
  assert.ok([0, 3].includes((await host.qstate('apply', spec, '--yes')).code))
  const hosts = join(host.folder, 'state', 'hosts')
  const place = join(hosts, readdirSync(hosts)[0] ?? '')
  mkdirSync(join(place, 'agent'), { mode: 0o700 })
  cpSync(earlier('memory.json'), join(place, 'agent', 'memory.json'))
  const orders = { suspended: 'suspension', accepted: 'accepted', ordered: 'ordered', consent: 'consent' }
  for (const [file, name] of Object.entries(orders))
    writeFileSync(join(place, 'agent', `${file}.json`), JSON.stringify(SAMPLES[name]?.json))
  const owned = join(place, 'owned')
  const receipt = readdirSync(owned).find((name) => /^[0-9a-f-]{36}\.json$/.test(name)) ?? 'none'
  const generation = (name: string): string => join(place, 'generations', '000001', name)
  const run = (...argv: string[]): Promise<Result> => host.qstate(...argv)

  const withJson = (...argvs: string[][]): string[][] => argvs.flatMap((argv) => [argv, [...argv, '--json']])
  await tryTexts(t, plan, withJson(['show', plan], ['apply', plan]), run)
  await tryTexts(t, snapshot, withJson(['plan', '--host-state', snapshot, spec]), run)
  for (const name of ['meta.json', 'plan.json', 'report.json', 'steps.jsonl'])
    await tryTexts(t, generation(name), withJson(['history'], ['rollback'], ['plan', spec]), run)
  for (const name of readdirSync(join(place, 'agent')))
    await tryTexts(t, join(place, 'agent', name), withJson(['status', spec]), run)
  host.write('other.yaml', 'apiVersion: qstate/v1\nname: office\nqubes: {}\n')
  const withdrawals = withJson(['plan', join(host.folder, 'other.yaml')], ['withdraw', '--all'])
  await tryTexts(t, join(owned, receipt), withdrawals, run)
  const mark = join(place, 'unconfirmed.json')
  writeFileSync(mark, JSON.stringify(SAMPLES['unconfirmed']?.json))
  await tryTexts(t, mark, withJson(['history'], ['status', spec], ['confirm']), run)
  rmSync(mark, { force: true })
  const lock = join(place, 'lock')
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const started = startOf(process.pid)
  const holder = { ...SAMPLES['holder']?.json, pid: process.pid, boot, started }
  writeFileSync(lock, JSON.stringify(holder))
  await tryTexts(t, lock, withJson(['plan', spec], ['apply', spec, '--yes'], ['history']), run)
})

/** When a process was started, in clock ticks since boot: what tells it from another of its number. */
const startOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? ''

test('no text of a record on a qube moves the cursor', async (t) => {
  const host = await simulatedHost(t)
  const spec = host.write('spec.yaml', SPEC)
  assert.ok([0, 3].includes((await host.qstate('apply', spec, '--yes')).code))
  const features = host.simulator.host.qubes.get('win10-work')!.features
  const record = features.get('qstate.applied')!
  const other = host.write('other.yaml', 'apiVersion: qstate/v1\nname: other\nqubes: { win10-work: {} }\n')
  for (const [at, text] of sample(t, [...texts(record)], SAMPLED_TEXTS)) {
    features.set('qstate.applied', text)
    for (const argv of [
      ['plan', spec],
      ['plan', other],
      ['status', spec],
      ['show', 'win10-work'],
      ['import', 'win10-work'],
      ['adopt', spec],
    ])
      for (const line of [argv, [...argv, '--json']])
        assertHarmless(await host.qstate(...line), `${at}: ${line.join(' ')}`)
  }
})

test('no text of a document in the store of a fleet moves the cursor', async (t) => {
  const { store, qstate } = await fleetHome(t)
  const documents = {
    'reports/attic': 'host-report',
    'orders/attic': 'order',
    leader: 'lease',
    'plans/attic': 'host-plan',
    'asks/attic': 'ask',
    rollout: 'rollout-state',
    'history/000001': 'rollout-state',
  }
  for (const [key, name] of Object.entries(documents)) {
    const all = [...texts(JSON.stringify(SAMPLES[name]!.json))]
    for (const [at, text] of sample(t, all, SAMPLED_TEXTS)) {
      put(store, key, text)
      for (const argv of [
        ['fleet', 'status'],
        ['rollout', 'status'],
        ['rollout', 'history'],
      ])
        for (const line of [argv, [...argv, '--json']])
          assertHarmless(await qstate(...line), `${key} ${at}: ${line.join(' ')}`)
    }
  }
})
