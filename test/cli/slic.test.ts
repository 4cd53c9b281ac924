import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type Host, simulatedHost } from './run-cli.ts'

const TEMPLATES = 'etc/qubes/templates/libvirt/xen/by-name'

interface Oem {
  readonly host: Host
  readonly template: string
  readonly spec: (slic: string) => string
}

async function oem(t: TestContext): Promise<Oem> {
  const host = await simulatedHost(t)
  const path = join(host.folder, 'spec.yaml')
  return {
    host,
    template: join(`${host.socket}.dom0`, TEMPLATES, 'win7-oem.xml'),
    spec(slic) {
      writeFileSync(path, `apiVersion: qstate/v1\nname: oem\nqubes:\n  win7-oem:\n    slic: ${slic}\n`)
      return path
    },
  }
}

const edit = (path: string): void => {
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace('{{ super() }}\n', "{{ super() }}\n<smbios mode='host'/>\n"),
  )
}

test('an edited template is shown as a unified difference, in plan and show, as text and as JSON', async (t) => {
  const { host, template, spec } = await oem(t)
  const path = spec('{ tables: [host:SLIC, host:MSDM] }')
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  edit(template)
  const { out } = await host.qstate('plan', path)
  assert.match(out, /--- \S+win7-oem\.xml\n\s+\+\+\+ what qstate writes\n\s+@@ -1,6 \+1,5 @@\n/)
  assert.match(out, /^\s+-<smbios mode='host'\/>$/m)
  assert.equal(out.match(/^ +\+(?!\+)/gm), null, 'what is missing from the file is nothing here')
  const plan = JSON.parse((await host.qstate('plan', path, '--json')).out) as Plan
  const diff = plan.qubes[0]?.changes[0]?.diff
  assert.ok(diff?.includes("-<smbios mode='host'/>"))
  const shown = await host.qstate('show', 'win7-oem')
  assert.match(shown.out, /^\s+-<smbios mode='host'\/>$/m)
  const json = JSON.parse((await host.qstate('show', 'win7-oem', '--json')).out) as {
    settings: { path: string; diff?: string[] }[]
  }[]
  assert.deepEqual(json[0]?.settings.find((setting) => setting.path === 'slic/tables')?.diff, diff)
})

test('where the template is to go, the difference is all of it', async (t) => {
  const { host, template, spec } = await oem(t)
  await host.qstate('apply', '--yes', spec('host'))
  edit(template)
  const { out } = await host.qstate('plan', spec('off'))
  assert.match(out, /\+\+\+ \/dev\/null\n\s+@@ -1,6 \+0,0 @@/)
  assert.equal(out.match(/^ {8}-(?!--)/gm)?.length, 6)
})

test('a plan with a difference can be saved and applied, and a settled one has none', async (t) => {
  const { host, template, spec } = await oem(t)
  const path = spec('host')
  await host.qstate('apply', '--yes', path)
  edit(template)
  const saved = join(host.folder, 'plan.json')
  assert.equal((await host.qstate('plan', '-o', saved, path)).code, 0)
  assert.match((await host.qstate('show', saved)).out, /-<smbios mode='host'\/>/)
  const applied = await host.qstate('apply', '--yes', saved)
  assert.equal(applied.code, 0, applied.out + applied.err)
  assert.doesNotMatch(readFileSync(template, 'utf8'), /smbios/)
  assert.match((await host.qstate('plan', path)).out, /Nothing to do/)
})

test('a template without end is shown for its first lines, and escaped', async (t) => {
  const { host, template, spec } = await oem(t)
  const path = spec('host')
  await host.qstate('apply', '--yes', path)
  appendFileSync(template, `\u001b[2J${'x\n'.repeat(1_000_000)}`)
  const { out } = await host.qstate('plan', path)
  assert.ok(out.length < 5000)
  assert.match(out, /\(and [0-9]+ more lines\)/)
  assert.match(out, /-\\u\{1b\}\[2Jx/)
  assert.ok(!out.includes('\u001b'))
})

test('a template that someone else wrote is left alone: the plan says how to merge and how to adopt', async (t) => {
  const { host, template, spec } = await oem(t)
  writeFileSync(template, '<domain/>')
  const { code, out } = await host.qstate('plan', spec('host'))
  assert.equal(code, 1)
  assert.match(out, /was\s+written by someone else/)
  assert.match(
    out,
    /To merge,.*\n?.*<acpi><table type='slic'>\/sys\/firmware\/acpi\/tables\/SLIC<\/table><\/acpi>/s,
  )
  assert.match(out, /To let qstate adopt it, move the file away.*sudo mv/s)
  // Both ways lead somewhere.
  assert.equal((await host.qstate('plan', spec('unmanaged'))).code, 0)
  assert.equal(readFileSync(template, 'utf8'), '<domain/>')
})

test('rollback cannot bring an edited template back: it says so before it begins, and undoes the rest', async (t) => {
  const { host, template, spec } = await oem(t)
  await host.qstate('apply', '--yes', spec('host'))
  edit(template)
  await host.qstate('apply', '--yes', spec('host\n    tags: [office]'))
  const back = await host.qstate('rollback', '--yes')
  assert.match(back.out, /edited\s+by\s+someone,\s+and\s+qstate\s+keeps\s+no\s+text/)
  assert.match(back.out, /office +yes → no/)
  assert.match(back.out, /! win7-oem {2}1 change\n {4}not done: slic tables/)
  assert.doesNotMatch(back.out, /this machine has no table/)
  assert.equal(back.code, 3)
  const further = await host.qstate('rollback', '--yes', '1')
  assert.equal(further.code, 0, further.out)
  assert.ok(!existsSync(template), 'what the first apply did is undone')
})

test('a rollback that could not be made is no change by someone else to the next one', async (t) => {
  const { host, template, spec } = await oem(t)
  await host.qstate('apply', '--yes', spec('host'))
  await host.qstate('apply', '--yes', spec('{ tables: [host:SLIC, host:MSDM] }'))
  const blob = join(`${host.socket}.dom0`, 'sys/firmware/acpi/tables/SLIC')
  renameSync(blob, `${blob}.away`)
  const failed = await host.qstate('rollback', '--yes')
  assert.match(failed.out, /this machine has no table SLIC/)
  renameSync(`${blob}.away`, blob)
  const { code, out } = await host.qstate('rollback', '--yes', '1')
  assert.equal(code, 0, out)
  assert.ok(!existsSync(template))
})
