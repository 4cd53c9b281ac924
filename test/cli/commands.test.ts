import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCli, simulatedHost } from './run-cli.ts'

const WINDOWS_10 = 'examples/windows-10.yaml'

test('apply asks on a terminal, and no is no', async (t) => {
  const host = await simulatedHost(t)
  const no = await host.qstateWith(
    { terminal: true, answers: ['n'], env: { NO_COLOR: '1' } },
    'apply',
    WINDOWS_10,
  )
  assert.equal(no.code, 1)
  assert.match(no.err, /Apply this\? \[y\/N\] Nothing was changed\.\n$/)
  assert.equal(host.simulator.writes(), 0)
  const yes = await host.qstateWith(
    { terminal: true, answers: ['yes'], env: { NO_COLOR: '1' } },
    'apply',
    WINDOWS_10,
  )
  assert.equal(yes.code, 0)
  assert.equal(host.simulator.writes(), 9)
})

test('apply writes nothing where nobody can say yes', async (t) => {
  const host = await simulatedHost(t)
  const { code, err } = await host.qstate('apply', WINDOWS_10)
  assert.equal(code, 64)
  assert.match(err, /add --yes/)
  assert.equal(host.simulator.writes(), 0)
})

test('a saved plan does what was reviewed, and show prints it as plan did', async (t) => {
  const host = await simulatedHost(t)
  const file = join(host.folder, 'plan.json')
  const planned = await host.qstate('plan', WINDOWS_10, '-o', file)
  const shown = await host.qstate('show', file)
  assert.equal(shown.code, 0)
  assert.ok(planned.out.startsWith(shown.out))
  const applied = await host.qstate('apply', '--yes', file)
  assert.equal(applied.code, 0, applied.err)
  assert.match((await host.qstate('plan', WINDOWS_10)).out, /Nothing to do/)
})

test('a saved plan does nothing on a host that has changed, and says what has', async (t) => {
  const host = await simulatedHost(t)
  const file = join(host.folder, 'plan.json')
  await host.qstate('plan', WINDOWS_10, '-o', file)
  host.simulator.act(Buffer.from('admin.vm.property.Set+memory dom0 name win10-work\x003000'))
  const { code, out } = await host.qstate('apply', '--yes', file)
  assert.equal(code, 4)
  assert.match(out, /qube memory was 8192 MiB, is 3000 MiB/)
  assert.equal(host.simulator.writes(), 0)
})

test('plan --detailed-exitcode tells changes from none', async (t) => {
  const host = await simulatedHost(t)
  assert.equal((await host.qstate('plan', '--detailed-exitcode', WINDOWS_10)).code, 2)
  await host.qstate('apply', '--yes', WINDOWS_10)
  assert.equal((await host.qstate('plan', '--detailed-exitcode', WINDOWS_10)).code, 0)
})

test('a target narrows a plan, and what is out of it stays owned', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', WINDOWS_10)
  const emptied = join(host.folder, 'spec.yaml')
  writeFileSync(emptied, 'apiVersion: qstate/v1\nqubes:\n  win10-work: {}\n')
  const paths = async (...target: string[]): Promise<string[]> => {
    const { out } = await host.qstate(
      'plan',
      emptied,
      '--json',
      ...target.flatMap((word) => ['--target', word]),
    )
    const plan = JSON.parse(out) as { qubes: { changes: { path: string }[] }[] }
    return plan.qubes.flatMap((qube) => qube.changes.map((change) => change.path))
  }
  assert.deepEqual(await paths('win10-work/tags'), ['tags/office'])
  // The model was right already, and stays.
  assert.deepEqual(await paths('area:audio'), ['audio/audiovm'])
  assert.deepEqual(await paths('win10-home'), [])
  const all = await paths('tag:work')
  assert.ok(all.includes('tags/office') && all.length > 5, String(all))
  const applied = await host.qstate('apply', '--yes', emptied, '--target', 'win10-work/tags')
  assert.equal(applied.code, 0, applied.err)
  assert.equal((await paths()).length, all.length - 1)
})

test('a refusal names call, qube and the policy line, and blocks only what it refuses', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.feature.Get', arg: 'audio-model' }, do: 'refuse' }])
  const { code, out } = await host.qstate('plan', WINDOWS_10)
  assert.equal(code, 1)
  assert.match(out, /! audio model: admin\.vm\.feature\.Get\+audio-model on win10-work: refused/)
  assert.match(out, /admin\.vm\.feature\.Get \+audio-model MANAGEMENT-QUBE win10-work allow target=dom0/)
  assert.match(out, /defaultUser/)
})

test('adopt takes over what is right and changes no value; release gives it up', async (t) => {
  const host = await simulatedHost(t)
  const before = structuredClone([...(host.simulator.host.qubes.get('win10-work')?.properties ?? [])])
  assert.equal((await host.qstate('adopt', '--yes', WINDOWS_10)).code, 0)
  assert.equal(host.simulator.writes(), 1)
  const plan = await host.qstate('plan', WINDOWS_10)
  assert.match(plan.out, /8 changes/)
  assert.equal((await host.qstate('release', '--yes', 'win10-work')).code, 0)
  assert.equal(host.simulator.writes(), 2)
  const qube = host.simulator.host.qubes.get('win10-work')
  assert.deepEqual([...(qube?.properties ?? [])], before)
  assert.equal(qube?.features.has('qstate.applied'), false)
})

test('rollback undoes the last apply, ownership too, and is itself history', async (t) => {
  const host = await simulatedHost(t)
  const qube = host.simulator.host.qubes.get('win10-work')
  const state = (): unknown => [
    [...(qube?.properties ?? [])].toSorted(),
    [...(qube?.features ?? [])].toSorted(),
    [...(qube?.tags ?? [])].toSorted(),
  ]
  const before = structuredClone(state())
  await host.qstate('apply', '--yes', WINDOWS_10)
  assert.notDeepEqual(state(), before)
  const { code, out, err } = await host.qstate('rollback', '--yes')
  assert.equal(code, 0, out + err)
  assert.ok(qube)
  assert.equal(qube.assignments.size, 0)
  assert.match(out, /6144 MiB → 8192 MiB +rollback, before it ever counted/)
  assert.doesNotMatch(out, /waits for its next start|to be restarted/)
  assert.deepEqual(state(), before)
  const history = await host.qstate('history', '--json')
  assert.deepEqual(
    (JSON.parse(history.out) as { generation: number }[]).map((g) => g.generation),
    [2, 1],
  )
})

test('history tells the kinds of run apart; of a generation that does not say, it says nothing', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('adopt', '--yes', WINDOWS_10)
  await host.qstate('apply', '--yes', WINDOWS_10)
  await host.qstate('release', '--yes', 'win10-work')
  await host.qstate('rollback', '--yes', '2')
  const kindsIn = async (): Promise<unknown> =>
    (JSON.parse((await host.qstate('history', '--json')).out) as { kind: unknown; undoes?: unknown }[]).map(
      ({ kind, undoes }) => [kind, undoes],
    )
  assert.deepEqual(await kindsIn(), [
    ['rollback', [3, 2]],
    ['release', undefined],
    ['apply', undefined],
    ['adopt', undefined],
  ])
  assert.match(
    (await host.qstate('history')).out,
    / 4 .* rollback 2-3 .*\n.* 3 .* release .*\n.* 2 .* apply .*\n.* 1 .* adopt /,
  )
  const hosts = join(host.folder, 'state/hosts')
  const meta = join(hosts, readdirSync(hosts)[0] ?? '', 'generations/000001/meta.json')
  writeFileSync(meta, JSON.stringify({ who: 'root@dom0', at: '2026-01-01T00:00:00.000Z', pid: 1 }))
  assert.match((await host.qstate('history')).out, / 1 {2}2026-01-01 00:00 {2}- .* root@dom0/)
})

test('rollback leaves alone what someone else has changed since, and says so', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', WINDOWS_10)
  host.simulator.act(Buffer.from('admin.vm.property.Set+memory dom0 name win10-work\x003000'))
  const { code, out } = await host.qstate('rollback', '--yes')
  assert.equal(code, 3)
  assert.match(out, /! qube memory: changed since by someone else/)
  assert.equal(host.simulator.host.qubes.get('win10-work')?.properties.get('memory'), 3000)
})

test('SLIC: the template is written, noticed when edited, refused when foreign, and leaves no trace', async (t) => {
  const host = await simulatedHost(t)
  const template = join(`${host.socket}.dom0`, 'etc/qubes/templates/libvirt/xen/by-name/win7-oem.xml')
  const spec = join(host.folder, 'spec.yaml')
  const say = (slic: string): void => {
    writeFileSync(spec, `apiVersion: qstate/v1\nqubes:\n  win7-oem:\n    slic: ${slic}\n`)
  }
  say('host')
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  const text = readFileSync(template, 'utf8')
  assert.match(
    text,
    /^\{#[^\n]*#\}\{% extends 'libvirt\/xen\.xml' %\}\n\{% block os %\}\n\{\{ super\(\) \}\}\n/,
  )
  assert.match((await host.qstate('plan', spec)).out, /Nothing to do/)

  writeFileSync(template, text.replace('SLIC</table>', 'XXXX</table>'))
  assert.match(
    (await host.qstate('plan', spec)).out,
    /tables +edited by someone \([0-9a-f]{12}\) → host:SLIC +drift/,
  )
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  assert.equal(readFileSync(template, 'utf8'), text)

  say('{ tables: [host:SLIC, host:MSDM] }')
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  assert.equal(readFileSync(join(`${host.socket}.dom0`, 'var/lib/qstate/acpi/win7-oem.bin')).length, 374 + 85)
  say('off')
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  assert.equal(existsSync(template), false)
  assert.equal(existsSync(join(`${host.socket}.dom0`, 'var/lib/qstate/acpi/win7-oem.bin')), false)

  writeFileSync(template, "{% extends 'libvirt/xen.xml' %}\n")
  say('host')
  const foreign = await host.qstate('plan', spec)
  assert.equal(foreign.code, 1)
  assert.match(foreign.out, /win7-oem\.xml\s+was\s+written by someone else/)
})

test('SLIC: a host without the table, or with a broken one, is told at the plan', async (t) => {
  const host = await simulatedHost(t)
  const table = join(`${host.socket}.dom0`, 'sys/firmware/acpi/tables/SLIC')
  const bytes = readFileSync(table)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  writeFileSync(table, bytes)
  const { code, out } = await host.qstate('plan', 'examples/windows-7-oem.yaml')
  assert.equal(code, 1)
  assert.match(out, /! slic tables: the table host:SLIC cannot be used: its checksum is wrong/)
})

test('an invalid spec ends with 65, an unknown option with 64, a gone daemon with 1: each says what to do', async (t) => {
  const host = await simulatedHost(t)
  const bad = join(host.folder, 'bad.yaml')
  writeFileSync(bad, 'apiVersion: qstate/v1\nqubes:\n  win10-work:\n    audio: { model: ich9 }\n')
  const invalid = await host.qstate('apply', '--yes', bad)
  assert.equal(invalid.code, 65)
  assert.match(invalid.err, /bad\.yaml:4:21: error: unknown audio model "ich9"/)
  assert.equal(host.simulator.requests.length, 0)
  assert.equal((await host.qstate('plan', '--nonsense')).code, 64)
  const gone = await runCli(['plan', WINDOWS_10], { env: { QSTATE_SOCKET: join(host.folder, 'no.sock') } })
  assert.equal(gone.code, 1)
  assert.match(gone.err, /there is no socket/)
  const missing = await host.qstate('plan', 'no-such-file.yaml')
  assert.equal(missing.code, 65)
  assert.match(missing.err, /no-such-file\.yaml: there is no such file/)
})

test('a spec with errors is told also where there is no host', async (t) => {
  const host = await simulatedHost(t)
  const file = join(host.folder, 'wrong.yaml')
  writeFileSync(file, 'apiVersion: qstate/v1\nqubes: { win10-work: { audio: { model: ich7 } } }\n')
  for (const command of ['plan', 'apply', 'drift']) {
    const { code, err } = await host.qstateWith({ env: { QSTATE_SOCKET: '' } }, command, file)
    assert.equal(code, 65, `${command}: ${err}`)
    assert.match(err, /wrong\.yaml:2:\d+: error: .*ich7/)
  }
})

test('--json puts answers and errors alike on stdout, as JSON', async (t) => {
  const host = await simulatedHost(t)
  const applied = await host.qstate('apply', '--yes', '--json', WINDOWS_10)
  const report = JSON.parse(applied.out) as { exitCode: number; qubes: { status: string }[] }
  assert.deepEqual([report.exitCode, report.qubes[0]?.status], [0, 'applied'])
  const failed = await runCli(['plan', '--json', WINDOWS_10], {
    env: { QSTATE_SOCKET: join(host.folder, 'no.sock') },
  })
  assert.equal((JSON.parse(failed.out) as { error: { code: string } }).error.code, 'daemon-unreachable')
  const state = await host.qstate('show', '--json', 'win10-work')
  assert.equal((JSON.parse(state.out) as { name: string }[])[0]?.name, 'win10-work')
  JSON.parse((await host.qstate('devices', '--json')).out)
  JSON.parse((await host.qstate('schema')).out)
})

test('devices prints YAML that a spec can hold', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const host = await simulatedHost(t, { release })
    const { out } = await host.qstate('devices')
    const spec = join(host.folder, 'devices.yaml')
    mkdirSync(host.folder, { recursive: true })
    writeFileSync(spec, `apiVersion: qstate/v1\n${out}`)
    const { code, err } = await runCli(['validate', spec])
    assert.equal(code, 0, `${out}\n${err}`)
  }
})

for (const release of ['4.3', '4.4'] as const) {
  test(`devices prints any words of a device as names that a spec can hold: ${release}`, async (t) => {
    const host = await simulatedHost(t, { release })
    const words = [
      'Null',
      'true',
      'No',
      'y',
      'off',
      'denied',
      'NaN',
      '12',
      '~',
      '---',
      '__proto__',
      'constructor',
      '',
    ]
    host.simulator.host.usb.set(
      'sys-usb',
      words.map((product, index) => ({
        vendor_product: '1234:5678',
        interfaces: ['080650'],
        name: null,
        vendor: null,
        product,
        manufacturer: null,
        serial: null,
        port: `7-${index + 1}`,
      })),
    )
    const { out } = await host.qstate('devices')
    const spec = join(host.folder, 'devices.yaml')
    writeFileSync(spec, `apiVersion: qstate/v1\n${out}`)
    const { code, err } = await runCli(['validate', spec])
    assert.equal(code, 0, `${out}\n${err}`)
    assert.equal(out.match(/^ +port:/gm)?.length, words.length)
    assert.doesNotMatch(out, / $/m)
  })
}

test('devices prints a device whose identity Qubes cannot name by its port', async (t) => {
  const host = await simulatedHost(t, { release: '4.3' })
  const shown = {
    vendor_product: '1234:5678',
    interfaces: ['080650'],
    name: 'Odd',
    vendor: null,
    product: null,
    manufacturer: null,
  }
  const serials = [
    'AB CD',
    'A+B:C*D',
    '________',
    `x device_id='1:2::u0' port_id='9-9' a='`,
    'x device_id= y',
  ]
  host.simulator.host.usb.set(
    'sys-usb',
    serials.map((serial, index) => ({ ...shown, port: `7-${index + 1}`, serial })),
  )
  const { out } = await host.qstate('devices')
  const spec = join(host.folder, 'devices.yaml')
  writeFileSync(spec, `apiVersion: qstate/v1\n${out}`)
  const { code, err } = await runCli(['validate', spec])
  assert.equal(code, 0, `${out}\n${err}`)
  assert.equal(out.match(/Qubes cannot name its identity/g)?.length, serials.length, out)
  assert.doesNotMatch(out, /^ +(?:identity:|port: "9-9")/m)
})

test('a narrow terminal without colour gets no line that is wider than it', async (t) => {
  const host = await simulatedHost(t, { fixture: 'examples/hosts/office.json' })
  const { out } = await host.qstateWith({ columns: 60 }, 'plan', 'examples/office.yaml')
  const wide = out
    .split('\n')
    .filter(
      (line) =>
        line.length > 60 &&
        !line.includes('usb') &&
        !line.includes('sys-usb') &&
        !line.startsWith('office · '),
    )
  assert.deepEqual(wide, [])
  assert.doesNotMatch(out, /\u001b/)
  const colored = await host.qstateWith({ terminal: true }, 'plan', 'examples/office.yaml')
  assert.match(colored.out, /\u001b\[/)
  const plain = await host.qstateWith({ terminal: true }, '--no-color', 'plan', 'examples/office.yaml')
  assert.doesNotMatch(plain.out, /\u001b/)
})

test('-v tells calls and never values', async (t) => {
  const host = await simulatedHost(t)
  const { err } = await host.qstate('-v', 'apply', '--yes', WINDOWS_10)
  assert.match(err, /admin\.vm\.feature\.Set\+timezone on win10-work \(9 bytes\): answered/)
  assert.doesNotMatch(err, /localtime|alice/)
  const json = await host.qstate('-v', '--log-format', 'json', 'plan', WINDOWS_10)
  for (const line of json.err.trim().split('\n')) JSON.parse(line)
})

test('completions name every command', async () => {
  const help = (await runCli(['--help'])).out
  const commands = [...help.matchAll(/^ {2}([a-z]+) (?:\[|<| )/gm)].map((match) => match[1] ?? '')
  assert.ok(commands.length >= 12)
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { out } = await runCli(['completion', shell])
    for (const command of commands) assert.ok(out.includes(command), `${shell} lacks ${command}`)
  }
  assert.equal((await runCli(['completion', 'tcsh'])).code, 64)
})

test('what waits for a restart is listed until the qube has been restarted', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', WINDOWS_10)
  const waiting = async (): Promise<readonly string[]> => {
    const { code, out } = await host.qstate('status', '--json', WINDOWS_10)
    assert.equal(code, 0)
    return (JSON.parse(out) as { qubes: { waiting: string[] }[] }).qubes.flatMap((qube) => qube.waiting)
  }
  assert.ok((await waiting()).includes('qube/memory'))
  assert.match((await host.qstate('plan', WINDOWS_10)).out, /waiting for its next start: audio\s+audiovm/)
  host.simulator.clearLog()
  await host.qstate('apply', '--yes', WINDOWS_10)
  assert.equal(host.simulator.writes(), 0, 'that something waits is no reason to write')

  host.simulator.act(Buffer.from('admin.vm.Shutdown dom0 name win10-work\x00'))
  assert.deepEqual(await waiting(), [])
  host.simulator.act(Buffer.from('admin.vm.Start dom0 name win10-work\x00'))
  assert.deepEqual(await waiting(), [])
  host.simulator.clearLog()
  await host.qstate('apply', '--yes', WINDOWS_10)
  assert.equal(host.simulator.writes(), 0, 'and neither is that it waits no longer')
})

test('the schema beside the spec is what `qstate schema` prints', async () => {
  assert.equal(readFileSync('spec/manifest.schema.json', 'utf8'), (await runCli(['schema'])).out)
})

test('a plan may be called anything, and overwrites nothing but a plan', async (t) => {
  const host = await simulatedHost(t)
  const file = join(host.folder, 'my.plan')
  assert.equal((await host.qstate('plan', WINDOWS_10, '-o', file)).code, 0)
  assert.equal((await host.qstate('plan', WINDOWS_10, '-o', file)).code, 0)
  assert.equal((await host.qstate('apply', '--yes', file)).code, 0)
  writeFileSync(file, 'precious\n')
  const refused = await host.qstate('plan', WINDOWS_10, '-o', file)
  assert.equal(refused.code, 64)
  assert.equal(readFileSync(file, 'utf8'), 'precious\n')
})

test('targets and configurations are given one by one, and swallow no path', async (t) => {
  const host = await simulatedHost(t)
  const { code, out } = await host.qstate('plan', '-t', 'win10-work', '-t', 'win10-home', WINDOWS_10)
  assert.equal(code, 0)
  assert.match(out, /win10-work/)
  assert.equal((await host.qstate('-c', WINDOWS_10, 'plan')).code, 0)
})

test('a qube that does not tell its tags is passed over with a warning, and the rest is planned', async (t) => {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  writeFileSync(spec, 'apiVersion: qstate/v1\nselect:\n  - match: { tag: work }\n    qube: { vcpus: 3 }\n')
  host.simulator.setFaults([{ match: { method: 'admin.vm.tag.Get', dest: 'sys-net' }, do: 'refuse' }])
  const { code, out, err } = await host.qstate('plan', spec)
  assert.equal(code, 0)
  assert.match(err, /warning: the tags of sys-net cannot be read, so no selector matches it/)
  assert.match(out, /2 changes .* in 2 qubes/)
})

test('devices says when a backend could not be read, and never that it has nothing', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([
    { match: { method: 'admin.vm.device.usb.Available', dest: 'sys-usb' }, do: 'refuse' },
  ])
  const { code, out, err } = await host.qstate('devices')
  assert.equal(code, 1)
  assert.equal(out, '')
  assert.match(err, /admin\.vm\.device\.usb\.Available on sys-usb: refused/)
})

test('the same daemon by another name of its socket has the same history', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', WINDOWS_10)
  const other = join(host.folder, '.', '..', host.folder.split('/').at(-1) ?? '', 'qubesd.sock')
  const { out } = await host.qstateWith(
    { env: { QSTATE_SOCKET: `${host.folder}/../${other.split('/').at(-2) ?? ''}/qubesd.sock` } },
    'history',
    '--json',
  )
  assert.equal((JSON.parse(out) as unknown[]).length, 1)
})

test('a plan is saved over nothing but a plan, whatever the name ends in', async (t) => {
  const host = await simulatedHost(t)
  for (const text of ['{"name":"my-app"}\n', '[1,2]\n', '{"schema":"other"}\n']) {
    const file = join(host.folder, 'package.json')
    writeFileSync(file, text)
    assert.equal((await host.qstate('plan', WINDOWS_10, '-o', file)).code, 64)
    assert.equal(readFileSync(file, 'utf8'), text)
  }
})

test('a target that there is not is a mistake, with the nearest name', async (t) => {
  const host = await simulatedHost(t)
  const wrong = await host.qstate('apply', '--yes', '-t', 'win10-wrok', WINDOWS_10)
  assert.equal(wrong.code, 64)
  assert.match(wrong.err, /there is no qube “win10-wrok”\n\s+did you mean win10-work\?/)
  assert.equal((await host.qstate('plan', '-t', 'tag:nosuch', WINDOWS_10)).code, 64)
  host.simulator.clearLog()
  for (const tag of ['', 'a b', 'a.b']) {
    const { code, err } = await host.qstate('plan', '-t', `tag:${tag}`, WINDOWS_10)
    assert.equal(code, 64)
    assert.match(err, /is no target\n\s+a target is QUBE, QUBE\/AREA, tag:TAG or area:AREA; .*\n.*tag/)
  }
  assert.ok(host.simulator.requests.every(({ method }) => method !== 'admin.vm.tag.Get'))
})

const TAGS = ['2024', '-', '-x']

for (const release of ['4.3', '4.4'] as const) {
  test(`a tag may begin with a digit or a hyphen, in a spec, a selector and a target: ${release}`, async (t) => {
    const host = await simulatedHost(t, { release })
    const spec = join(host.folder, 'spec.yaml')
    const selectors = TAGS.map(
      (tag) => `  - { match: { tag: "${tag}" }, qube: { features: { "of${tag}": 1 } } }\n`,
    )
    writeFileSync(
      spec,
      `apiVersion: qstate/v1\nqubes:\n  win10-work: { tags: ["2024", "-", -x] }\nselect:\n${selectors.join('')}`,
    )
    assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
    const qube = host.simulator.host.qubes.get('win10-work')
    assert.ok(qube)
    for (const tag of TAGS) {
      assert.ok(qube.tags.has(tag))
      const { code, out } = await host.qstate('apply', '--yes', '-t', `tag:${tag}`, spec)
      assert.equal(code, 0, out)
      assert.equal(qube.features.get(`of${tag}`), '1')
    }
  })
}

test('a qube that has the empty tag still tells the others', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.act(Buffer.from('admin.vm.tag.Set+ dom0 name win10-work\0'))
  const spec = join(host.folder, 'spec.yaml')
  writeFileSync(spec, 'apiVersion: qstate/v1\nqubes:\n  win10-work: { tags: [one, two] }\n')
  const { code, out } = await host.qstate('apply', '--yes', spec)
  assert.equal(code, 0, out)
  const imported = await host.qstate('import', 'win10-work')
  assert.match(imported.out, /tags of win10-work left out: "" is not a tag/)
})

test('what an apply did not come to is not called drift by the next plan', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { writesOnly: true }, after: 3, do: 'die-before' }])
  const cut = await host.qstate('apply', '--yes', WINDOWS_10)
  assert.equal(cut.code, 3)
  host.simulator.setFaults([])
  await host.simulator.restart()
  const { out } = await host.qstate('plan', WINDOWS_10)
  assert.match(out, /Plan: 6 changes \(6 new\)/)
  assert.doesNotMatch(out, /drift/)
})

test('a qube that is dropped whole is named in the last line, and what may give it a network too', async (t) => {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  host.simulator.host.qubes.get('win7-oem')?.properties.delete('netvm')
  writeFileSync(spec, 'apiVersion: qstate/v1\nname: laptop\nqubes:\n  win7-oem: { qube: { netvm: off } }\n')
  await host.qstate('apply', '--yes', spec)
  writeFileSync(spec, 'apiVersion: qstate/v1\nname: laptop\nqubes: {}\n')
  const { out } = await host.qstate('plan', spec)
  assert.match(out.trim().split('\n').at(-1) ?? '', /--allow-withdraw win7-oem\.$/)
  assert.match(
    out.replace(/\s+/g, ' '),
    /Consent needed: 1 value of win7-oem \(all that qstate owns there\) will be withdrawn/,
  )
  assert.match(out, /a qube without network may get one/)
})

test('release says that it gives up, not that it takes over', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('adopt', '--yes', WINDOWS_10)
  assert.match((await host.qstate('release', '--yes', 'win10-work')).out, /✓ win10-work {2}given up/)
})

test('help tells of a command what its --help tells, and names the nearest where there is none', async () => {
  for (const words of [['plan'], ['rollout', 'start'], ['agent', 'suspend'], []]) {
    const told = await runCli(['help', ...words])
    assert.deepEqual(told, await runCli([...words, '--help']))
    assert.equal(told.code, 0)
    assert.match(told.out, new RegExp(`^Usage: qstate ${words.join(' ')}`))
  }
  assert.deepEqual(await runCli(['agent', 'help', 'suspend']), await runCli(['help', 'agent', 'suspend']))
  const unknown = await runCli(['help', 'plam'])
  assert.equal(unknown.code, 64)
  assert.match(unknown.err, /there is no command “plam”[^]*did you mean plan\?/)
})

test('a mistake on the command line is JSON where that is asked for, and has the same exit code', async () => {
  const CASES = [
    [['plan', '--foo'], /unknown option '--foo'/],
    [['plam'], /unknown command 'plam'/],
    [['rollback', '1', '2'], /too many arguments/],
    [['simulator', '--release', '5'], /argument '5' is invalid/],
    [['policy'], /required option '--qube/],
    [['rollout'], /no command is named/],
    [[], /no command is named/],
  ] as const
  for (const [argv, message] of CASES) {
    for (const line of [
      ['--json', ...argv],
      [...argv, '--json'],
    ]) {
      const { code, out, err } = await runCli(line)
      assert.equal(code, 64, out + err)
      const { error } = JSON.parse(out) as { error: Record<string, string> }
      assert.equal(error['code'], 'usage')
      assert.match(error['message'] ?? '', message)
      assert.equal(err, '')
    }
    assert.equal((await runCli(argv)).out, '')
  }
})
