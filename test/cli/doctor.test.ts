import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Finding } from '../../app/doctor/check.ts'
import { type Mode, usbAssign } from '../../qubesd/calls.ts'
import { act } from '../support/requests.ts'
import { differences, takeSnapshot } from '../support/snapshot.ts'
import { type Host, simulatedHost } from './run-cli.ts'
import { isCode } from '../../spec/diagnostics/codes.ts'
import { type SimulatedVersion } from '../../simulator/index.ts'

const RELEASES: readonly SimulatedVersion[] = ['4.3', '4.4']
const BY_NAME = 'etc/qubes/templates/libvirt/xen/by-name'
const SECRET = 'FAKE0'

interface Told {
  readonly release: string | null
  readonly examined: readonly {
    readonly qube: string | null
    readonly findings: readonly Finding[]
  }[]
}

interface Scene {
  readonly host: Host
  readonly release: SimulatedVersion
  readonly feature: (qube: string, name: string, value: string | null) => void
  readonly property: (qube: string, name: string, value: string) => void
  readonly assign: (qube: string, device: string, mode?: Mode) => void
  readonly file: (path: string, content: string | Buffer) => void
  readonly spec: (yaml: string) => string
}

/** A host on which nothing is amiss: Windows Tools everywhere, and the full image in dom0. */
async function healthy(t: TestContext, release: SimulatedVersion): Promise<Scene> {
  const host = await simulatedHost(t, { release })
  const scene: Scene = {
    host,
    release,
    feature(qube, name, value) {
      const method = value === null ? 'admin.vm.feature.Remove' : 'admin.vm.feature.Set'
      act(host.simulator, { dest: qube, method, arg: name, payload: value ?? '' })
    },
    property(qube, name, value) {
      act(host.simulator, { dest: qube, method: 'admin.vm.property.Set', arg: name, payload: value })
    },
    assign(qube, device, mode = 'auto-attach') {
      const [backend = '', rest = ''] = device.split('+')
      const [port = '', ...identity] = rest.split(':')
      act(host.simulator, usbAssign(qube, { backend, port, identity: identity.join(':') }, mode))
    },
    file(path, content) {
      const full = join(`${host.socket}.dom0`, path)
      mkdirSync(dirname(full), { recursive: true })
      writeFileSync(full, content)
    },
    spec(yaml) {
      const path = join(host.folder, 'spec.yaml')
      writeFileSync(path, `apiVersion: qstate/v1\n${yaml}`)
      return path
    },
  }
  for (const qube of ['win7-oem', 'win10-home']) {
    scene.feature(qube, 'qrexec', '1')
    scene.property(qube, 'qrexec_timeout', '6000')
  }
  for (const part of ['kernel', 'rootfs'])
    scene.file(`usr/libexec/xen/boot/qemu-stubdom-linux-full-${part}`, '')
  return scene
}

/** Runs the doctor as JSON, and proves that it wrote nothing. */
async function consult(scene: Scene, ...argv: string[]): Promise<Told & { code: number; text: string }> {
  const { host } = scene
  const before = takeSnapshot(host.simulator, `${host.socket}.dom0`)
  host.simulator.clearLog()
  const { code, out, err } = await host.qstate('--json', 'doctor', ...argv)
  assert.equal(host.simulator.writes(), 0)
  assert.deepEqual(differences(before, takeSnapshot(host.simulator, `${host.socket}.dom0`)), [])
  assert.doesNotMatch(out + err, new RegExp(SECRET))
  return { ...(JSON.parse(out) as Told), code, text: out }
}

const foundIn = (finding: Finding): string =>
  finding.verdict === 'ok' ? finding.found : finding.problem.message

const notOk = (told: Told): string[] =>
  told.examined.flatMap(({ qube, findings }) =>
    findings
      .filter(({ verdict }) => verdict !== 'ok')
      .map((one) => `${qube ?? 'host'} ${one.check} ${one.verdict}: ${foundIn(one)}`),
  )

for (const release of RELEASES) {
  test(`a healthy host on ${release}: a line for each qube, and exit code 0`, async (t) => {
    const scene = await healthy(t, release)
    const told = await consult(scene)
    assert.deepEqual(notOk(told), [])
    assert.equal(told.code, 0)
    assert.equal(told.release, release)
    const { code, out } = await scene.host.qstate('doctor')
    assert.equal(code, 0)
    assert.match(out, /^✓ host {2}.*Qubes 4\.\d {2}11 checks, all well$/m)
    assert.match(out, /^✓ win10-work {2}StandaloneVM, running {2}15 checks, all well$/m)
    assert.match(out, /\nNo problem\.\n$/)
  })
}

interface Case {
  readonly name: string
  readonly arrange: (scene: Scene) => void
  /** A spec to give; without one the host alone is looked at. */
  readonly spec?: string
  readonly qube: string | null
  readonly check: string
  readonly verdict: 'warning' | 'problem' | 'unknown'
  readonly found: RegExp
  readonly fix: RegExp
}

const WORK = 'win10-work'
const HOME = 'win10-home'
const STICK = 'sys-usb+3-1:*'
const nothing = (): undefined => undefined
const feature =
  (qube: string, name: string, value: string | null) =>
  (scene: Scene): void => {
    scene.feature(qube, name, value)
  }
const property =
  (qube: string, name: string, value: string) =>
  (scene: Scene): void => {
    scene.property(qube, name, value)
  }
const file =
  (path: string, content: string) =>
  (scene: Scene): void => {
    scene.file(path, content)
  }
const slicSpec = 'qubes:\n  win7-oem: { extends: windows-7, slic: host }\n'
const record = (version: number, uuid: string): string =>
  JSON.stringify({ v: version, uuid, at: '2026-01-01T00:00:00Z', set: {} })

const CASES: readonly Case[] = [
  {
    name: 'a qube of the spec that does not exist',
    arrange: nothing,
    spec: 'qubes:\n  win12: { extends: windows-11 }\n',
    qube: null,
    check: 'windows-qubes',
    verdict: 'problem',
    found: /the spec names win12, and there is no such qube/,
    fix: /create it/,
  },
  {
    name: 'an image that is not installed, where qubes ask for sound',
    arrange: ({ host }) => {
      rmSync(`${host.socket}.dom0/usr/libexec/xen/boot/qemu-stubdom-linux-full-rootfs`)
    },
    qube: null,
    check: 'stubdomain-image',
    verdict: 'problem',
    found: /dom0 lacks the full stubdomain image .*win10-work.* will not start with sound or USB/,
    fix: /qubes-dom0-update xen-hvm-stubdom-linux-full/,
  },
  {
    name: 'a stand-in for dom0 without the folder of the image',
    arrange: ({ host }) => {
      rmSync(`${host.socket}.dom0/usr/libexec`, { recursive: true })
    },
    qube: null,
    check: 'stubdomain-image',
    verdict: 'unknown',
    found: /this stand-in for dom0 has no \/usr\/libexec\/xen\/boot/,
    fix: /nothing to do/,
  },
  {
    name: 'a SLIC table that is cut short',
    arrange: file('sys/firmware/acpi/tables/SLIC', 'SLIC'),
    qube: null,
    check: 'host-tables',
    verdict: 'warning',
    found: /SLIC: it has 4 bytes/,
    fix: /unchecked/,
  },
  {
    name: 'a SLIC table that the spec wants and that is not there',
    arrange: ({ host }) => {
      rmSync(`${host.socket}.dom0/sys/firmware/acpi/tables/SLIC`)
    },
    spec: slicSpec,
    qube: null,
    check: 'host-tables',
    verdict: 'problem',
    found: /SLIC: this machine has none/,
    fix: /slic: off/,
  },
  {
    name: 'an MSDM table that is damaged, without its contents',
    arrange: file('sys/firmware/acpi/tables/MSDM', `MSDM${'\0'.repeat(52)}${SECRET}`),
    qube: null,
    check: 'host-tables',
    verdict: 'warning',
    found: /MSDM: its header says 0 bytes, and it has 61/,
    fix: /unchecked/,
  },
  {
    name: 'a template that someone else wrote',
    arrange: file(`${BY_NAME}/${HOME}.xml`, "{% extends 'libvirt/xen.xml' %}"),
    qube: null,
    check: 'libvirt-templates',
    verdict: 'warning',
    found: /win10-home\.xml was written by someone else/,
    fix: /move it away/,
  },
  {
    name: 'a template that someone else wrote, where the spec wants slic',
    arrange: file(`${BY_NAME}/win7-oem.xml`, "{% extends 'libvirt/xen.xml' %}"),
    spec: slicSpec,
    qube: null,
    check: 'libvirt-templates',
    verdict: 'problem',
    found: /win7-oem\.xml was written by someone else/,
    fix: /move it away/,
  },
  {
    name: 'a template with the mistake of the well-known recipe',
    arrange: file(
      `${BY_NAME}/${HOME}.xml`,
      "{% extends 'libvirt/xen.xml' %}{% block os %}{% super() %}{% endblock %}",
    ),
    qube: null,
    check: 'libvirt-templates',
    verdict: 'problem',
    found: /says \{% super\(\) %\}, .*win10-home does not start/,
    fix: /\{\{ super\(\) \}\}/,
  },
  {
    name: 'a template that was edited after qstate wrote it',
    arrange: file(`${BY_NAME}/${HOME}.xml`, '{# Managed by qstate: once upon a time #}'),
    qube: null,
    check: 'libvirt-templates',
    verdict: 'warning',
    found: /win10-home\.xml was edited since qstate wrote it/,
    fix: /qstate plan/,
  },
  {
    name: 'a template of a qube that is gone',
    arrange: file(`${BY_NAME}/win-gone.xml`, ''),
    qube: null,
    check: 'libvirt-templates',
    verdict: 'warning',
    found: /win-gone\.xml is of a qube that does not exist/,
    fix: /sudo rm/,
  },
  {
    name: 'a backend that is not running',
    arrange: ({ host, assign }) => {
      assign(WORK, STICK)
      act(host.simulator, { dest: 'sys-usb', method: 'admin.vm.Kill', arg: '', payload: '' })
    },
    qube: null,
    check: 'usb-backends',
    verdict: 'warning',
    found: /sys-usb is not running/,
    fix: /qvm-start sys-usb/,
  },
  {
    name: 'a backend that shows no device',
    arrange: nothing,
    spec: `qubes:\n  ${WORK}: { stubdom: { qrexec: true }, usb: { "sys-net+1-1:*": auto-attach } }\n`,
    qube: null,
    check: 'usb-backends',
    verdict: 'warning',
    found: /sys-net shows no USB device/,
    fix: /qubes-usb-proxy/,
  },
  {
    name: 'a backend that does not exist',
    arrange: nothing,
    spec: `qubes:\n  ${WORK}: { stubdom: { qrexec: true }, usb: { "sys-usb2+1-1:*": auto-attach } }\n`,
    qube: null,
    check: 'usb-backends',
    verdict: 'problem',
    found: /devices of sys-usb2 are assigned, and there is no such qube/,
    fix: /qstate devices/,
  },
  {
    name: 'a device that is assigned from no qube in particular',
    arrange: ({ host }) => {
      const device = {
        dest: WORK,
        method: 'admin.vm.device.usb.Assign',
        arg: '_+_+0781+5581+STICK0003+u080650',
      }
      act(host.simulator, { ...device, payload: "mode='auto-attach'" })
    },
    qube: null,
    check: 'usb-backends',
    verdict: 'warning',
    found: /^\*\+\*:0781:5581:STICK0003:u080650 is assigned to win10-work from no qube: Qubes never finds it/,
    fix: /sys-usb/,
  },
  {
    name: 'a device that two qubes take by themselves',
    arrange: ({ assign, feature: set }) => {
      set(HOME, 'stubdom-qrexec', '1')
      assign(WORK, STICK)
      assign(HOME, STICK)
    },
    qube: null,
    check: 'contested-devices',
    verdict: 'warning',
    found: /^sys-usb\+3-1:\* is attached by itself to win10-home and to win10-work/,
    fix: /ask-to-attach/,
  },
  {
    name: 'a required device that is not plugged in',
    arrange: ({ assign }) => {
      assign(WORK, 'sys-usb+*:dead:beef::u0e0100', 'required')
    },
    qube: WORK,
    check: 'required-devices',
    verdict: 'problem',
    found: /dead:beef::u0e0100 is required, and it is not plugged in: the qube does not start/,
    fix: /auto-attach/,
  },
  {
    name: 'a qube that is not HVM',
    arrange: property(HOME, 'virt_mode', 'pvh'),
    qube: HOME,
    check: 'virt-mode',
    verdict: 'problem',
    found: /virt_mode is pvh: Windows needs hvm/,
    fix: /qvm-prefs win10-home virt_mode hvm/,
  },
  {
    name: 'memory that is balanced',
    arrange: property(HOME, 'maxmem', '8192'),
    qube: HOME,
    check: 'balancing',
    verdict: 'problem',
    found: /maxmem 8192\): Windows crashes/,
    fix: /maxmem 0/,
  },
  {
    name: 'little memory',
    arrange: property(HOME, 'memory', '2048'),
    qube: HOME,
    check: 'memory',
    verdict: 'warning',
    found: /2048 MiB of memory/,
    fix: /memory 4096/,
  },
  ...['ich9', 'banana', 'usb', 'pcspk', 'ich7'].map((model): Case => ({
    name: `the sound card ${model}`,
    arrange: feature(WORK, 'audio-model', model),
    qube: WORK,
    check: 'audio-model',
    verdict: 'problem',
    found: new RegExp(`audio-model is "${model}", which libvirt of Qubes refuses: the qube does not start`),
    fix: /audio: ich6/,
  })),
  {
    name: 'a 0 that is not off',
    arrange: feature(WORK, 'audio-model', '0'),
    qube: WORK,
    check: 'audio-model',
    verdict: 'problem',
    found: /0 is not off: the qube does not start/,
    fix: /audio: off/,
  },
  {
    name: 'a silent sound card',
    arrange: feature(WORK, 'audio-model', 'ac97'),
    qube: WORK,
    check: 'audio-model',
    verdict: 'warning',
    found: /likely silent/,
    fix: /audio: ich6/,
  },
  {
    name: 'a value that an app qube has from its template',
    arrange: feature('win11-template', 'audio-model', 'ich9'),
    qube: 'win11-office',
    check: 'audio-model',
    verdict: 'problem',
    found: /ich9/,
    fix: /it is so in its template win11-template: fix it there/,
  },
  {
    name: 'an audio qube that is not running',
    arrange: ({ host, property: set }) => {
      set(WORK, 'audiovm', 'sys-audio')
      act(host.simulator, { dest: 'sys-audio', method: 'admin.vm.Kill', arg: '', payload: '' })
    },
    qube: WORK,
    check: 'audiovm',
    verdict: 'problem',
    found: /its audio qube sys-audio is not running, and has to be when it starts: the qube does not start/,
    fix: /qvm-start sys-audio/,
  },
  {
    name: 'no audio qube',
    arrange: property(WORK, 'audiovm', ''),
    qube: WORK,
    check: 'audiovm',
    verdict: 'warning',
    found: /no audiovm/,
    fix: /audiovm dom0/,
  },
  {
    name: 'a stubdomain of old',
    arrange: feature(WORK, 'linux-stubdom', ''),
    qube: WORK,
    check: 'linux-stubdom',
    verdict: 'problem',
    found: /linux-stubdom is off: sound and USB, which are asked for, are not there/,
    fix: /--unset win10-work linux-stubdom/,
  },
  {
    name: 'a stubdomain of old where nothing is asked of it',
    arrange: feature(HOME, 'linux-stubdom', ''),
    qube: HOME,
    check: 'linux-stubdom',
    verdict: 'warning',
    found: /neither sound nor USB/,
    fix: /linux: inherit/,
  },
  {
    name: 'a device for a stubdomain without qrexec',
    arrange: ({ assign }) => {
      assign(HOME, STICK)
    },
    qube: HOME,
    check: 'stubdom-qrexec',
    verdict: 'problem',
    found: /stubdom-qrexec is off, and a USB device is assigned/,
    fix: /stubdom-qrexec 1/,
  },
  {
    name: 'a timezone that means UTC',
    arrange: feature(WORK, 'timezone', '+3600'),
    qube: WORK,
    check: 'timezone',
    verdict: 'warning',
    found: /timezone is “\+3600”: Qubes takes it for UTC/,
    fix: /localtime/,
  },
  {
    name: 'two screens',
    arrange: feature(WORK, 'gui-emulated', '1'),
    qube: WORK,
    check: 'gui',
    verdict: 'warning',
    found: /both on/,
    fix: /gui-emulated/,
  },
  {
    name: 'no screen',
    arrange: ({ feature: set }) => {
      set(WORK, 'gui', '')
      set(WORK, 'gui-emulated', '')
    },
    qube: WORK,
    check: 'gui',
    verdict: 'warning',
    found: /both off/,
    fix: /gui-emulated 1/,
  },
  {
    name: 'no Windows Tools',
    arrange: feature(HOME, 'qrexec', null),
    qube: HOME,
    check: 'windows-tools',
    verdict: 'warning',
    found: /have not been seen/,
    fix: /install them/,
  },
  {
    name: 'a short time-out',
    arrange: property(WORK, 'qrexec_timeout', '60'),
    qube: WORK,
    check: 'qrexec-timeout',
    verdict: 'warning',
    found: /qrexec_timeout is 60 s/,
    fix: /6000/,
  },
  {
    name: 'the record of another qube',
    arrange: feature(WORK, 'qstate.applied', record(1, '00000000-0000-4000-8000-000000000099')),
    qube: WORK,
    check: 'ownership-record',
    verdict: 'warning',
    found: /record of another qube/,
    fix: /next apply/,
  },
  {
    name: 'a record of a newer qstate',
    arrange: feature(WORK, 'qstate.applied', record(3, '')),
    qube: WORK,
    check: 'ownership-record',
    verdict: 'problem',
    found: /version 3, and this qstate knows 2: use a newer qstate: qstate plans nothing here/,
    fix: /qvm-features/,
  },
  {
    name: 'a record that is none',
    arrange: feature(WORK, 'qstate.applied', 'hello'),
    qube: WORK,
    check: 'ownership-record',
    verdict: 'problem',
    found: /not JSON/,
    fix: /--unset/,
  },
  {
    name: 'properties that cannot be read are unknown, not at fault',
    arrange: ({ host }) => {
      host.simulator.setFaults([{ match: { method: 'admin.vm.property.Get*', dest: WORK }, do: 'refuse' }])
    },
    qube: WORK,
    check: 'virt-mode',
    verdict: 'unknown',
    found: /admin\.vm\.property\.Get\+virt_mode on win10-work: refused/,
    fix: /policy line/,
  },
  {
    name: 'one property that cannot be read, and all that can',
    arrange: ({ host }) => {
      host.simulator.setFaults([
        { match: { method: 'admin.vm.property.GetAll', dest: WORK }, do: 'refuse' },
        { match: { method: 'admin.vm.property.Get', arg: 'kernel', dest: WORK }, do: 'refuse' },
      ])
    },
    qube: WORK,
    check: 'kernel',
    verdict: 'unknown',
    found: /admin\.vm\.property\.Get\+kernel on win10-work: refused/,
    fix: /policy line/,
  },
]

for (const release of RELEASES) {
  test(`on ${release} a property that qubesd fails over hides no other`, async (t) => {
    const scene = await healthy(t, release)
    scene.property(WORK, 'guivm', HOME)
    scene.property(HOME, 'guivm', WORK)
    scene.property(WORK, 'memory', '1000')
    const told = await consult(scene)
    assert.deepEqual(notOk(told), [
      'win10-work memory warning: 1000 MiB of memory: the documentation gives Windows 4096 to 8192',
    ])
  })
}

for (const release of RELEASES) {
  for (const one of CASES) {
    test(`on ${release} it finds: ${one.name}`, async (t) => {
      const scene = await healthy(t, release)
      one.arrange(scene)
      const told = await consult(scene, ...(one.spec === undefined ? [] : [scene.spec(one.spec)]))
      const findings = told.examined.find(({ qube }) => qube === one.qube)?.findings ?? []
      const finding = findings.find((each) => each.check === one.check && one.found.test(foundIn(each)))
      assert.ok(finding !== undefined && finding.verdict !== 'ok', notOk(told).join('\n'))
      assert.equal(finding.verdict, one.verdict)
      assert.ok(isCode(finding.problem.code), finding.problem.code)
      assert.match(finding.problem.hint, one.fix)
      assert.equal(told.code, notOk(told).some((line) => / problem: /.test(line)) ? 1 : 0)
    })
  }
}

test('a kernel of the host is a problem', async (t) => {
  const scene = await healthy(t, '4.3')
  // The simulated dom0 has no kernel to set; what is set by hand in qubes.xml comes out all the same.
  scene.host.simulator.host.qubes.get(HOME)?.properties.set('kernel', '6.12.1')
  const told = await consult(scene)
  assert.deepEqual(notOk(told), [
    'win10-home kernel problem: the qube is started with the kernel “6.12.1”, and Windows boots from its own disk',
  ])
})

test('a disposable for one use is looked at where the spec names it, one that stays always', async (t) => {
  const scene = await healthy(t, '4.3')
  const send = (call: string, payload = ''): void => {
    scene.host.simulator.act(Buffer.from(`${call}\0${payload}`))
  }
  scene.property('win11-office', 'template_for_dispvms', 'True')
  send('admin.vm.Create.DispVM+win11-office dom0 name dom0', 'name=disp12 label=red')
  send('admin.vm.Create.DispVM+win11-office dom0 name dom0', 'name=win-disp label=red')
  const examined = async (...argv: string[]): Promise<readonly (string | null)[]> =>
    (await consult(scene, ...argv)).examined.map(({ qube }) => qube).filter((name) => /disp/.test(name ?? ''))
  assert.deepEqual(await examined(), ['win-disp'])
  assert.deepEqual(await examined(scene.spec('qubes: { disp12: { qube: { features: { x: 1 } } } }\n')), [
    'disp12',
    'win-disp',
  ])
})

test('a qube of another host is not looked at, whatever its tags say', async (t) => {
  const scene = await healthy(t, '4.3')
  const send = (call: string, payload = ''): void => {
    scene.host.simulator.act(Buffer.from(`${call}\0${payload}`))
  }
  send('admin.vm.Create.RemoteVM dom0 name dom0', 'name=win-remote label=red')
  send('admin.vm.tag.Set+windows dom0 name win-remote')
  const told = await consult(scene)
  assert.deepEqual(notOk(told), [])
  assert.ok(told.examined.every(({ qube }) => qube !== 'win-remote'))
})

test('no Windows qube, and qubes that would not say', async (t) => {
  const scene = await healthy(t, '4.3')
  scene.host.simulator.setFaults([
    { match: { method: 'admin.vm.feature.*' }, do: 'refuse' },
    { match: { method: 'admin.vm.tag.Get' }, do: 'refuse' },
  ])
  const told = await consult(scene)
  assert.match(notOk(told).join('\n'), /windows-qubes unknown: \S+, .* and 8 more would not say/)
  assert.match(notOk(told).join('\n'), /windows-qubes warning: no Windows qube/)
  assert.equal(told.code, 0)
})

test('nobody answers: one problem, told as such', async (t) => {
  const scene = await healthy(t, '4.3')
  await scene.host.simulator.close()
  const { code, out } = await scene.host.qstate('doctor')
  assert.equal(code, 1)
  assert.match(out, /^✗ host {2}not reached\n {4}✗ daemon: admin\.vm\.List on dom0: /)
  assert.match(out, /\n1 problem\.\n$/)
})

test('a daemon that goes away in the middle is told, too', async (t) => {
  const scene = await healthy(t, '4.3')
  scene.host.simulator.setFaults([{ match: { method: 'admin.vm.property.GetAll' }, do: 'die-before' }])
  const { code, out } = await scene.host.qstate('doctor')
  assert.equal(code, 1)
  assert.match(out, /daemon: /)
})

test('what is amiss is told with what to do, and the same words once', async (t) => {
  const scene = await healthy(t, '4.3')
  scene.feature(WORK, 'audio-model', 'ich9')
  scene.host.simulator.setFaults([
    { match: { method: 'admin.vm.property.GetAll', dest: HOME }, do: 'garbage' },
  ])
  const { code, out } = await scene.host.qstate('doctor')
  assert.equal(code, 1)
  assert.match(out, /\? virt-mode, kernel, balancing, memory, qrexec-timeout, ownership-record, audiovm:/)
  assert.match(out, /^✗ win10-work {2}StandaloneVM, running$/m)
  assert.match(out, /^ {8}audio: ich6, or `qvm-features win10-work audio-model ich6`$/m)
  assert.match(out, /^ {4}✓ 14 checks well$/m)
  assert.match(out, /\n1 problem; 7 could not be looked at\.\n$/)
})

test('an invalid spec is told as by every command', async (t) => {
  const scene = await healthy(t, '4.3')
  const { code, err } = await scene.host.qstate(
    'doctor',
    scene.spec('qubes: { win10-work: { audio: ich9 } }\n'),
  )
  assert.equal(code, 65)
  assert.match(err, /ich9/)
})

test('the questions are few: of other qubes no more than whether they are Windows, and what is plugged in', async (t) => {
  const scene = await healthy(t, '4.3')
  scene.host.simulator.clearLog()
  await scene.host.qstate('doctor')
  const asked = scene.host.simulator.requests.map(({ method, arg, dest }) => `${method}+${arg} ${dest}`)
  const windows = /(?:win\S+|dom0)$/
  const others = asked.filter((line) => !windows.test(line))
  const few = /^admin\.vm\.(?:feature\.\S+\+os|tag\.Get\+windows|device\.usb\.Available\+) /
  assert.deepEqual(
    others.filter((line) => !few.test(line)),
    [],
  )
  assert.equal(asked.filter((line) => line.endsWith(' win11-office')).length, 13)
})
