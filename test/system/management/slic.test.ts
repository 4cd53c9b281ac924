import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Plan } from '../../../reconciler/plan/plan.ts'
import { allowLines, MGMT, plain, policyFor, type World, world } from './world.ts'

const SPEC = `apiVersion: qstate/v1
name: oem
qubes:
  win7-oem:
    slic: SLIC
`

const TEMPLATE = 'etc/qubes/templates/libvirt/xen/by-name/win7-oem.xml'
const OWN_TABLE = 'var/lib/qstate/acpi/win7-oem.bin'
const HOST_TABLES = 'sys/firmware/acpi/tables'

interface Oem extends World {
  readonly spec: string
  readonly policy: string
  readonly file: (path: string) => string
  readonly write: (slic: string) => void
}

async function oem(t: TestContext, slic: string): Promise<Oem> {
  const made = await world(t, '4.3')
  const spec = join(made.host.folder, 'oem.yaml')
  const write = (text: string): void => {
    writeFileSync(spec, SPEC.replace('SLIC', text))
  }
  write(slic)
  const policy = await policyFor(spec, '4.3')
  made.qrexec.setPolicy(policy)
  return { ...made, spec, policy, write, file: (path) => join(`${made.host.socket}.dom0`, path) }
}

const calls = ({ qrexec }: World): readonly string[] =>
  qrexec.seen.filter(({ call }) => call.startsWith('qstate.')).map(({ call, target }) => `${call} ${target}`)

test('SLIC and MSDM reach the qube as one file, as in dom0, and leave no trace when they are dropped', async (t) => {
  const world = await oem(t, '{ tables: [host:SLIC, host:MSDM] }')
  const { qstate, spec, file } = world
  const plan = JSON.parse((await qstate('plan', spec, '--json')).out) as Plan
  const planned = plan.qubes[0]!.changes[0]!.calls.map(({ method, arg, dest }) => `${method}+${arg} ${dest}`)
  const apply = await qstate('apply', '--yes', spec)
  assert.equal(apply.code, 0, apply.out + apply.err)
  assert.deepEqual(
    calls(world).filter((call) => call.includes('.Set')),
    planned,
    'the plan shows the call that is made',
  )
  const table = Buffer.concat(['SLIC', 'MSDM'].map((name) => readFileSync(file(join(HOST_TABLES, name)))))
  assert.deepEqual(readFileSync(file(OWN_TABLE)), table)
  assert.equal(statSync(file(OWN_TABLE)).mode & 0o777, 0o600)
  assert.equal(statSync(file(TEMPLATE)).mode & 0o777, 0o644)
  assert.match(readFileSync(file(TEMPLATE), 'utf8'), /tables=host:SLIC,host:MSDM .*\{\{ super\(\) \}\}/s)
  assert.doesNotMatch(apply.out + apply.err, /FAKE0/)

  // What was set from outside is as it should be when it is looked at in dom0.
  const inDom0 = await world.host.qstate('apply', '--yes', spec)
  assert.equal(inDom0.code, 0, inDom0.out + inDom0.err)
  assert.match(inDom0.out, /Nothing to do/)

  writeFileSync(spec, 'apiVersion: qstate/v1\nname: oem\nqubes:\n  win7-oem: {}\n')
  const withdrawn = await qstate('apply', '--yes', '--allow-withdraw', 'win7-oem', spec)
  assert.equal(withdrawn.code, 0, withdrawn.out + withdrawn.err)
  assert.equal(existsSync(file(TEMPLATE)), false)
  assert.equal(existsSync(file(OWN_TABLE)), false)
  assert.deepEqual(readdirSync(file('etc/qubes/templates/libvirt/xen/by-name')), [])
})

test('a table from a file is carried to dom0, and checked there again', async (t) => {
  const world = await oem(t, 'host')
  const { qstate, spec, file, write, host } = world
  const bytes = readFileSync(file(join(HOST_TABLES, 'SLIC')))
  const digest = createHash('sha256').update(bytes).digest('hex')
  writeFileSync(join(host.folder, 'my.slic'), bytes)
  write(`{ file: my.slic, sha256: ${digest} }`)
  const apply = await qstate('apply', '--yes', spec)
  assert.equal(apply.code, 0, apply.out + apply.err)
  assert.deepEqual(readFileSync(file(OWN_TABLE)), bytes)
  assert.match(readFileSync(file(TEMPLATE), 'utf8'), new RegExp(`tables=file:${digest} `))
  write('host')
  assert.equal((await qstate('apply', '--yes', spec)).code, 0)
  assert.equal(existsSync(file(OWN_TABLE)), false, 'the host’s own table needs no copy')
  assert.match(
    readFileSync(file(TEMPLATE), 'utf8'),
    /<table type='slic'>\/sys\/firmware\/acpi\/tables\/SLIC</,
  )
})

test('what the host cannot give is planned as in dom0, word for word', async (t) => {
  const world = await oem(t, '{ tables: [host:SLIC, host:MSDM] }')
  const { qstate, spec, file, host } = world
  const compare = async (pattern: RegExp): Promise<void> => {
    const blocked = (text: string): unknown => (JSON.parse(text) as Plan).qubes.map((qube) => qube.blocked)
    const outside = await qstate('plan', spec, '--json')
    assert.match(outside.out, pattern)
    const within = JSON.stringify(blocked((await host.qstate('plan', spec, '--json')).out))
    assert.equal(JSON.stringify(blocked(outside.out)), within.replaceAll(`${host.socket}.dom0/`, '/'))
  }
  rmSync(file(join(HOST_TABLES, 'MSDM')))
  await compare(/this machine has no table MSDM/)
  const slic = readFileSync(file(join(HOST_TABLES, 'SLIC')))
  slic[100] = slic[100]! ^ 1
  writeFileSync(file(join(HOST_TABLES, 'SLIC')), slic)
  await compare(/host:SLIC cannot be used: its checksum is wrong/)
  writeFileSync(file(TEMPLATE), '<domain/>')
  await compare(/was written by someone else/)
  assert.equal(readFileSync(file(TEMPLATE), 'utf8'), '<domain/>')
})

test('a policy without the service says so with its line; the rest of the qube goes on', async (t) => {
  const { qstate, spec, policy, qrexec } = await oem(t, 'host\n    audio: ich6')
  qrexec.setPolicy(policy.replace(/^qstate\.slic.*\n/gm, ''))
  const { code, out } = await qstate('apply', '--yes', spec)
  assert.equal(code, 3, out)
  const lines = allowLines(policy).filter((line) => line.startsWith('qstate.slic.Get'))
  assert.equal(lines.length, 1)
  assert.ok(plain(out).includes(plain(lines[0]!)), out)
  assert.match(plain(out), /install the service there, if it is not yet: docs\/management-qube\.md/)

  qrexec.setPolicy(policy.replace(/^qstate\.slic\.Set.*\n/gm, ''))
  const refused = await qstate('apply', '--yes', spec)
  assert.equal(refused.code, 3, refused.out + refused.err)
  assert.ok(
    plain(refused.out + refused.err).includes(`qstate.slic.Set +win7-oem ${MGMT} @adminvm allow target=dom0`),
  )
})

test('a dom0 without the service is told from a policy that does not allow it', async (t) => {
  const { qstate, spec, qrexec } = await oem(t, 'host')
  qrexec.missing.add('qstate.slic.Get')
  const plan = await qstate('plan', spec)
  assert.equal(plan.code, 1)
  assert.match(plain(plan.out), /policy allows it, and dom0 has no such service/)
  assert.match(plain(plan.out), /dom0\/install\.sh/)
})

test('another qube than that of the policy is out of reach', async (t) => {
  const { qrexec, file } = await oem(t, 'host')
  for (const method of ['qstate.slic.Get', 'qstate.slic.Set', 'qstate.slic.Remove']) {
    for (const arg of ['win10-work', '', 'win7-oem+', '+win7-oem', 'WIN7-OEM']) {
      const call = { dest: 'dom0', method, arg, payload: 'host:SLIC' }
      await assert.rejects(qrexec.transport.exchange(call, { timeoutMs: 10_000 }), /does not allow it/)
    }
  }
  assert.deepEqual(readdirSync(file('etc/qubes/templates/libvirt/xen/by-name')), [])
})

test('a template that was edited is shown as in dom0, line by line', async (t) => {
  const world = await oem(t, '{ tables: [host:SLIC, host:MSDM] }')
  const { qstate, spec, file, host, write } = world
  assert.equal((await qstate('apply', '--yes', spec)).code, 0)
  writeFileSync(file(TEMPLATE), `${readFileSync(file(TEMPLATE), 'utf8')}<!-- mine \u001b[2J é -->`)
  const diffOf = (text: string): readonly string[] =>
    (JSON.parse(text) as Plan).qubes[0]?.changes[0]?.diff?.map((line) =>
      line.replace(`${host.socket}.dom0`, ''),
    ) ?? []
  const SLICS = ['{ tables: [host:SLIC, host:MSDM] }', 'host', 'off']
  const diffs = async (plan: World['qstate']): Promise<readonly (readonly string[])[]> => {
    const found: (readonly string[])[] = []
    for (const slic of SLICS) {
      write(slic)
      found.push(diffOf((await plan('plan', '--json', spec)).out))
    }
    return found
  }
  const outside = await diffs((...argv) => world.qstate(...argv))
  for (const diff of outside)
    assert.match(diff.join('\n'), /^-<!-- mine \\u\{1b\}\[2J é --> \(no newline at the end\)$/m)
  // What another installation recorded causes nothing in dom0 until it is taken over there.
  assert.deepEqual((await diffs((...argv) => host.qstate(...argv))).flat(), [])
  const adopted = await host.qstate('adopt', '--yes', spec)
  assert.equal(adopted.code, 0, adopted.out + adopted.err)
  assert.deepEqual(await diffs((...argv) => host.qstate(...argv)), outside)
})

test('templates of qubes that are gone are listed, and a dom0 that cannot list says so', async (t) => {
  const { qstate, spec, policy, file, qrexec } = await oem(t, 'host')
  assert.equal((await qstate('apply', '--yes', spec)).code, 0)
  writeFileSync(file(TEMPLATE.replace('oem', 'gone')), readFileSync(file(TEMPLATE)))
  writeFileSync(file(TEMPLATE.replace('oem', 'mine')), '<domain/>')
  const plan = await qstate('plan', spec)
  assert.equal(plan.code, 0, plan.out)
  assert.match(
    plain(plan.out),
    /win7-gone is not there any more, and its SLIC template is: remove \/etc\/qubes/,
  )
  assert.doesNotMatch(plan.out, /win7-mine/)
  qrexec.setPolicy(policy.replace(/^qstate\.slic\.List.*\n/m, ''))
  const denied = await qstate('plan', spec)
  assert.equal(denied.code, 0)
  assert.match(
    plain(denied.out),
    /are left in dom0 is not known: .* qstate\.slic\.List \* test-host @adminvm allow/,
  )
  qrexec.setPolicy(policy)
  qrexec.missing.add('qstate.slic.List')
  const old = await qstate('plan', spec)
  assert.equal(old.code, 0)
  assert.match(
    plain(old.out),
    /not known: qstate\.slic\.List: policy allows it, and dom0 has no such service/,
  )
})

test('a spec without SLIC asks the service nothing', async (t) => {
  const { qstate, spec, qrexec } = await oem(t, 'host')
  writeFileSync(spec, 'apiVersion: qstate/v1\nqubes:\n  win7-oem: { audio: ich6 }\n')
  qrexec.setPolicy(await policyFor(spec, '4.3'))
  assert.equal((await qstate('plan', spec)).code, 0)
  assert.deepEqual(
    qrexec.seen.filter(({ call }) => call.startsWith('qstate.')),
    [],
  )
})
