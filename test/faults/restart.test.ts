import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { act } from '../support/requests.ts'

/** A qube that cannot start again, or whose shutdown takes something from others, is not shut down without a person. */

const call = (host: Host, dest: string, method: string, arg = '', payload = ''): void => {
  act(host.simulator, { dest, method: `admin.vm.${method}`, arg, payload })
}

const ended = (host: Host): readonly string[] =>
  host.simulator.requests.flatMap(({ method, dest }) => (/[.](?:Shutdown|Kill)$/.test(method) ? [dest] : []))

const spec = (host: Host, qube: string, more = ''): string =>
  host.write(
    'spec.yaml',
    `apiVersion: qstate/v1\nname: test\nqubes:\n  ${qube}: { qube: { memory: 6144 }, ${more} }\n`,
  )

const template = (host: Host, qube: string, text: string): void => {
  const path = join(`${host.socket}.dom0`, `etc/qubes/templates/libvirt/xen/by-name/${qube}.xml`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const flat = (text: string): string => text.replace(/\s+/g, ' ')

interface Case {
  readonly name: string
  readonly qube?: string
  readonly prepare: (host: Host) => void
  readonly why: RegExp
}

const CASES: readonly Case[] = [
  {
    name: 'its own sound card is one that libvirt refuses',
    prepare(host) {
      call(host, 'win10-work', 'feature.Set', 'audio-model', 'ich9')
    },
    why: /audio-model is "ich9", which libvirt of Qubes refuses/,
  },
  {
    name: 'it inherits a sound card that libvirt refuses',
    qube: 'win11-office',
    prepare(host) {
      call(host, 'win11-office', 'Start')
      call(host, 'win11-template', 'feature.Set', 'audio-model', 'usb')
    },
    why: /audio-model is "usb", which libvirt of Qubes refuses/,
  },
  {
    name: 'its libvirt template names a table that does not exist',
    prepare(host) {
      template(host, 'win10-work', "<acpi><table type='slic'>/var/lib/oem.bin</table></acpi>")
    },
    why: /names the table \/var\/lib\/oem\.bin, which does not exist/,
  },
  {
    name: 'its libvirt template is one that Jinja2 does not read',
    prepare(host) {
      template(host, 'win10-work', '{% block os %}{% super() %}{% endblock %}')
    },
    why: /\{% super\(\) %\}, which Jinja2 does not know/,
  },
  {
    name: 'its start is prohibited',
    prepare(host) {
      call(host, 'win10-work', 'feature.Set', 'prohibit-start', 'compromised')
    },
    why: /its feature prohibit-start is set: "compromised"/,
  },
  {
    name: 'its audio qube is halted',
    prepare(host) {
      call(host, 'win10-work', 'property.Set', 'audiovm', 'sys-audio')
      host.simulator.powerOff('sys-audio')
    },
    why: /its audio qube sys-audio is not running/,
  },
  {
    name: 'a required device is on another port',
    prepare(host) {
      const identity = '046d:0843:CAM00001:u0e0100u0e0200u010100'
      const payload = `port_id='9-9' device_id='${identity}' mode='required'`
      call(host, 'win10-work', 'device.usb.Assign', `sys-usb+9-9:${identity}`, payload)
    },
    why: /is required, and it is on port 2-1 now/,
  },
  {
    name: 'the qube that has its required device is halted',
    prepare(host) {
      call(
        host,
        'win10-work',
        'device.usb.Assign',
        'sys-usb+2-1:*',
        "port_id='2-1' device_id='*' mode='required'",
      )
      host.simulator.powerOff('sys-usb')
    },
    why: /is required, and sys-usb is not running/,
  },
  {
    name: 'its network qube is halted and does not start',
    prepare(host) {
      host.simulator.powerOff('sys-firewall')
      call(host, 'sys-firewall', 'feature.Set', 'prohibit-start', 'update')
    },
    why: /its network qube sys-firewall does not start: its feature prohibit-start is set/,
  },
]

for (const release of ['4.3', '4.4'] as const) {
  for (const { name, qube = 'win10-work', prepare, why } of CASES) {
    test(`${release}: a qube that would not start again is not shut down, and plan and report say why: ${name}`, async (t) => {
      const host = await simulatedHost(t, { release })
      prepare(host)
      const path = spec(host, qube, 'restart: now')
      const plan = flat((await host.qstate('plan', path)).out)
      assert.match(plan, new RegExp(`${qube} is not restarted: it would not start again: `))
      assert.match(plan, why)
      assert.doesNotMatch(plan, /To be restarted by the apply/)
      const apply = await host.qstate('apply', '--yes', path)
      assert.equal(apply.code, 3, apply.out)
      assert.match(flat(apply.out), why)
      const asked = await host.qstateWith(
        { terminal: true, answers: ['y', 'y'] },
        'apply',
        '--restart',
        'ask',
        path,
      )
      assert.match(flat(asked.out), why)
      assert.deepEqual(ended(host), [])
    })
  }

  test(`${release}: what an apply puts right keeps nothing from its restart`, async (t) => {
    const host = await simulatedHost(t, { release })
    call(host, 'win10-work', 'feature.Set', 'audio-model', 'ich9')
    const path = spec(host, 'win10-work', 'audio: ich6, restart: now')
    assert.match((await host.qstate('plan', path)).out, /To be restarted by the apply.*win10-work/)
    const { code, out } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 0, out)
    assert.deepEqual(ended(host), ['win10-work'])
  })

  test(`${release}: devices of a qube are not torn out of others that run: plan, report and question name them`, async (t) => {
    const host = await simulatedHost(t, { release })
    attachStick(host)
    const path = spec(host, 'sys-usb', 'restart: now')
    const why = /other qubes would lose devices of it: win10-work has sys-usb\+3-1 \(SanDisk Corp\. Ultra\)/
    assert.match(flat((await host.qstate('plan', path)).out), why)
    const apply = await host.qstate('apply', '--yes', path)
    assert.equal(apply.code, 3, apply.out)
    assert.match(flat(apply.out), why)
    const flag = await host.qstate('apply', '--yes', '--restart', 'now', path)
    assert.equal(flag.code, 3)
    assert.deepEqual(ended(host), [])
    const no = await host.qstateWith({ terminal: true, answers: ['n'] }, 'apply', '--restart', 'ask', path)
    assert.match(flat(no.err), why)
    assert.deepEqual(ended(host), [])
    assert.equal(host.simulator.host.attachments.get('sys-usb 3-1'), 'win10-work')
    const yes = await host.qstateWith({ terminal: true, answers: ['y'] }, 'apply', '--restart', 'ask', path)
    assert.equal(yes.code, 0, yes.out + yes.err)
    assert.deepEqual(ended(host), ['sys-usb'])
    assert.equal(host.simulator.host.attachments.get('sys-usb 3-1'), undefined)
  })

  test(`${release}: a USB qube whose devices nobody uses is restarted as the spec says`, async (t) => {
    const host = await simulatedHost(t, { release })
    const { code, out } = await host.qstate('apply', '--yes', spec(host, 'sys-usb', 'restart: now'))
    assert.equal(code, 0, out)
    assert.deepEqual(ended(host), ['sys-usb'])
  })

  test(`${release}: where it is not known who uses devices of a qube, a person is asked first`, async (t) => {
    const host = await simulatedHost(t, { release })
    attachStick(host)
    host.simulator.setFaults([
      { match: { method: 'admin.vm.device.usb.Available', dest: 'sys-usb' }, do: 'refuse' },
    ])
    const { code, out } = await host.qstate('apply', '--yes', spec(host, 'sys-usb', 'restart: now'))
    assert.equal(code, 3, out)
    assert.match(out, /admin\.vm\.device\.usb\.Available on sys-usb: refused/)
    assert.deepEqual(ended(host), [])
  })
}

function attachStick(host: Host): void {
  host.simulator.host.attachments.set('sys-usb 3-1', 'win10-work')
}

test('plan and report have the code of a hindrance as JSON', async (t: TestContext) => {
  const host = await simulatedHost(t)
  call(host, 'win10-work', 'feature.Set', 'prohibit-start', 'compromised')
  const path = spec(host, 'win10-work', 'restart: now')
  const plan = JSON.parse((await host.qstate('plan', '--json', path)).out) as {
    restarts: { qube: string; harm?: { refusal?: { code: string } } }[]
  }
  assert.equal(plan.restarts[0]?.harm?.refusal?.code, 'start-prohibited')
  const report = JSON.parse((await host.qstate('apply', '--yes', '--json', path)).out) as {
    restarts: { status: string; error: { code: string } }[]
  }
  assert.deepEqual(
    report.restarts.map(({ status, error }) => [status, error.code]),
    [['failed', 'start-prohibited']],
  )
})
