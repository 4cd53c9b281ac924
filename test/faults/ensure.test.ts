import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { HEAD } from '../spec/manifests.ts'

/** What `ensure` says of a qube that exists is compared with what it is: told, grown, or refused. */

const RELEASES = ['4.3', '4.4'] as const
const GIB = 1024 ** 3

const spec = (host: Host, qubes: string): string =>
  host.write('spec.yaml', `${HEAD}name: test\nqubes:\n${qubes}`)

const planOf = async (host: Host, path: string): Promise<Plan> =>
  JSON.parse((await host.qstate('plan', '--json', path)).out) as Plan

const sizesOf = (host: Host, name: string): Record<string, number> =>
  Object.fromEntries(host.simulator.host.qubes.get(name)?.volumes ?? [])

test('another class, label, template or a larger volume is told as a difference, and left', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const path = spec(
      host,
      `  win10-home: { ensure: { class: TemplateVM, label: red, root: 5GiB } }
  win11-office: { ensure: { template: fedora-42, label: red } }
  win7-oem: { ensure: { label: orange }, qube: { vcpus: 3 } }
`,
    )
    const { qubes } = await planOf(host, path)
    assert.deepEqual(
      qubes.map(({ qube, differs = [] }) => [
        qube,
        differs.map(({ what, is, ensure }) => [what, is, ensure]),
      ]),
      [
        [
          'win10-home',
          [
            ['class', 'StandaloneVM', 'TemplateVM'],
            ['label', 'green', 'red'],
            ['root', 10 * GIB, 5 * GIB],
          ],
        ],
        [
          'win11-office',
          [
            ['label', 'blue', 'red'],
            ['template', 'win11-template', 'fedora-42'],
          ],
        ],
        ['win7-oem', []],
      ],
    )
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    const { out, code } = await host.qstate('plan', path)
    assert.equal(code, 0)
    assert.match(out, /class is StandaloneVM, and ensure says TemplateVM/)
    assert.match(out, /root is 10 GiB, and ensure says 5 GiB: no volume is made smaller/)
    assert.doesNotMatch(out, /as wanted/)
    const status = await host.qstate('status', path)
    assert.match(status.out, /win10-home +halted +differs/)
    assert.match(status.out, /win7-oem +halted +as wanted/)
    assert.equal(host.simulator.host.qubes.get('win10-home')?.properties.get('label'), 'green')
    assert.deepEqual(sizesOf(host, 'win10-home'), {})
  }
})

test('a volume of a qube that has long been managed grows when its size in the spec does, and never shrinks', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const body = (size: string): string =>
      `  win10-home: { ensure: { label: green, root: ${size}, private: 4GiB }, qube: { vcpus: 3 } }\n`
    assert.equal((await host.qstate('apply', '--yes', spec(host, body('60GiB')))).code, 0)
    assert.deepEqual(sizesOf(host, 'win10-home'), { root: 60 * GIB, private: 4 * GIB })
    const path = spec(host, body('80GiB'))
    const shown = await host.qstate('plan', path)
    assert.match(shown.out, /the root volume will be grown to 80 GiB/)
    assert.match(shown.out, /Plan: 1 volume to grow in 1 qube, 1 write\./)
    assert.match((await host.qstate('status', path)).out, /to be changed/)
    const { code, out } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 0, out)
    assert.deepEqual(sizesOf(host, 'win10-home'), { root: 80 * GIB, private: 4 * GIB })
    const less = await host.qstate('apply', '--yes', spec(host, body('70GiB')))
    assert.equal(less.code, 0)
    assert.match(less.out, /Nothing to do\./)
    assert.deepEqual(sizesOf(host, 'win10-home'), { root: 80 * GIB, private: 4 * GIB })
  }
})

test('a volume of a running qube waits until it is halted, and the rest goes on', async (t) => {
  const host = await simulatedHost(t)
  const body = '{ ensure: { label: blue, root: 500GiB }, qube: { memory: 6144 } }'
  const blocked = await host.qstate('apply', '--yes', spec(host, `  win10-work: ${body}\n`))
  assert.equal(blocked.code, 3)
  assert.match(blocked.out, /! volumes root: the volume grows while the qube is halted only/)
  assert.deepEqual(sizesOf(host, 'win10-work'), {})
  assert.equal(host.simulator.host.qubes.get('win10-work')?.properties.get('memory'), 6144)
  const idle = spec(host, `  win10-work: ${body.replace('{ ensure', '{ restart: idle-halted, ensure')}\n`)
  assert.equal((await host.qstate('apply', '--yes', idle)).code, 0)
  host.simulator.act(Buffer.from('admin.vm.Shutdown dom0 name win10-work\0'))
  assert.equal((await host.qstate('apply', '--yes', idle)).code, 0)
  assert.deepEqual(sizesOf(host, 'win10-work'), { root: 500 * GIB })
})

test('the root volume of a qube that has its template’s is left, whatever class the spec takes it for', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(
    host,
    '  win11-office: { ensure: { class: StandaloneVM, label: blue, root: 90GiB, private: 9GiB } }\n',
  )
  const { code, out } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 0, out)
  assert.match(out, /class is AppVM, and ensure says StandaloneVM/)
  assert.deepEqual(sizesOf(host, 'win11-office'), { private: 9 * GIB })
})

test('a size that cannot be read blocks the volume alone', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.volume.Info' }, do: 'refuse' }])
  const path = spec(host, '  win10-home: { ensure: { label: green, root: 60GiB }, qube: { vcpus: 3 } }\n')
  const { code, out } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 3)
  assert.match(out, /! volumes root: whether its root volume is as large as wanted is not known/)
  assert.equal(host.simulator.host.qubes.get('win10-home')?.properties.get('vcpus'), 3)
})
