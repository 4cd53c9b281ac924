import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { agentHost, currentTables } from '../../app/agent/host.ts'
import { planOn, probeFailure } from '../../app/agent/condition.ts'
import { connect, type HostTarget } from '../../app/host/index.ts'
import { type Context } from '../../app/index.ts'
import { agentFolder, loadSpec, type SpecLocation } from '../../app/source/index.ts'
import { targetOf } from '../../cli/options.ts'
import { makeDom0Tree } from '../../simulator/index.ts'
import { type Plan } from '../../reconciler/index.ts'
import { defaultHostPolicies } from '../../spec/agent/index.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { formatRecord, type OwnershipRecord } from '../../reconciler/ownership/record.ts'
import { type Replay, type ReplayOptions, startReplay } from '../support/replay.ts'
import { tempFolder } from '../support/temp.ts'
import { ioOf, type Result, runCli, simulatedHost } from './run-cli.ts'

/** A host of Qubes 4.2, known from recordings: what reads still reads it, and nothing plans for it or writes to it. */

interface Legacy {
  readonly daemon: Replay
  readonly folder: string
  readonly env: Record<string, string>
  qstate(...argv: string[]): Promise<Result>
  /** A spec that would change the host. */
  readonly spec: string
}

const SPEC = 'apiVersion: qstate/v1\nqubes:\n  win10: { qube: { memory: 6144 } }\n'

async function legacy(t: TestContext, options: ReplayOptions = {}): Promise<Legacy> {
  const daemon = await startReplay(t, '4.2', options)
  makeDom0Tree(`${daemon.socket}.dom0`)
  const folder = tempFolder(t)
  const env = { QSTATE_SOCKET: daemon.socket, QSTATE_STATE_DIR: join(folder, 'state') }
  const spec = join(folder, 'qstate.yaml')
  writeFileSync(spec, SPEC)
  return { daemon, folder, env, spec, qstate: (...argv) => runCli(argv, { env }) }
}

/** win10 and win11 have the webcam of port 2-1, each kept for its next start. */
const BOTH_ASSIGNED = { until: 'usb.jsonl:5' } as const

interface Shown {
  readonly settings: readonly { readonly path: string; readonly [key: string]: unknown }[]
}

async function shown(host: Legacy, qube: string): Promise<ReadonlyMap<string, Shown['settings'][number]>> {
  const { code, out, err } = await host.qstate('show', '--json', qube)
  assert.equal(code, 0, err)
  const [first] = JSON.parse(out) as Shown[]
  return new Map((first?.settings ?? []).map((setting) => [setting.path, setting]))
}

test('import reads a 4.2 host: the spec is valid, and tells what the daemon refused', async (t) => {
  const host = await legacy(t)
  const { code, out, err } = await host.qstate('import', 'win10', 'win11', 'windows-10-template')
  assert.equal(code, 0, err)
  assert.match(out, /^ {2}win11:\n {4}extends: hvm\n {4}audio: ac97\n {4}stubdom: \{ qrexec: off \}$/m)
  assert.match(out, /^ {4}qube: \{ memory: 4096 \}$/m)
  assert.match(
    out,
    /# audio\.model of windows-10-template left out: admin\.vm\.feature\.Get\+audio-model: refused/,
  )
  const path = join(host.folder, 'imported.yaml')
  writeFileSync(path, out)
  assert.equal((await host.qstate('validate', path)).code, 0)
  assert.deepEqual(host.daemon.writes, [])
})

test('import names a device of a 4.2 host by its port', async (t) => {
  const host = await legacy(t, {
    ...BOTH_ASSIGNED,
    also: {
      'admin.vm.feature.List dom0 name win10': 'stubdom-qrexec\n',
      'admin.vm.feature.Get+stubdom-qrexec dom0 name win10': '1',
    },
  })
  const { code, out, err } = await host.qstate('import', 'win10')
  assert.equal(code, 0, err)
  assert.match(out, /^ {2}logitech-webcam-c925e: \{ backend: sys-usb, port: "2-1" \}$/m)
  assert.match(out, /^ {4}usb: \[logitech-webcam-c925e\]$/m)
  assert.doesNotMatch(out, /identity:/)
})

test('show reads a 4.2 host: properties, features, tags and USB ports', async (t) => {
  const settings = await shown(await legacy(t, BOTH_ASSIGNED), 'win11')
  const at = (path: string): unknown => settings.get(path)?.['value']
  assert.deepEqual(at('usb/sys-usb+2-1:*'), { mode: 'auto-attach' })
  assert.equal(at('audio/model'), 'ac97')
  assert.equal(at('stubdom/qrexec'), false)
  assert.equal(at('qube/memory'), 4096)
  assert.equal(at('tags/audiovm-dom0'), true)
  assert.equal(settings.get('qube/features/os')?.['origin'], 'unknown')
})

test('a device that is attached to a 4.2 qube only for now is not an assignment', async (t) => {
  const settings = await shown(await legacy(t, { until: 'usb.jsonl:8' }), 'win10')
  assert.deepEqual(
    [...settings.keys()].filter((path) => path.startsWith('usb/')),
    [],
  )
})

test('a feature whose name later versions refuse is shown with the reason', async (t) => {
  const also = {
    'admin.vm.feature.List dom0 name win10': 'a/b\n',
    'admin.vm.feature.Get+a/b dom0 name win10': 'x',
  }
  const odd = (await shown(await legacy(t, { also }), 'win10')).get('qube/features/a/b')
  assert.deepEqual([odd?.['origin'], odd?.['value']], ['unmanaged', 'x'])
})

test('what qstate has set on a 4.2 host is known by the UUID that the qube is asked for', async (t) => {
  const recordOf = (uuid: string): string => {
    const set = new Map([['qube/memory', 4096]] as const)
    const record: OwnershipRecord = {
      uuid,
      name: null,
      commit: null,
      at: '2026-01-01T00:00:00Z',
      set,
      version: 2,
      by: null,
      originals: new Map(),
      once: new Set(),
      extra: {},
      waits: null,
    }
    return formatRecord(record)
  }
  for (const [uuid, owned] of [
    ['00000000-0000-4000-8000-000000000008', true],
    ['00000000-0000-4000-8000-000000000009', false],
  ] as const) {
    const also = { 'admin.vm.feature.Get+qstate.applied dom0 name win10': recordOf(uuid) }
    const settings = await shown(await legacy(t, { also }), 'win10')
    assert.equal(settings.get('qube/memory')?.['owned'], owned)
  }
})

test('doctor reads a 4.2 host, and warns that it can only be read', async (t) => {
  const host = await legacy(t)
  const { code, out, err } = await host.qstate('doctor', '--json', host.spec)
  assert.equal(code, 0, out + err)
  const { release, examined } = JSON.parse(out) as {
    release: string
    examined: {
      qube: string | null
      findings: { check: string; verdict: string }[]
    }[]
  }
  assert.equal(release, '4.2')
  const finding = (qube: string | null, name: string): unknown =>
    examined.find((one) => one.qube === qube)?.findings.find(({ check }) => check === name)
  assert.deepEqual(finding(null, 'release'), {
    check: 'release',
    verdict: 'warning',
    problem: {
      code: 'unsupported-version',
      message: 'Qubes 4.2, which qstate can read but not change (end of life 2026-06-21)',
      hint: 'upgrade dom0 to Qubes 4.3',
    },
  })
  assert.deepEqual(finding('win10', 'virt-mode'), {
    check: 'virt-mode',
    verdict: 'ok',
    found: 'hvm',
  })
  assert.deepEqual(host.daemon.writes, [])
})

test('record keeps a 4.2 host, which is not planned for either', async (t) => {
  const host = await legacy(t, BOTH_ASSIGNED)
  const file = join(host.folder, 'host.json')
  assert.equal((await host.qstate('record', '-o', file)).code, 0)
  const state = JSON.parse(readFileSync(file, 'utf8')) as {
    release: string
    exactRelease: string
    qubes: { name: string; uuid: string | null; usb: unknown; denied: unknown }[]
  }
  assert.deepEqual([state.release, state.exactRelease, state.qubes.length], ['4.2', '4.2', 12])
  const win11 = state.qubes.find(({ name }) => name === 'win11')
  const device = { backend: 'sys-usb', port: '2-1', identity: '*', mode: 'auto-attach' }
  assert.deepEqual(win11?.usb, { status: 'present', value: [device] })
  assert.deepEqual(win11.denied, { status: 'absent' })
  assertRefused(await host.qstate('plan', '--host-state', file, host.spec))
  assert.deepEqual(host.daemon.writes, [])
})

test('version and devices read a 4.2 host', async (t) => {
  const host = await legacy(t)
  assert.match((await host.qstate('version', '--host')).out, /^Qubes 4\.2 behind /m)
  const { out } = await host.qstate('devices')
  assert.match(out, /^ {2}jabra-evolve:\n {4}backend: sys-usb\n {4}port: "2-2\.1"$/m)
  assert.match(out, /^# Qubes 4\.2 tells ports only/m)
})

const SENTENCE = 'This host runs Qubes 4.2, which qstate can read but not change (end of life 2026-06-21)'

function assertRefused({ code, out, err }: Result): void {
  assert.equal(code, 1, out + err)
  assert.equal(out, '')
  assert.equal(
    err,
    `error: ${SENTENCE}\n  upgrade dom0 to Qubes 4.3; \`qstate import\`, \`show\`, \`doctor\` and \`record\` still read this host\n`,
  )
}

/** A plan as an earlier qstate, or another host, has made it. */
async function planOf(t: TestContext, spec: string): Promise<Plan> {
  const other = await simulatedHost(t, { fixture: 'test/transcripts/fixture.json', release: '4.3' })
  const { code, out, err } = await other.qstate('plan', '--json', spec)
  assert.equal(code, 0, err)
  return JSON.parse(out) as Plan
}

for (const [what, argv] of [
  ['apply', ['apply', '--yes', 'SPEC']],
  ['apply of a saved plan', ['apply', '--yes', 'PLAN']],
  ['apply with devices and restarts', ['apply', '--yes', '--live', '--restart', 'now', 'SPEC']],
  ['adopt', ['adopt', '--yes', 'SPEC']],
  ['release', ['release', '--yes', 'win10']],
  ['withdraw', ['withdraw', '--yes', '--all']],
  ['rollback', ['rollback', '--yes']],
  ['plan', ['plan', 'SPEC']],
  ['plan to a file', ['plan', '--out', 'PLAN', 'SPEC']],
  ['status', ['status', 'SPEC']],
  ['drift', ['drift', 'SPEC']],
  ['policy for the qubes of the host', ['policy', '--qube', 'mgmt', 'NAMES']],
] as const) {
  test(`${what} refuses a 4.2 host with one sentence, and sends it no write`, async (t) => {
    const host = await legacy(t)
    const files = {
      SPEC: host.spec,
      PLAN: join(host.folder, 'plan.json'),
      NAMES: join(host.folder, 'names.yaml'),
    }
    const plan = await planOf(t, host.spec)
    writeFileSync(files.PLAN, JSON.stringify({ ...plan, host: { ...plan.host, release: '4.2' } }))
    writeFileSync(
      files.NAMES,
      `apiVersion: qstate/v1\nselect: [{ match: { name: 'win*' }, qube: { memory: 6144 } }]\n`,
    )
    const before = readFileSync(files.PLAN, 'utf8')
    assertRefused(
      await host.qstate(...argv.map((word) => (word in files ? files[word as keyof typeof files] : word))),
    )
    assert.deepEqual(host.daemon.writes, [])
    assert.deepEqual(
      host.daemon.requests,
      ['admin.vm.List dom0 name dom0\0'],
      'it is asked what it is, and nothing else',
    )
    assert.ok(!existsSync(join(host.folder, 'state', 'generations')))
    assert.equal(readFileSync(files.PLAN, 'utf8'), before)
  })
}

test('as JSON the refusal has its code', async (t) => {
  const host = await legacy(t)
  const { out, err } = await host.qstate('apply', '--yes', '--json', host.spec)
  assert.match(out + err, /"code": "unsupported-version"/)
})

test('policy and simulator are of versions that qstate changes', async (t) => {
  const host = await legacy(t)
  for (const argv of [
    ['policy', '--qube', 'mgmt', '--for', '4.2', host.spec],
    ['simulator', '--release', '4.2', '--socket', join(host.folder, 's')],
  ]) {
    const { code, err } = await host.qstate(...argv)
    assert.equal(code, 64, err)
    assert.match(err, /Allowed choices are 4\.3, 4\.4/)
  }
})

/** The host of a test as use cases take it. */
function reached(host: Legacy): { readonly target: HostTarget; readonly context: Context } {
  const target = targetOf(
    { color: false, timeout: '60', concurrency: '8' },
    ioOf({ env: host.env, cwd: host.folder }, { out: () => undefined, err: () => undefined }),
  )
  const context: Context = {
    signal: new AbortController().signal,
    now: () => new Date(),
    pause: () => Promise.resolve(),
    progress: () => undefined,
    warn: () => undefined,
    report: () => undefined,
    actor: 'tester@dom0',
    machine: 'dom0',
    cwd: host.folder,
  }
  return { target, context }
}

const specFile = (host: Legacy): SpecLocation => ({
  paths: [host.spec],
  configured: [],
  revision: null,
  readInput: () => Promise.resolve(Buffer.alloc(0)),
})

const isUnsupported = (error: unknown): true => {
  assert.ok(error instanceof QstateError)
  assert.deepEqual([error.code, error.message, error.fatal], ['unsupported-version', SENTENCE, false])
  return true
}

test('the agent of a 4.2 host plans, applies and restarts nothing, and says why', async (t) => {
  const host = await legacy(t)
  const { target, context } = reached(host)
  const connection = connect(target, context)
  const clock = { now: () => new Date(), sleep: () => Promise.resolve() }
  const folder = agentFolder(connection)
  const agent = agentHost(
    { connection, tables: currentTables(), folder, kind: 'agent', restartTimeoutMs: 1000, clock },
    context,
  )
  const { manifest } = await loadSpec(specFile(host), context)
  const files = new Map([['qstate.yaml', SPEC]])
  const spec = { commit: 'c', manifest, revision: { gitDir: '', commit: 'c', files, read: () => 'none' } }
  const plan = await planOf(t, host.spec)
  const care = {
    may: () => true,
    mayStill: () => Promise.resolve(true),
    intend: () => Promise.resolve(),
    tell: () => undefined,
  }
  for (const work of [
    () => agent.plan(spec, () => true),
    () => agent.apply(spec, plan, () => Promise.resolve(true)),
    () => agent.restart(plan, null, care),
  ])
    await assert.rejects(work, isUnsupported)
  assert.deepEqual(host.daemon.writes, [])
})

test('a rollout compares nothing with a 4.2 host; it is reached all the same', async (t) => {
  const host = await legacy(t)
  const { target, context } = reached(host)
  const spec = await loadSpec(specFile(host), context)
  assert.equal(await probeFailure({ target, context }), null)
  const rules = { policies: defaultHostPolicies(), trust: { keys: null } }
  const planned = await planOn(() => spec, { target, context }, rules)
  const { problem = null, ...words } = planned
  assert.deepEqual(words, { digest: null, changes: [], trouble: SENTENCE })
  assert.equal(problem?.code, 'unsupported-version')
  assert.equal(problem.message, SENTENCE)
  assert.deepEqual(host.daemon.writes, [])
})
