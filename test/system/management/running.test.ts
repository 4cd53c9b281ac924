import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Plan } from '../../../reconciler/plan/plan.ts'
import { act } from '../../support/requests.ts'
import { allowLines, MGMT, plain, policyFor, type World, world } from './world.ts'
import { type SimulatedVersion } from '../../../simulator/index.ts'

const RELEASES = ['4.3', '4.4'] as const

interface Running extends World {
  readonly spec: string
  /** Sets the policy that `qstate policy` prints for the spec, with some flags. */
  readonly allow: (...flags: string[]) => Promise<string>
}

/** A management qube, and a spec that its policy is made for. */
async function running(t: TestContext, release: SimulatedVersion, body: string): Promise<Running> {
  const made = await world(t, release)
  const spec = join(made.host.folder, 'spec.yaml')
  writeFileSync(spec, `apiVersion: qstate/v1\nqubes:\n${body}`)
  const allow = async (...flags: string[]): Promise<string> => {
    const policy = await policyFor(spec, release === '4.4' ? '4.3' : release, ...flags)
    made.qrexec.setPolicy(policy)
    return policy
  }
  return { ...made, spec, allow }
}

const denied = ({ qrexec }: World): readonly string[] =>
  qrexec.seen.filter(({ allowed }) => !allowed).map(({ call, target }) => `${call} ${target}`)

/** Lines of a policy that no call has needed. */
const unused = ({ qrexec }: World, policy: string): readonly string[] => {
  const used = new Set(qrexec.seen.map(({ rule }) => rule?.text))
  return allowLines(policy).filter((line) => !used.has(line))
}

const starts = ({ host }: World): readonly string[] =>
  host.simulator.requests
    .filter(({ method }) => /^admin\.vm\.(?:Shutdown|Start)$/.test(method))
    .map(({ method, dest }) => `${method} ${dest}`)

const RESTARTED = ['admin.vm.Shutdown win10-work', 'admin.vm.Start win10-work']
const MEMORY = '  win10-work:\n    qube: { memory: 6144 }\n'

for (const release of RELEASES) {
  test(`a spec that allows restarts gets them from a management qube, ${release}`, async (t) => {
    const made = await running(t, release, `${MEMORY}    restart: now\n`)
    const policy = await made.allow()
    // Whether an assignment gives it back is asked where there is one.
    made.host.simulator.host.attachments.set('sys-usb 2-1', 'win10-work')
    const { code, out, err } = await made.qstate('apply', '--yes', made.spec)
    assert.equal(code, 0, out + err)
    assert.deepEqual(starts(made), RESTARTED)
    assert.deepEqual(denied(made), [])
    const restart = /Shutdown|CurrentState|vm\.Start |device/
    assert.deepEqual(
      unused(made, policy).filter((line) => restart.test(line)),
      [],
      'each line is needed',
    )
  })

  test(`--restart needs policy --restart, and says so, ${release}`, async (t) => {
    const made = await running(t, release, MEMORY)
    await made.allow()
    const refused = await made.qstate('apply', '--yes', '--restart', 'now', made.spec)
    assert.equal(refused.code, 3, refused.out)
    assert.match(
      plain(refused.out),
      /admin\.vm\.device\.usb\.Available \* test-host win10-work allow target=dom0/,
    )
    assert.deepEqual(starts(made), [])
    await made.allow('--restart')
    made.qrexec.seen.length = 0
    const { code, out, err } = await made.qstate('apply', '--yes', '--restart', 'now', made.spec)
    assert.equal(code, 0, out + err)
    assert.deepEqual(starts(made), RESTARTED)
    assert.deepEqual(denied(made), [])
  })

  test(`ensure creates a qube from a management qube, ${release}`, async (t) => {
    const body =
      '  win11-new:\n    extends: windows-11\n    ensure: { label: orange, root: 60GiB, private: 20GiB }\n'
    const made = await running(t, release, body)
    await made.allow()
    const { code, out, err } = await made.qstate('apply', '--yes', made.spec)
    assert.equal(code, 0, out + err)
    assert.deepEqual(denied(made), [])
    const qube = made.host.simulator.host.qubes.get('win11-new')
    assert.equal(qube?.klass, 'StandaloneVM')
    assert.equal(qube.properties.get('virt_mode'), 'hvm')
    assert.match((await made.qstate('plan', made.spec)).out, /Nothing to do/)
  })
}

test('the qube that qstate runs in is not restarted, whatever asks for it, and that is said', async (t) => {
  for (const release of RELEASES) {
    const made = await running(t, release, `  ${MGMT}:\n    qube: { memory: 6144 }\n    restart: now\n`)
    const create = { dest: 'dom0', method: 'admin.vm.Create.AppVM', arg: 'fedora-42' }
    act(made.host.simulator, { ...create, payload: `name=${MGMT} label=red` })
    act(made.host.simulator, { dest: MGMT, method: 'admin.vm.Start', arg: '', payload: '' })
    made.host.simulator.clearLog()
    await made.allow('--restart')
    assert.doesNotMatch((await made.qstate('plan', made.spec)).out, /To be restarted by the apply/)
    for (const flags of [[], ['--restart', 'now', '--restart-kill']]) {
      const { code, out } = await made.qstate('apply', '--yes', ...flags, made.spec)
      assert.equal(code, 3, out)
      assert.match(plain(out), /it is the qube that qstate runs in: nobody would be left to start it again/)
    }
    assert.deepEqual(starts(made), [])
    assert.match((await made.qstate('status', made.spec)).out, /waits for its next start/)
  }
})

test('idle-halted needs no line to restart anything', async (t) => {
  const made = await running(t, '4.3', `${MEMORY}    restart: idle-halted\n`)
  assert.doesNotMatch(await made.allow(), /Shutdown|vm\.Start |CurrentState/)
  assert.equal((await made.qstate('apply', '--yes', made.spec)).code, 0)
  assert.match((await made.qstate('status', made.spec)).out, /waits for its next start \(once it has been/)
  assert.deepEqual(denied(made), [])
})

const WEBCAM = '046d:0843:CAM00001:u0e0100u0e0200u010100'

for (const device of [`sys-usb+2-1:${WEBCAM}`, `sys-usb+*:${WEBCAM}`, 'sys-usb+2-1:*']) {
  for (const release of ['4.3', '4.4'] as const) {
    test(`--live attaches and detaches from a management qube: ${device.slice(0, 18)} on ${release}`, async (t) => {
      const body = `  win10-work:\n    stubdom: { qrexec: true }\n    usb: { "${device}": auto-attach }\n`
      const made = await running(t, release, body)
      assert.doesNotMatch(await made.allow(), /usb\.(?:Attach|Detach|Available) /)
      const refused = await made.qstate('apply', '--yes', '--live', made.spec)
      assert.equal(refused.code, 3, refused.out)
      assert.match(plain(refused.out), /usb\.Available \* test-host sys-usb allow target=dom0/)
      const policy = await made.allow('--live')
      const any = /^admin\.vm\.device\.usb\.Attach +\* /m
      assert.equal(any.test(policy), device.includes('*'), 'a device that is named whole is the only one')
      made.qrexec.seen.length = 0
      const attached = await made.qstate('apply', '--yes', '--live', made.spec)
      assert.equal(attached.code, 0, attached.out)
      assert.equal(made.host.simulator.host.attachments.get('sys-usb 2-1'), 'win10-work')
      assert.deepEqual(denied(made), [])
      writeFileSync(
        made.spec,
        'apiVersion: qstate/v1\nqubes:\n  win10-work:\n    stubdom: { qrexec: true }\n',
      )
      const gone = await made.qstate('apply', '--yes', '--live', made.spec)
      assert.equal(gone.code, 0, gone.out)
      assert.equal(made.host.simulator.host.attachments.size, 0)
      assert.deepEqual(denied(made), [])
    })
  }
}

for (const release of RELEASES) {
  test(`what explains a plan is asked where policy --explain allows it, and else told once, ${release}`, async (t) => {
    const body = `  win11-office:
    audio: off
    stubdom: { qrexec: true }
    usb: { "sys-usb+2-1:*": auto-attach }
`
    const made = await running(t, release, body)
    const give = (dest: string, method: string, arg: string, payload: string): void => {
      act(made.host.simulator, { dest, method, arg, payload })
    }
    give('win11-template', 'admin.vm.feature.Set', 'audio-model', 'ich6')
    give('win11-office', 'admin.vm.property.Set', 'template_for_dispvms', 'True')
    const payload =
      "device_id='*' port_id='2-1' devclass='usb' backend_domain='sys-usb' mode='auto-attach' frontend_domain='win10-home'"
    give('win10-home', 'admin.vm.device.usb.Assign', 'sys-usb+2-1+_', payload)
    await made.allow()
    const short = await made.qstate('plan', made.spec)
    assert.equal(short.code, 0, short.out)
    assert.deepEqual(denied(made), [])
    // Others have to be seen before they can be asked.
    made.qrexec.setPolicy(`${await made.allow()}admin.vm.List * ${MGMT} @anyvm allow target=dom0\n`)
    const mute = await made.qstate('plan', '--explain', made.spec)
    assert.equal(mute.code, 0, mute.out)
    assert.match(plain(mute.out), /what templates give is not told: .* `qstate policy --explain` prints/)
    assert.equal(denied(made).length, 3, 'each kind of question is asked once')

    const policy = await made.allow('--explain')
    made.qrexec.seen.length = 0
    const { code, out } = await made.qstate('plan', '--explain', made.spec)
    assert.equal(code, 0, out)
    assert.deepEqual(denied(made), [])
    assert.match(out, /model +inherited \(ich6 from its template\) → off/)
    assert.match(out, /win10-home takes it by itself, too/)
    assert.match(plain(out), /for none of its disposables/)
    const explains = unused(made, policy).filter((line) => /CheckWith|template_for|usb.*@anyvm/.test(line))
    assert.deepEqual(explains, [], 'each line is needed')
    const saved = join(made.host.folder, 'plan.json')
    await made.qstate('plan', '--explain', '-o', saved, made.spec)
    assert.equal((await made.qstate('show', saved)).code, 0)
    const json = JSON.parse((await made.qstate('plan', '--explain', '--json', made.spec)).out) as Plan
    assert.equal(json.untold, undefined)
  })
}
