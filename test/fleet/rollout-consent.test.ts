import assert from 'node:assert/strict'
import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type RolloutPlan } from '../../app/fleet/rollout-plan.ts'
import { type RolloutState } from '../../documents/fleet/index.ts'
import { type Result, runCli } from '../cli/run-cli.ts'
import { startQstate } from '../support/process.ts'
import { atHome, HOME, type Home, home, vcpus } from './support/home.ts'

/** Consent to mass withdrawal, given when a rollout is started, over hosts without an agent. */

const storeOf = ({ folder }: Home, ...more: string[]): string =>
  join(folder, 'state/fleets/home/store', ...more)
const flat = (text: string): string => text.replace(/\s+/g, ' ')
const ALL = 'desk:win10-home,laptop:win10-home,attic:win10-home'

for (const [what, line] of [
  ['drops a qube', ''],
  ['names a qube with nothing', '  win10-home: {}\n'],
] as const)
  test(`a commit that ${what} is given to no host without consent: nothing is stored, and hosts and qubes are named`, async (t) => {
    const it = await atHome(t)
    it.commit({ 'base.yaml': HOME + line })
    const plan = await it.qstate('rollout', 'plan')
    assert.equal(plan.code, 0)
    assert.match(
      plan.out,
      /\n\nConsent needed: 3 values of 3 hosts will be withdrawn, [^]*\n\n {2}desk laptop attic\n {4}win10-home \(all that qstate owns there\)\n {6}qube vcpus → default\n\n/,
    )
    assert.match(flat(plan.out), new RegExp(`add --allow-withdraw ${ALL}\\. Nothing was touched`))
    const { consent } = JSON.parse((await it.qstate('rollout', 'plan', '--json')).out) as RolloutPlan
    assert.deepEqual(
      consent.hosts.map(({ host, qubes, withdrawals, isEnough }) => [
        ...[host, qubes, isEnough],
        withdrawals.map(({ path, after }) => [path, after]),
      ]),
      ['desk', 'laptop', 'attic'].map((host) => [
        ...[host, [{ qube: 'win10-home', isWhole: true }], true],
        [['qube/vcpus', null]],
      ]),
    )
    assert.deepEqual(consent.unknown, [])
    const before = storedIn(it)
    for (const [flags, code, says] of [
      [[], 1, /3 values, and there is no consent for desk:win10-home, laptop:win10-home, attic:win10-home/],
      [['=2'], 1, /no consent for desk:win10-home, laptop:win10-home, attic:win10-home/],
      [['desk:win10-home,laptop:win10-home'], 1, /no consent for attic:win10-home `/],
      [['win10-home'], 64, /such as desk:win7,laptop:win8, or the number of values/],
      [[''], 64, /such as desk:win7/],
      [['=0'], 64, /such as desk:win7/],
      [['yes'], 64, /such as desk:win7/],
    ] as const) {
      const refused = await it.qstate(
        'rollout',
        'start',
        ...flags.flatMap((one) => ['--allow-withdraw', one]),
      )
      assert.equal(refused.code, code, refused.err)
      assert.match(flat(refused.err), says)
      assert.deepEqual(storedIn(it), before)
    }
    const json = await it.qstate('rollout', 'start', '--json')
    assert.equal((JSON.parse(json.out) as { error: { code: string } }).error.code, 'withdrawal-not-allowed')
    assert.deepEqual(vcpus(it), { desk: 3, laptop: 3, attic: 3 })
  })

/** Everything that stands in the store of a fleet, with its revisions. */
const storedIn = (it: Home): readonly string[] =>
  readdirSync(storeOf(it), { recursive: true, encoding: 'utf8' }).sort()

test('consent that is given at the start is in the orders, and spent once all is withdrawn', async (t) => {
  const it = await atHome(t)
  it.commit({ 'base.yaml': HOME })
  const done = await it.qstate('rollout', 'start', '--allow-withdraw', ALL, '--json')
  assert.equal(done.code, 0, done.err)
  assert.equal((JSON.parse(done.out) as RolloutState).phase, 'succeeded')
  assert.deepEqual(vcpus(it), { desk: 0, laptop: 0, attic: 0 })
  // The same again is another question, and so is a commit that was agreed to before.
  it.commit({ 'base.yaml': `${HOME}  win10-home: { qube: { vcpus: 3 } }\n` })
  assert.equal((await it.qstate('rollout', 'start')).code, 0)
  it.commit({ 'base.yaml': HOME })
  const again = await it.qstate('rollout', 'start')
  assert.equal(again.code, 1)
  assert.match(flat(again.err), /there is no consent/)
  assert.deepEqual(vcpus(it), { desk: 3, laptop: 3, attic: 3 })
})

test('at a terminal consent is typed: how many values, or the qube where it is one', async (t) => {
  const it = await atHome(t)
  it.commit({ 'base.yaml': HOME })
  const before = storedIn(it)
  const start = (...answers: string[]): Promise<Result> =>
    runCli(['rollout', 'start'], { env: it.env, terminal: true, answers })
  for (const wrong of ['y', '2', 'win10-home', '']) {
    const refused = await start(wrong)
    assert.equal(refused.code, 1)
    assert.match(refused.out, /Consent needed: 3 values of 3 hosts/)
    assert.match(refused.err, /will be withdrawn\. Type that number to continue: Nothing was changed\.\n$/)
    assert.deepEqual(storedIn(it), before)
  }
  assert.equal((await start('3')).code, 0)
  assert.deepEqual(vcpus(it), { desk: 0, laptop: 0, attic: 0 })
})

test('at a terminal consent for one qube is its name, with the host', async (t) => {
  const it = await home(t)
  it.commit({ 'base.yaml': HOME, 'attic.yaml': `${HOME}  win10-home: { qube: { vcpus: 3 } }\n` })
  assert.equal((await it.qstate('rollout', 'start')).code, 0)
  it.commit({ 'attic.yaml': HOME })
  const terminal = { env: it.env, terminal: true }
  const plan = await it.qstate('rollout', 'plan')
  assert.match(plan.out, /Consent needed: 1 value of 1 host will be withdrawn[^]*\n {2}attic\n/)
  const done = await runCli(['rollout', 'start'], { ...terminal, answers: ['attic:win10-home'] })
  assert.equal(done.code, 0, done.err)
  assert.match(done.err, /1 value of attic:win10-home will be withdrawn\. Type the qube’s name to continue/)
  assert.deepEqual(vcpus(it), { desk: 0, laptop: 0, attic: 0 })
})

test('a host that was not known at the start is waited for with what it holds, until the rollout is aborted', async (t) => {
  const it = await atHome(t)
  it.commit({ 'base.yaml': HOME })
  const socket = join(it.folder, 'laptop.sock')
  renameSync(socket, `${socket}.away`)
  const plan = await it.qstate('rollout', 'plan')
  assert.match(
    plan.out,
    /2 values of 2 hosts[^]*\nNot known: laptop\. One that needs consent withdraws nothing/,
  )
  const begun = await it.qstate('rollout', 'start', '--detach', '--allow-withdraw', '=2')
  assert.equal(begun.code, 0, begun.err)
  renameSync(`${socket}.away`, socket)
  const controller = startQstate(['fleet', 'controller'], it.env)
  t.after(() => controller.child.kill('SIGKILL'))
  await controller.said('laptop waits for consent: win10-home: the spec no longer names so much')
  const status = await it.qstate('rollout', 'status')
  assert.equal(status.code, 0)
  assert.match(status.out, /canary {2}1 passed\n[^]*wave-1 {2}[^]*1 waiting for consent/)
  assert.match(
    flat(status.out),
    /laptop: win10-home: .*; no consent was given when the rollout was started end the rollout \(`qstate rollout abort`\), and start it again/,
  )
  assert.equal(vcpus(it)['laptop'], 3)
  assert.equal((await it.qstate('rollout', 'abort')).code, 0)
  await controller.said('rolled back')
  assert.deepEqual(vcpus(it), { desk: 3, laptop: 3, attic: 3 })
  controller.child.kill('SIGTERM')
  await controller.ended
  // It is known by now.
  assert.equal((await it.qstate('rollout', 'start', '--allow-withdraw', ALL)).code, 0)
  assert.deepEqual(vcpus(it), { desk: 0, laptop: 0, attic: 0 })
})

test('hosts that let stand what is no longer named need no consent', async (t) => {
  const it = await atHome(t)
  it.commit({ 'base.yaml': HOME })
  const file = join(it.folder, 'hosts.yaml')
  writeFileSync(file, 'apiVersion: qstate/v1\nkind: Agent\npolicy: { withdraw: report }\n')
  const plan = await it.qstate('rollout', 'plan', '--hosts-file', file)
  assert.doesNotMatch(plan.out, /Consent/)
  assert.equal((await it.qstate('rollout', 'start', '--hosts-file', file)).code, 0)
  assert.deepEqual(vcpus(it), { desk: 3, laptop: 3, attic: 3 })
})
