import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { specOf } from '../../app/agent/condition.ts'
import { isPushed } from '../../app/fleet/fleet-file.ts'
import { type RolloutState } from '../../documents/fleet/index.ts'
import { fleetLayout } from '../../git/layout/index.ts'
import { type Manifest } from '../../spec/read/manifest.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { type Result, runCli } from '../cli/run-cli.ts'
import { startQstate } from '../support/process.ts'
import { makeRepository, makeSshKey } from '../support/repository.ts'
import { tempFolder } from '../support/temp.ts'
import {
  atHome,
  ATTIC,
  BASE,
  FLEET,
  HOME,
  type Home,
  home,
  memories,
  vcpus,
  vcpusOf,
} from './support/home.ts'

/** Starts a rollout that whoever carries it out leaves in the middle. */
async function leaveRollout(it: Home, when: string): Promise<void> {
  const running = startQstate(['rollout', 'start'], it.env)
  await running.said(when)
  running.child.kill('SIGKILL')
  await running.ended
}

test('without a server a rollout is carried out from here, over files laid over files and values of each host', async (t) => {
  const it = await home(t)
  const started = await it.qstate('rollout', 'start', '--json')
  assert.equal(started.code, 0, started.err)
  const state = JSON.parse(started.out) as RolloutState
  assert.equal(state.phase, 'succeeded')
  assert.deepEqual(memories(it), { desk: 6000, laptop: 4000, attic: 6000 })
  const attic = it.machines.get('attic')?.simulator.host.qubes.get('win10-work')
  assert.equal(Number(attic?.properties.get('vcpus')), 3)

  const status = await it.qstate('fleet', 'status')
  assert.match(status.out, /^desk +[0-9a-f]{12} +applied, restart waits +none/m)
  assert.match((await it.qstate('rollout', 'status')).out, /✓ canary {2}1 passed\n {2}✓ wave-1 {2}2 passed/)
})

test('a plan shows what would change on every host, the same together, and touches none', async (t) => {
  const it = await home(t)
  const { code, out } = await it.qstate('rollout', 'plan')
  assert.equal(code, 0)
  assert.match(out, /1 host, 2 changes\n {2}attic\n {4}win10-work {2}qube\/memory: 8192 → 6000/)
  assert.match(out, /Nothing was touched\.\n$/)
  const same = BASE.replace('"${memory}"', '5000')
  it.commit({ 'base.yaml': same, 'attic.yaml': same })
  const plan = JSON.parse((await it.qstate('rollout', 'plan', '--json')).out) as {
    groups: { kind: string; hosts: string[] }[]
  }
  assert.deepEqual(plan.groups[0]?.hosts, ['desk', 'laptop', 'attic'])
  for (const { simulator } of it.machines.values()) assert.equal(simulator.writes(), 0)
})

test('a host whose spec is no spec is told in the plan, with the place, and refuses the commit in a rollout', async (t) => {
  const it = await home(t)
  it.commit({ 'attic.yaml': ATTIC.replace('vcpus', 'vcpu') })
  const plan = await it.qstate('rollout', 'plan')
  assert.equal(plan.code, 1)
  assert.match(
    plan.out,
    /1 host that cannot tell\n {2}attic\n[^]*attic\.yaml:3:25: error: unknown key "vcpu"/,
  )
  const fleet = FLEET.replace('canary: {}', 'canary: { hosts: [attic] }')
  it.commit({ 'fleet.yaml': fleet })
  const started = await it.qstate('rollout', 'start')
  assert.equal(started.code, 1)
  assert.match(started.out, /attic: invalid-spec: [^]*; it had nothing before[^]*Aborted: 1 host failed/)
  assert.deepEqual(memories(it), { desk: 8192, laptop: 8192, attic: 8192 })
})

test('a bad commit is taken back at the canary', async (t) => {
  const it = await home(t)
  assert.equal((await it.qstate('rollout', 'start')).code, 0)
  const writes = it.machines.get('laptop')!.simulator.writes()
  it.commit({
    'base.yaml': BASE.replace('} }', '}, audio: { audiovm: nowhere } }').replace('"${memory}"', '5000'),
  })
  const started = await it.qstate('rollout', 'start')
  assert.equal(started.code, 1)
  assert.match(started.out, /rolled back\n[^]*canary {2}1 gone back[^]*desk: /)
  assert.deepEqual(memories(it), { desk: 6000, laptop: 4000, attic: 6000 })
  assert.equal(it.machines.get('laptop')!.simulator.writes(), writes)
  assert.match(
    (await it.qstate('rollout', 'history')).out,
    /^ {3}2 {2}everyone .*rolled back[^]*^ {3}1 {2}everyone .*succeeded/m,
  )
})

test('a commit that removes a qube fails at the canary with what a person does, and nothing there is taken back', async (t) => {
  const it = await atHome(t)
  it.commit({ 'base.yaml': `${HOME.replace('"${memory}"', '5000')}  win10-home: { ensure: absent }\n` })
  const started = await it.qstate('rollout', 'start')
  assert.equal(started.code, 1)
  assert.match(
    started.out,
    /rolled back\n[^]*canary {2}1 gone back[^]*desk: removal-not-allowed: win10-home[^]*on that host:[^]*--allow-remove/,
  )
  assert.deepEqual(vcpus(it), { desk: 3, laptop: 3, attic: 3 })
  assert.deepEqual(memories(it), { desk: 6000, laptop: 4000, attic: 6000 })
})

test('a way back that would withdraw all settings of a qube ends the rollout, and leaves that to a person', async (t) => {
  const it = await home(t)
  it.commit({ 'base.yaml': HOME, 'attic.yaml': HOME })
  assert.equal((await it.qstate('rollout', 'start')).code, 0)
  it.commit({
    'base.yaml': `${HOME.replace('} }', '}, audio: { audiovm: nowhere } }')}  win10-home: { qube: { vcpus: 3 } }\n`,
  })
  const started = await it.qstate('rollout', 'start', '--json')
  assert.equal(started.code, 1)
  const { phase, hosts } = JSON.parse(started.out) as RolloutState
  assert.deepEqual([phase, hosts['desk']?.stage], ['aborted', 'stuck'])
  assert.match(hosts['desk']?.why ?? '', /^win10-home: the spec no longer names so much/)
  assert.equal(Number(vcpusOf(it, 'desk')), 3)
})

test('a wave waits for approval, and a rollout that ended can be taken back', async (t) => {
  const it = await home(t, FLEET.replace('waves: [{}]', 'waves: [{ approval: manual }]'))
  const running = startQstate(['rollout', 'start'], it.env)
  t.after(() => running.child.kill('SIGKILL'))
  await running.said('needs approval')
  assert.match((await it.qstate('rollout', 'status')).out, /wave-1 begins when someone says so/)
  const early = await it.qstate('rollout', 'start')
  assert.equal(early.code, 5)
  assert.match(early.err, /rollout 1 \(everyone\) is running/)
  assert.equal((await it.qstate('rollout', 'approve')).code, 0)
  assert.equal((await running.ended).code, 0)
  const wrong = await it.qstate('rollout', 'pause')
  assert.equal(wrong.code, 64)
  assert.match(wrong.err, /it has succeeded/)
  assert.equal((await it.qstate('rollout', 'rollback')).code, 0)
  const controller = startQstate(['fleet', 'controller'], it.env)
  t.after(() => controller.child.kill('SIGKILL'))
  // They had nothing from this fleet before: what they have stays, and the rollout says so.
  await controller.said('aborted')
  controller.child.kill('SIGTERM')
  const { code, err } = await controller.ended
  assert.equal(code, 143)
  for (const line of err.trim().split('\n')) assert.match(line, /^[0-9T:.-]+Z info {2}/)
  assert.match((await it.qstate('rollout', 'status')).out, /desk: it had nothing before to go back to/)
  const again = await it.qstate('rollout', 'rollback')
  assert.equal(again.code, 64)
  assert.match(again.err, /no host has anything to be given back/)
})

test('one that stops without a controller says where it goes on, and whom it does not reach any more', async (t) => {
  const it = await home(t, FLEET.replace('waves: [{}]', 'waves: [{ approval: manual }]'))
  await leaveRollout(it, 'needs approval')
  const stopping = await it.qstate('rollout', 'abort')
  assert.match(stopping.out, /wave-1 {2}2 not begun\n[^]*\nStopping: [^;]* said so\.\n$/)
  for (const command of ['start', 'abort']) {
    const refused = await it.qstate('rollout', command)
    assert.match(refused.err, /is stopping[^]*qstate fleet controller/)
  }
})

test('a rollout that was left in the middle is gone on with by whoever runs a controller', async (t) => {
  const it = await home(t, FLEET.replace('maxUnavailable: 2', 'maxUnavailable: 1'))
  await leaveRollout(it, 'wave-1: 1 at work')
  const controller = startQstate(['fleet', 'controller'], it.env)
  t.after(() => controller.child.kill('SIGKILL'))
  await controller.said('succeeded')
  assert.deepEqual(memories(it), { desk: 6000, laptop: 4000, attic: 6000 })
  // What it writes would come in the way of those that clean up.
  controller.child.kill('SIGKILL')
  await controller.ended
})

test('a commit that is not signed by a trusted key reaches nobody, whatever failures are allowed', async (t) => {
  const it = await home(t, FLEET.replace('maxUnavailable: 2', 'maxFailures: 3'))
  const [trusted, other] = [makeSshKey(t, 'trusted'), makeSshKey(t, 'other')]
  const signers = join(it.folder, 'signers')
  writeFileSync(signers, `anna@example.org ${trusted.public}\n`)
  it.commit({}, { sshKey: trusted.path })
  const start = ['rollout', 'start', '--allowed-signers', signers]
  assert.equal((await it.qstate(...start)).code, 0)
  const before = memories(it)
  for (const sign of [{}, { sshKey: other.path }]) {
    it.commit({ 'base.yaml': BASE.replace('"${memory}"', '5000') }, sign)
    const { code, out } = await it.qstate(...start)
    assert.equal(code, 1)
    assert.match(out, /bad-signature: [0-9a-f]{12}: it (?:is not signed|was signed by somebody)/)
    assert.match(out, /wave-1 {2}2 not begun/)
    assert.deepEqual(memories(it), before)
  }
})

test('what is asked of a fleet that is not there, or a rollout that is not, has a remedy', async (t) => {
  const folder = tempFolder(t)
  const none = await runCli(['fleet', 'status'], { env: {} })
  assert.equal(none.code, 64)
  assert.match(none.err, /no fleet is named[^]*--fleet FILE/)
  const it = await home(t)
  assert.match((await it.qstate('rollout', 'status')).err, /has had no rollout yet/)
  assert.match((await it.qstate('rollout', 'start', 'everone')).err, /did you mean everyone\?/)
  writeFileSync(join(folder, 'fleet.yaml'), FLEET.replace('kind: Fleet', 'kind: Fleat'))
  const broken = await runCli(['fleet', 'status', '--fleet', join(folder, 'fleet.yaml')], {})
  assert.equal(broken.code, 65)
  assert.match(broken.err, /did you mean "Fleet"\?/)
})

test('a commit that agents cannot find yet is known', (t) => {
  const repository = makeRepository(t)
  const first = repository.commit({ a: '1' })
  assert.equal(isPushed(first, repository.folder), true, 'there is no remote to push it to')
  const origin = join(tempFolder(t), 'origin.git')
  repository.git('init', '--quiet', '--bare', origin)
  repository.git('remote', 'add', 'origin', origin)
  repository.git('push', '--quiet', 'origin', 'main')
  assert.equal(isPushed(first, repository.folder), true)
  assert.equal(isPushed(repository.commit({ a: '2' }), repository.folder), false)
})

test('a key is made once, private, and its public part is a host’s', async (t) => {
  const file = join(tempFolder(t), 'anna.key')
  const made = await runCli(['fleet', 'key', '--out', file])
  assert.match(made.out, /^U[A-Z2-7]{55}\n$/)
  assert.match(readFileSync(file, 'utf8'), /^SU[A-Z2-7]{56}\n$/)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const again = await runCli(['fleet', 'key', '--out', file])
  assert.equal(again.code, 64)
  assert.match(again.err, /qstate fleet key --of\s/)
  assert.ok(existsSync(file))
})

test('the public key of a private one is printed again, and nothing of a private one ever is', async (t) => {
  const folder = tempFolder(t)
  const file = join(folder, 'anna.key')
  const key = (...argv: string[]): Promise<Result> => runCli(['fleet', 'key', ...argv], { cwd: folder })
  const { out: made } = await key('--out', 'anna.key')
  assert.deepEqual(await key('--of', 'anna.key'), { code: 0, out: made, err: '' })
  const told = JSON.parse((await key('--of', 'anna.key', '--json')).out) as object
  assert.deepEqual(told, { publicKey: made.trim(), file })
  const seed = readFileSync(file, 'utf8').trim()
  for (const [content, code, why] of [
    [seed.replace(/..$/, (end) => (end === 'AB' ? 'BA' : 'AB')), 64, /other\.key holds no private key/],
    [made, 64, /holds no private key, or a mistyped one/],
    [null, 1, /other\.key: there is no such file/],
  ] as const) {
    const other = join(folder, 'other.key')
    rmSync(other, { force: true })
    if (content !== null) writeFileSync(other, content)
    const { code: ended, out, err } = await key('--of', 'other.key')
    assert.equal(ended, code)
    assert.match(err.replace(/\s+/g, ' '), why)
    assert.ok(!`${out}${err}`.includes(seed.slice(0, 20)))
  }
  for (const argv of [[], ['--of', 'anna.key', '--out', 'new.key']]) {
    const { code, err } = await key(...argv)
    assert.equal(code, 64)
    assert.match(err, /one of --out and --of/)
  }
})

test('a file that cannot be written where --out says is told with its folder', async (t) => {
  const cwd = tempFolder(t)
  const { code, err } = await runCli(['fleet', 'key', '--out', 'keys/anna.key'], { cwd, columns: 300 })
  assert.equal(code, 1)
  assert.equal(
    err,
    `error: keys/anna.key: there is no folder ${cwd}/keys\n  name a file in a folder that exists, and that you may write to\n`,
  )
})

test('a server configuration is not made without TLS by mistake', async () => {
  const path = ['--fleet', 'examples/fleet/office.yaml']
  const plain = await runCli(['fleet', 'server-config', ...path])
  assert.equal(plain.code, 64)
  assert.match(plain.err, /needs a certificate/)
  const made = await runCli(['fleet', 'server-config', ...path, '--cert', '/c', '--cert-key', '/k'])
  assert.equal(made.code, 0)
  assert.match(made.out, /tls \{ cert_file: "\/c", key_file: "\/k" \}/)
  assert.match(made.out, /"\$KV\.qstate-office-hosts\.reports\.x1-anna"/)
  assert.doesNotMatch(made.out, /cluster/)
  const half = await runCli([
    'fleet',
    'server-config',
    ...path,
    '--cert',
    '/c',
    '--cert-key',
    '/k',
    '--name',
    'n',
  ])
  assert.equal(half.code, 64)
  assert.match(half.err, /--cluster ADDRESS/)
})

test('a mistyped key is told where it is written, by whatever reads the fleet', async (t) => {
  const folder = tempFolder(t)
  const file = join(folder, 'office.yaml')
  const office = readFileSync('examples/fleet/office.yaml', 'utf8')
  writeFileSync(file, office.replace('key: UDB', 'key: UBD'))
  for (const command of ['fleet server-config --plain', 'fleet status', 'fleet controller', 'rollout plan']) {
    const { code, out, err } = await runCli([...command.split(' '), '--fleet', file])
    assert.equal(code, 65, command)
    assert.equal(out, '', 'no configuration with a key that nobody has')
    assert.match(err, /office\.yaml:16:20: error: the checksum of this public key is wrong\n/)
  }
})

for (const name of ['fleet.yaml', 'office.yaml']) {
  test(`examples/fleet/${name} is a fleet without a warning`, async () => {
    const { err } = await runCli(['fleet', 'status', '--fleet', `examples/fleet/${name}`], {
      env: { QSTATE_STATE_DIR: '/nonexistent/state' },
    })
    assert.doesNotMatch(err, /warning:|examples\/fleet/)
  })
}

test('the example of a fleet comes to a sound spec for every host of it', (t) => {
  const names = ['fleet.yaml', 'office.yaml', 'windows.yaml', 'travel.yaml']
  const files = names.map((name) => [name, readFileSync(join('examples/fleet', name), 'utf8')] as const)
  const { folder, commit } = makeExample(t, Object.fromEntries(files))
  for (const [fleet, hosts] of [
    ['fleet.yaml', ['desk', 'attic', 'laptop', 'netbook']],
    ['office.yaml', ['x1-anna', 'x1-bert', 'reception']],
  ] as const)
    for (const host of hosts) {
      const manifest = manifestOf(join(folder, '.git'), fleet, commit, host)
      assert.deepEqual([...manifest.qubes.keys()], ['win10-work'])
    }
})

test('a folder is laid over what comes before it, with or without a slash at its end', (t) => {
  const spec = (memory: number): string =>
    `apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { memory: ${memory} } }\n`
  for (const folder of ['own', 'own/', './own/']) {
    const fleet = `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [base/]
hosts: { desk: { reach: { socket: s }, spec: [${folder}] } }
`
    const { folder: repository, commit } = makeExample(t, {
      'fleet.yaml': fleet,
      'base/windows.yaml': spec(4000),
      'own/desk.yaml': spec(6000),
    })
    const manifest = manifestOf(join(repository, '.git'), 'fleet.yaml', commit, 'desk')
    const { desired } = resolve(manifest, { qubes: [] })
    assert.equal(desired.qubes.get('win10-work')?.settings.get('qube/memory')?.value, 6000, folder)
  }
})

test('the files of a host of a fleet are of its commit, and so is the one that chose them', async (t) => {
  const fleet = `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [base.yaml]
hosts: { desk: { reach: { socket: s }, spec: [own/] }, other: { reach: { socket: s }, spec: [other.yaml] } }
`
  const spec = 'apiVersion: qstate/v1\nqubes: { win10-work: { tags: [x] } }\n'
  const { folder, commit } = makeExample(t, {
    ...{ 'fleet.yaml': fleet, 'base.yaml': spec, 'own/desk.yaml': spec, 'other.yaml': spec },
  })
  const gitDir = join(folder, '.git')
  const { sources } = specOf(commit, fleetLayout({ files: ['fleet.yaml'], host: 'desk' })(gitDir, commit))
  const files = ['base.yaml', 'fleet.yaml', 'own/desk.yaml']
  assert.deepEqual(await sources.origins(), [{ repository: gitDir, commit, files }])
})

/** What a commit says of a host, with the files that its fleet names laid over each other. */
const manifestOf = (gitDir: string, fleet: string, commit: string, host: string): Manifest =>
  specOf(commit, fleetLayout({ files: [fleet], host })(gitDir, commit)).manifest

function makeExample(
  t: TestContext,
  files: Readonly<Record<string, string>>,
): { readonly folder: string; readonly commit: string } {
  const repository = makeRepository(t)
  return { folder: repository.folder, commit: repository.commit(files) }
}
