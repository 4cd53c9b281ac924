import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parsePolicy } from '../../../simulator/wire/policy.ts'
import { ROOT, runCli } from '../../cli/run-cli.ts'
import { tempFolder } from '../../support/temp.ts'
import { allowLines, MGMT, plain, policyFor, world } from './world.ts'

function specFile(t: TestContext, yaml: string): string {
  const file = join(tempFolder(t), 'spec.yaml')
  writeFileSync(file, `apiVersion: qstate/v1\n${yaml}`)
  return file
}

const targets = (policy: string): readonly string[] => [
  ...new Set(parsePolicy({ '30-qstate.policy': policy }).map((rule) => rule.target)),
]

test('qstate policy: two runs print the same, and every line can be read by qrexec', async () => {
  for (const release of ['4.3', '4.4'] as const) {
    const policy = await policyFor('examples/office.yaml', release)
    assert.equal(await policyFor('examples/office.yaml', release), policy)
    const rules = parsePolicy({ '30-qstate.policy': policy })
    assert.equal(new Set(rules.map((rule) => rule.text)).size, rules.length, 'no line is there twice')
    for (const { action, params, service } of rules) {
      if (action === 'allow') assert.equal(params.get('target'), 'dom0')
      assert.notEqual(service, null)
    }
  }
})

test('qstate policy: nothing is written on more than the qubes that are named or selected', async () => {
  const policy = await policyFor('examples/office.yaml', '4.3')
  for (const { text, target, action } of parsePolicy({ '30-qstate.policy': policy })) {
    if (target !== '@anyvm' || action === 'deny') continue
    assert.match(text, /^admin\.vm\.(?:List|(?:feature|tag)\.Get) /)
  }
})

test('qstate policy: a device is assigned by port and identity, and not attached', async () => {
  const recent = await policyFor('examples/windows-10.yaml', '4.3')
  assert.match(recent, /^admin\.vm\.device\.usb\.Assign +\+sys-usb\+2-1\+046d\+0843\+/m)
  assert.doesNotMatch(recent, /usb\.Attach|usb\.List|usb\.Detach/)
})

test('qstate policy: tags and classes of selectors are targets, and no host is asked', async (t) => {
  const spec = specFile(
    t,
    `select:
  - match: { tag: office }
    audio: { model: ich6 }
  - match: { class: TemplateVM }
    qube: { memory: 4096 }
`,
  )
  const policy = await policyFor(spec, '4.3')
  assert.deepEqual(targets(policy), ['@adminvm', '@anyvm', '@tag:office', '@type:TemplateVM'])
  assert.match(policy, /^admin\.vm\.tag\.Get +\+office +\S+ @anyvm /m)
})

test('qstate policy: a pattern of names, and SLIC by tag, take the names that the host has', async (t) => {
  const spec = specFile(
    t,
    `select:
  - match: { name: 'win10-*' }
    qube: { memory: 4096 }
`,
  )
  const without = await runCli(['policy', '--qube', 'mgmt', spec])
  assert.equal(without.code, 1)
  assert.match(plain(without.err), /takes the names of the qubes from the host .* match by tag or class/)
  const { host } = await world(t, '4.3')
  const { code, out, err } = await host.qstate('policy', '--qube', 'mgmt', spec)
  assert.equal(code, 0, err)
  const named = targets(out).filter((target) => !target.startsWith('@'))
  assert.ok(named.length > 0 && named.every((name) => name.startsWith('win10-')), named.join())
  const slic = specFile(t, 'select:\n  - match: { class: StandaloneVM }\n    slic: host\n')
  const byName = (await host.qstate('policy', '--qube', 'mgmt', slic)).out
  assert.match(byName, /^qstate\.slic\.Set +\+win7-oem +mgmt @adminvm /m)
  assert.doesNotMatch(byName, /^qstate\.slic\.(?!List)\w+ +\*/m)
  assert.equal(host.simulator.writes(), 0)
})

test('qstate policy: a device whose name qrexec would change has no line, and a comment says why', async (t) => {
  const spec = specFile(
    t,
    `qubes:
  win10-work:
    stubdom: { qrexec: true }
    qube: { virtMode: hvm }
    usb:
      "sys-usb+2-1:046d:085b:AB#12:u0e0100": auto-attach
`,
  )
  const policy = await policyFor(spec, '4.3')
  assert.match(
    policy,
    /^# .*AB#12.*: no line to change it, because qrexec cannot carry a character of this name/m,
  )
  assert.deepEqual(
    allowLines(policy).filter((line) => /usb\.(?!Assigned)/.test(line)),
    [],
  )
})

test('qstate policy: a device without a port, and denied interfaces, have lines', async (t) => {
  const spec = specFile(
    t,
    `qubes:
  win10-work:
    stubdom: { qrexec: true }
    qube: { virtMode: hvm }
    usb:
      "sys-usb+*:046d:085b:AB12:u0e0100": auto-attach
      denied: [u080650]
`,
  )
  const policy = await policyFor(spec, '4.3')
  assert.match(policy, /^admin\.vm\.device\.usb\.Assign +\+sys-usb\+_\+046d\+085b\+AB12\+u0e0100 /m)
  assert.match(policy, /^admin\.vm\.device\.denied\.Add /m)
})

test('qstate policy: restarts are allowed where the spec allows them', async (t) => {
  const body = 'qubes:\n  win10-work:\n    qube: { memory: 4096 }\n'
  assert.doesNotMatch(await policyFor(specFile(t, body), '4.3'), /admin\.vm\.(?:Start|Shutdown)/)
  const restarts = await policyFor(specFile(t, `${body}    restart: ask\n`), '4.3')
  for (const method of ['Shutdown', 'CurrentState', 'Start'])
    assert.match(restarts, new RegExp(`^admin\\.vm\\.${method} `, 'm'))
})

test('qstate policy: qemu-extra-args is denied unless the spec sets it', async (t) => {
  const body = 'qubes:\n  win10-work:\n    qube: { virtMode: hvm }\n    stubdom: { qrexec: true'
  const plainSpec = await policyFor(specFile(t, `${body} }\n`), '4.3')
  assert.match(plainSpec, /^admin\.vm\.feature\.Set +\+qemu-extra-args .* @anyvm +deny$/m)
  const set = await policyFor(specFile(t, `${body}, qemuExtraArgs: '-usb' }\n`), '4.3')
  assert.match(set, /^admin\.vm\.feature\.Set +\+qemu-extra-args +\S+ win10-work +allow target=dom0$/m)
})

test('qstate policy: no name, of a qube or of a file, becomes a line', async (t) => {
  for (const name of ['', 'a b', '@anyvm', '*', 'x\ny', '-x', 'x'.repeat(32)]) {
    const { code, out } = await runCli(['policy', `--qube=${name}`, 'examples/windows-10.yaml'])
    assert.equal(code, 64, name)
    assert.equal(out, '')
  }
  const file = join(tempFolder(t), 'a\n* * mgmt @anyvm allow target=dom0\nb.yaml')
  writeFileSync(
    file,
    'apiVersion: qstate/v1\nqubes:\n  win10-work:\n    audio: ich6\n    qube: { virtMode: hvm }\n',
  )
  const { code, out, err } = await runCli(['policy', '--qube', 'mgmt', file])
  assert.equal(code, 0, err)
  assert.ok(parsePolicy({ '30-qstate.policy': out }).every(({ service }) => service !== null))
})

test('qstate policy --json gives the same rules', async () => {
  const argv = ['policy', '--qube', 'mgmt', '--for', '4.3', 'examples/windows-10.yaml']
  const text = await runCli(argv)
  const json = JSON.parse((await runCli([...argv, '--json'])).out) as {
    groups: { rules: { method: string; arg: string; target: string }[] }[]
  }
  const rules = json.groups.flatMap((group) => group.rules)
  assert.deepEqual(
    rules.map(({ method, arg, target }) => `${method} ${arg} mgmt ${target} allow target=dom0`),
    allowLines(text.out).map(plain),
  )
})

test('the policy that is shown in dom0/ is the one that is printed', async () => {
  const { out } = await runCli(['policy', '--qube', 'mgmt', '--for', '4.3', 'examples/windows-7-oem.yaml'])
  assert.equal(readFileSync(join(ROOT, 'dom0/30-qstate.policy'), 'utf8'), out)
})

test('the header of a policy says in words what its flags add', async () => {
  const header = async (...flags: string[]): Promise<string> => {
    const argv = ['policy', '--qube', 'mgmt', '--for', '4.3', ...flags, 'examples/windows-10.yaml']
    const lines = (await runCli(argv)).out.split('\n\n')[0]?.split('\n') ?? []
    assert.ok(lines.every((line) => line.length <= 120))
    return lines.map((line) => line.replace(/^# ?/, '')).join(' ')
  }
  assert.match(await header(), /to plan, apply, withdraw and roll back, and nothing else\. /)
  assert.match(
    await header('--agent', '--restart'),
    /withdraw and roll back, to restart qubes \(--restart\), to hear of what changes there \(--agent\), and nothing else\. /,
  )
})

test('qstate policy: a spec that names its qubes lets these be seen, and no others', async (t) => {
  const listed = (policy: string, method = 'List'): readonly string[] =>
    parsePolicy({ '30-qstate.policy': policy })
      .filter(({ service }) => service === (method === 'List' ? 'admin.vm.List' : 'admin.Events'))
      .map(({ target }) => target)
  const body = 'qubes:\n  win10-work:\n    qube: { memory: 4096 }\n'
  const named = specFile(t, body)
  assert.deepEqual(listed(await policyFor(named, '4.3')), ['@adminvm', 'win10-work'])
  assert.deepEqual(listed(await policyFor(named, '4.3', '--explain')), ['@adminvm', '@anyvm'])
  assert.deepEqual(listed(await policyFor(named, '4.3', '--agent'), 'Events'), ['@adminvm', 'win10-work'])
  assert.deepEqual(listed(await policyFor(specFile(t, `name: home\n${body}`), '4.3')), ['@adminvm', '@anyvm'])
  const made = `qubes:\n  new:\n    ensure: { class: AppVM, template: win11, label: red }\n`
  assert.deepEqual(listed(await policyFor(specFile(t, made), '4.3')), ['@adminvm', 'new', 'win11'])
})

test('a qube that policy keeps from the list is told with the line that would show it', async (t) => {
  const { qrexec, qstate } = await world(t, '4.3')
  const spec = specFile(t, 'qubes:\n  win10-home:\n    qube: { memory: 4096 }\n')
  const policy = await policyFor(spec, '4.3')
  const line = `admin.vm.List * ${MGMT} win10-home allow target=dom0`
  qrexec.setPolicy(policy.replaceAll(/^admin\.vm\.List .* win10-home .*$/gm, ''))
  const hidden = await qstate('plan', spec)
  assert.match(hidden.out, /there is no such qube/)
  assert.ok(plain(hidden.out).includes(line), hidden.out)
  qrexec.setPolicy(policy)
  const seen = await qstate('plan', spec)
  assert.equal(seen.code, 0, seen.out + seen.err)
  assert.doesNotMatch(seen.out, /no such qube/)
})

for (const release of ['4.3', '4.4'] as const) {
  test(`on ${release} a hidden qube is not created again, and that it is there is told`, async (t) => {
    const { host, qrexec, qstate } = await world(t, release)
    const spec = specFile(
      t,
      'qubes:\n  win10-home:\n    ensure: { label: red }\n    qube: { memory: 4096 }\n',
    )
    const policy = await policyFor(spec, release)
    qrexec.setPolicy(policy.replaceAll(/^admin\.vm\.List .* win10-home .*$/gm, ''))
    const before = host.simulator.host.qubes.get('win10-home')
    const { code, out } = await qstate('apply', '--yes', spec)
    assert.equal(code, 3, out)
    assert.match(
      plain(out),
      /already exists.* policy in dom0 does not let this qube list it \(admin\.vm\.List\)/,
    )
    assert.equal(host.simulator.host.qubes.get('win10-home'), before)
  })
}
