import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type Host, simulatedHost } from './run-cli.ts'

const RELEASES = ['4.3', '4.4'] as const

const GIB = 1024 ** 3

/** A spec with one qube, from its body as YAML on one line. */
function spec(host: Host, body: string, name = 'win11-new'): string {
  const path = join(host.folder, 'spec.yaml')
  writeFileSync(path, `apiVersion: qstate/v1\nname: test\nqubes:\n  ${name}: ${body}\n`)
  return path
}

const WINDOWS =
  '{ extends: windows-11, ensure: { label: orange, root: 60GiB, private: 20GiB }, tags: [office], qube: { defaultUser: alice } }'

const writes = (host: Host): string[] =>
  host.simulator.requests.filter((r) => r.write).map((r) => `${r.method}+${r.arg} ${r.dest}`)

const recordOf = (host: Host, name = 'win11-new'): Record<string, unknown> | undefined => {
  const text = host.simulator.host.qubes.get(name)?.features.get('qstate.applied')
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>)
}

const planOf = async (host: Host, path: string): Promise<Plan> =>
  JSON.parse((await host.qstate('plan', '--json', path)).out) as Plan

test('a qube that is not there is created, grown, set and recorded, and then all is as wanted', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const path = spec(host, WINDOWS)
    const shown = await host.qstate('plan', path)
    assert.equal(shown.code, 0, shown.err)
    assert.match(
      shown.out,
      /win11-new will be created: StandaloneVM, orange, root 60 GiB, private 20 GiB\n {2}audio\n/,
    )
    assert.match(shown.out, /Plan: 1 qube to create, 11 changes \(11 new\) in 1 qube, 15 writes\./)
    assert.equal(host.simulator.writes(), 0)
    assert.match(
      (await host.qstate('status', path)).out,
      /win11-new {2}halted {3}to be created {5}11 changes/,
    )

    const { code, out } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 0, out)
    assert.match(out, /✓ win11-new {2}created, 11 changes/)
    assert.match(out, /Done: 1 applied; 15 writes/)
    const made = host.simulator.host.qubes.get('win11-new')
    assert.equal(made?.klass, 'StandaloneVM')
    assert.equal(made.state, 'Halted')
    assert.deepEqual(
      [...made.volumes],
      [
        ['root', 60 * GIB],
        ['private', 20 * GIB],
      ],
    )
    assert.equal(made.properties.get('virt_mode'), 'hvm')
    assert.ok(made.tags.has('office'))
    assert.equal(recordOf(host)?.['uuid'], made.properties.get('uuid'))
    assert.equal((recordOf(host)?.['set'] as Record<string, unknown>)['qube/memory'], 8192)
    assert.deepEqual(writes(host).slice(0, 4), [
      'admin.vm.Create.StandaloneVM+ dom0',
      'admin.vm.volume.Resize+root win11-new',
      'admin.vm.volume.Resize+private win11-new',
      'admin.vm.feature.Set+qstate.applied win11-new',
    ])

    host.simulator.clearLog()
    assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do: 1 qube as wanted/)
    assert.equal(host.simulator.writes(), 0)
    // A size that the spec says is read like any other value of it.
    assert.deepEqual(
      host.simulator.requests.filter((r) => r.method.includes('volume')).map((r) => `${r.method}+${r.arg}`),
      ['admin.vm.volume.Info+root', 'admin.vm.volume.Info+private'],
    )
  }
})

test('an app qube is created from its template, which the spec may own', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const body =
      '{ ensure: { template: fedora-42 }, qube: { label: red, memory: 2048, properties: { template: fedora-42 } } }'
    const path = spec(host, body)
    assert.match((await host.qstate('plan', path)).out, /will be created: AppVM of fedora-42, red\n/)
    const { code, out } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 0, out)
    const create = host.simulator.requests.find((r) => r.method.includes('Create'))
    assert.equal(create?.arg, 'fedora-42')
    assert.equal(create.payload, 'name=win11-new label=red')
    const set = recordOf(host)?.['set'] as Record<string, unknown>
    assert.equal(set['qube/label'], 'red')
    assert.equal(set['qube/properties/template'], 'fedora-42')
    assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do/)
  }
})

test('a template qube is created; a volume that is large enough is not touched', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, '{ ensure: { class: TemplateVM, label: black, root: 10GiB, private: 512MiB } }')
  const { code, out } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 0, out)
  assert.match(out, /root 10 GiB, private 512 MiB/)
  assert.match(out, /✓ win11-new {2}created\n/)
  assert.deepEqual(writes(host), [
    'admin.vm.Create.TemplateVM+ dom0',
    'admin.vm.feature.Set+qstate.applied win11-new',
  ])
  host.simulator.clearLog()
  assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do/)
  assert.equal(host.simulator.writes(), 0)
})

test('without ensure, a qube that is not there is blocked, with a hint that names it', async (t) => {
  const host = await simulatedHost(t)
  const { code, out } = await host.qstate('plan', spec(host, '{ audio: ich6 }'))
  assert.equal(code, 1)
  assert.match(out, /there is no such qube/)
  assert.match(out, /ensure: present/)
})

test('a qube that is there is left what it is', async (t) => {
  const host = await simulatedHost(t)
  const body = '{ ensure: { class: TemplateVM, label: red, private: 1GiB }, qube: { memory: 6144 } }'
  const plan = await planOf(host, spec(host, body, 'win10-work'))
  assert.equal(plan.qubes[0]?.create, undefined)
  assert.deepEqual(
    plan.qubes[0]?.changes.map(({ path }) => path),
    ['qube/memory'],
  )
})

test('adopt creates nothing, and neither does a target that leaves the qube area out', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, WINDOWS)
  assert.equal((await host.qstate('adopt', '--yes', path)).code, 1)
  const { code, out } = await host.qstate('apply', '--yes', '--target', 'area:audio', path)
  assert.equal(code, 1)
  assert.match(out, /is created as a whole only/)
  assert.equal(host.simulator.writes(), 0)
  assert.equal((await host.qstate('apply', '--yes', '--target', 'win11-new', path)).code, 0)
})

test('a template that is none, or not there, blocks before anything is written', async (t) => {
  const host = await simulatedHost(t)
  for (const [template, why] of [
    ['nosuch', 'its template nosuch is not there'],
    ['win10-work', 'win10-work is a StandaloneVM, and no template'],
  ]) {
    const path = spec(host, `{ ensure: { template: ${template}, label: red } }`)
    const { code, out } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 1)
    assert.match(out, new RegExp(`it cannot be created: ${why}`))
  }
  assert.equal(host.simulator.writes(), 0)
})

test('a qube may have a dot in its name', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const path = spec(host, '{ ensure: { label: red } }', 'win11.new')
    const { code, out } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 0, out)
    assert.ok(host.simulator.host.qubes.has('win11.new'))
  }
})

test('what qubesd will not create is told, and nothing else is tried', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    // Whether there is the label cannot be looked up before.
    host.simulator.setFaults([{ match: { method: 'admin.label.List' }, do: 'refuse' }])
    const { code, out } = await host.qstate(
      'apply',
      '--yes',
      spec(host, '{ ensure: { label: nosuch }, audio: ich6 }'),
    )
    assert.equal(code, 3)
    assert.match(out, /✗ win11-new {2}failed: 0 of 1 change done/)
    assert.deepEqual(writes(host), ['admin.vm.Create.StandaloneVM+ dom0'])
    assert.equal(host.simulator.host.qubes.has('win11-new'), false)
  }
})

test('refused by policy, the line that would allow it is told', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.Create.StandaloneVM' }, do: 'refuse' }])
  const { code, out } = await host.qstate('apply', '--yes', spec(host, WINDOWS))
  assert.equal(code, 3)
  assert.match(out, /admin\.vm\.Create\.StandaloneVM on dom0: refused/)
})

test('cut off after any write, the next run goes on and ends in the same state', async (t) => {
  for (const release of RELEASES) {
    const whole = await simulatedHost(t, { release })
    await whole.qstate('apply', '--yes', spec(whole, WINDOWS))
    const stateOf = (host: Host): unknown => {
      const { volumes, properties, features, tags } = host.simulator.host.qubes.get('win11-new') ?? {}
      return [volumes, properties, features, tags].map((part) => [...(part ?? [])].map(String).sort())
    }
    const wanted = stateOf(whole)
    const total = writes(whole).length
    for (const action of ['die-after', 'die-before'] as const) {
      for (let after = 0; after < total; after += 1) {
        const host = await simulatedHost(t, { release })
        host.simulator.setFaults([{ match: { writesOnly: true }, after, times: 1, do: action }])
        await host.qstate('apply', '--yes', spec(host, WINDOWS))
        host.simulator.setFaults([])
        await host.simulator.restart()
        const { code, out } = await host.qstate('apply', '--yes', spec(host, WINDOWS))
        assert.equal(code, 0, `${action} ${after}: ${out}`)
        assert.deepEqual(stateOf(host), wanted, `${action} ${after}`)
        assert.match((await host.qstate('apply', '--yes', spec(host, WINDOWS))).out, /Nothing to do/)
      }
    }
  }
})

test('a qube whose creation was cut short before its volumes were grown is shown so', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.volume.Resize' }, do: 'refuse' }])
  const first = await host.qstate('apply', '--yes', spec(host, WINDOWS))
  assert.equal(first.code, 3)
  assert.equal(recordOf(host), undefined)
  host.simulator.setFaults([])
  const { out } = await host.qstate('plan', spec(host, WINDOWS))
  assert.match(
    out,
    /win11-new StandaloneVM, halted\n {2}the root volume will be grown to 60 GiB, for good: no volume is made smaller\n/,
  )
})

test('a saved plan creates what was reviewed, or nothing', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const file = join(host.folder, 'plan.json')
    await host.qstate('plan', '-o', file, spec(host, WINDOWS))
    const { code, out } = await host.qstate('apply', '--yes', file)
    assert.equal(code, 0, out)
    assert.ok(recordOf(host))

    host.simulator.clearLog()
    const again = await host.qstate('apply', '--yes', file)
    assert.equal(again.code, 4)
    assert.match(again.out, /win11-new was to be created, and is there by now/)
    assert.equal(host.simulator.writes(), 0)
  }
})

test('a saved plan whose template has gone is stale', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', spec(host, '{ ensure: { class: TemplateVM, label: black } }', 'tpl'))
  const file = join(host.folder, 'plan.json')
  await host.qstate('plan', '-o', file, spec(host, '{ ensure: { template: tpl, label: red } }'))
  host.simulator.act(Buffer.from('admin.vm.Remove dom0 name tpl\0'))
  host.simulator.clearLog()
  const { code, out } = await host.qstate('apply', '--yes', file)
  assert.equal(code, 4)
  assert.match(out, /its template tpl is not there/)
  assert.equal(host.simulator.writes(), 0)
})

type Tree = Record<string, unknown>

test('a saved plan that was tampered with creates nothing', async (t) => {
  const host = await simulatedHost(t)
  const file = join(host.folder, 'plan.json')
  await host.qstate('plan', '-o', file, spec(host, WINDOWS))
  const whole = readFileSync(file, 'utf8')
  const TAMPERED: readonly ((create: Tree, qube: Tree, volumes: Tree[]) => void)[] = [
    (create) => (create['label'] = 'red'),
    (create) => (create['label'] = 'red pool=other'),
    (create) => (create['template'] = 'fedora-42'),
    (create) => (create['klass'] = 'AppVM'),
    (create) => (create['klass'] = 'AdminVM'),
    (create) => (create['calls'] = []),
    (create) => ((create['calls'] as Tree[])[0]!['payload'] = 'name=other label=orange'),
    (create) => (create['more'] = 1),
    (_, qube) => (qube['create'] = null),
    (_, qube) => (qube['klass'] = 'TemplateVM'),
    (_, qube) => (qube['running'] = true),
    (_, qube) => (qube['uuid'] = '00000000-0000-4000-8000-000000000001'),
    (_, qube) => delete qube['create'],
    (_, qube) => (qube['volumes'] = {}),
    (_, __, volumes) => (volumes[0]!['size'] = 1),
    (_, __, volumes) => (volumes[0]!['name'] = 'volatile'),
    (_, __, volumes) => volumes.push(volumes[0]!),
  ]
  for (const tamper of TAMPERED) {
    const plan = JSON.parse(whole) as { qubes: [Tree] }
    const [qube] = plan.qubes
    tamper(qube['create'] as Tree, qube, qube['volumes'] as Tree[])
    writeFileSync(file, JSON.stringify(plan))
    const { code, err } = await host.qstate('apply', '--yes', file)
    assert.equal(code, 1, `${tamper.toString()}: ${err}`)
    assert.match(err, /is (?:refused|damaged)/)
  }
  assert.equal(host.simulator.writes(), 0)
})

test('a qube of that name that turns up at the last moment is not written to', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, '{ ensure: { label: orange }, audio: ich6 }')
  const requests = host.simulator.requests as unknown[] & { push: (...items: unknown[]) => number }
  const push = requests.push.bind(requests)
  requests.push = (request: unknown) => {
    if ((request as { method: string }).method.includes('Create'))
      host.simulator.act(Buffer.from('admin.vm.Create.StandaloneVM dom0 name dom0\0name=win11-new label=red'))
    return push(request)
  }
  const { code } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 3)
  const other = host.simulator.host.qubes.get('win11-new')
  assert.equal(other?.properties.get('label'), 'red')
  assert.equal(other.features.get('audio-model'), undefined)
})

test('history has it, and a rollback takes the values back and leaves the qube', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    await host.qstate('apply', '--yes', spec(host, WINDOWS))
    assert.match((await host.qstate('history')).out, /15 writes +win11-new/)
    const { code, out } = await host.qstate('rollback', '--yes')
    assert.equal(code, 0, out)
    assert.match(out, /was created by what is undone, and stays: `qvm-remove win11-new` removes it/)
    const made = host.simulator.host.qubes.get('win11-new')
    assert.equal(made?.properties.has('virt_mode'), false)
    assert.equal(recordOf(host), undefined)
    assert.equal((await host.qstate('apply', '--yes', spec(host, WINDOWS))).code, 0)
  }
})

test('a rollback does not touch another qube that has got the name', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', spec(host, WINDOWS))
  host.simulator.act(Buffer.from('admin.vm.Remove dom0 name win11-new\0'))
  host.simulator.act(Buffer.from('admin.vm.Create.StandaloneVM dom0 name dom0\0name=win11-new label=red'))
  host.simulator.clearLog()
  const { code, out } = await host.qstate('rollback', '--yes')
  assert.equal(code, 1)
  assert.match(out, /it carries no record/)
  assert.equal(host.simulator.writes(), 0)
})

test('the policy of a management qube has what creating takes', async (t) => {
  const host = await simulatedHost(t)
  const { out } = await host.qstate('policy', '--qube', 'mgmt', '--for', '4.3', spec(host, WINDOWS))
  for (const line of [
    /^admin\.vm\.Create\.StandaloneVM +\* +mgmt +@adminvm +allow target=dom0$/m,
    /^admin\.vm\.volume\.Info +\+root +mgmt +win11-new +allow target=dom0$/m,
    /^admin\.vm\.volume\.Resize +\+private +mgmt +win11-new +allow target=dom0$/m,
  ])
    assert.match(out, line)
})

/** A qube that is this configuration's, halted, in a spec that then wants it absent. */
async function owned(
  t: TestContext,
  release: (typeof RELEASES)[number] = '4.3',
): Promise<{ readonly host: Host; readonly path: string }> {
  const host = await simulatedHost(t, { release })
  const made = await host.qstate('apply', '--yes', spec(host, WINDOWS))
  assert.equal(made.code, 0, made.out)
  host.simulator.clearLog()
  return { host, path: spec(host, '{ extends: windows-11, ensure: absent, tags: [office] }') }
}

test('a qube is removed only where the spec, the command line and its record say so', async (t) => {
  for (const release of RELEASES) {
    const { host, path } = await owned(t, release)
    const shown = await host.qstate('plan', path)
    assert.equal(shown.code, 0, shown.err)
    assert.match(shown.out, /win11-new WILL BE REMOVED, with all its data: StandaloneVM, halted\n/)
    assert.match(shown.out, /Plan: 1 qube TO REMOVE in 1 qube, 1 write\./)
    assert.match((await host.qstate('status', path)).out, /to be removed/)

    const withheld = await host.qstate('apply', '--yes', path)
    assert.equal(withheld.code, 1)
    assert.match(withheld.out, /apply with --allow-remove win11-new/)
    assert.equal((await host.qstate('apply', '--yes', '--allow-remove', 'win10-work', path)).code, 1)
    assert.equal(host.simulator.writes(), 0)

    const { code, out } = await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', path)
    assert.equal(code, 0, out)
    assert.match(out, /✓ win11-new {2}removed/)
    assert.match(out, /brings no removed qube back/)
    assert.deepEqual(writes(host), ['admin.vm.Remove+ win11-new'])
    assert.equal(host.simulator.host.qubes.has('win11-new'), false)

    host.simulator.clearLog()
    assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do: 1 qube as wanted/)
    assert.equal((await host.qstate('adopt', '--yes', path)).code, 0)
    assert.equal(host.simulator.writes(), 0)
  }
})

test('a qube of which nothing but its creation is asked for is known as created, and can be removed', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const bare = '{ ensure: { label: red } }'
    const path = spec(host, bare)
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    assert.deepEqual(recordOf(host)?.['set'], {})
    // What is set and dropped again, or could not be set, leaves it so.
    spec(host, '{ ensure: { label: red }, tags: [office] }')
    host.simulator.setFaults([{ match: { method: 'admin.vm.tag.Set' }, do: 'refuse' }])
    assert.equal((await host.qstate('apply', '--yes', path)).code, 3)
    assert.deepEqual(recordOf(host)?.['set'], {})
    host.simulator.setFaults([])
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    spec(host, bare)
    assert.equal((await host.qstate('apply', '--yes', '--allow-withdraw', 'win11-new', path)).code, 0)
    assert.deepEqual(recordOf(host)?.['set'], {})
    host.simulator.clearLog()
    for (const body of [bare, '{}']) {
      spec(host, body)
      assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do: 1 qube as wanted/)
    }
    assert.equal(host.simulator.writes(), 0)
    spec(host, '{ ensure: absent }')
    const { code, out } = await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', path)
    assert.equal(code, 0, out)
    assert.equal(host.simulator.host.qubes.has('win11-new'), false)
  }
})

test('what was created stays known as created where one setting went and its successor could not be set', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, '{ ensure: { label: red }, tags: [office] }')
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  spec(host, '{ ensure: { label: red }, qube: { memory: 2048 } }')
  host.simulator.setFaults([{ match: { method: 'admin.vm.property.Set' }, do: 'refuse' }])
  assert.equal((await host.qstate('apply', '--yes', path)).code, 3)
  host.simulator.setFaults([])
  assert.deepEqual(recordOf(host)?.['set'], {})
  spec(host, '{ ensure: absent }')
  const { code, out } = await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', path)
  assert.equal(code, 0, out)
})

test('a rollback of what came after a creation leaves the qube known as created', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, '{ ensure: { label: red } }')
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  spec(host, '{ ensure: { label: red }, tags: [office] }')
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  assert.equal((await host.qstate('rollback', '--yes')).code, 0)
  assert.deepEqual(recordOf(host)?.['set'], {})
  spec(host, '{ ensure: absent }')
  const { code, out } = await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', path)
  assert.equal(code, 0, out)
})

test('a rollback of a creation alone gives the qube up, and it stays', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, '{ ensure: { label: red } }')
  await host.qstate('apply', '--yes', path)
  const { code, out } = await host.qstate('rollback', '--yes')
  assert.equal(code, 0, out)
  assert.match(out, /was created by what is undone, and stays/)
  assert.ok(host.simulator.host.qubes.has('win11-new'))
  assert.equal(recordOf(host), undefined)
  spec(host, '{ ensure: absent }')
  assert.equal((await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', path)).code, 1)
})

test('a qube that was there is not taken for one that was created', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, '{ ensure: { label: red } }', 'win10-home')
  assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do/)
  assert.equal(host.simulator.writes(), 0)
  spec(host, '{ ensure: absent }', 'win10-home')
  assert.equal((await host.qstate('apply', '--yes', '--allow-remove', 'win10-home', path)).code, 1)
})

test('at a terminal the name is typed once more', async (t) => {
  const { host, path } = await owned(t)
  const argv = ['apply', '--allow-remove', 'win11-new', path]
  for (const answers of [['n'], ['y'], ['y', 'y'], ['y', 'win11']]) {
    assert.equal((await host.qstateWith({ terminal: true, answers }, ...argv)).code, 1)
    assert.equal(host.simulator.writes(), 0)
  }
  const { code, err } = await host.qstateWith({ terminal: true, answers: ['y', 'win11-new'] }, ...argv)
  assert.equal(code, 0, err)
  assert.equal(host.simulator.host.qubes.has('win11-new'), false)
})

test('what is not this configuration’s is not removed, nor what runs, nor by another command', async (t) => {
  const remove = ['apply', '--yes', '--allow-remove']
  const { host, path } = await owned(t)
  const CASES: readonly (readonly [string, string, RegExp])[] = [
    ['name: test\n', 'win10-home', /qstate has neither made it nor set anything on it/],
    ['name: other\n', 'win11-new', /its record names another configuration/],
    ['', 'win11-new', /a configuration without a name removes nothing/],
  ]
  for (const [name, qube, why] of CASES) {
    const others = qube === 'win11-new' ? '' : `, win11-new: ${WINDOWS}`
    writeFileSync(path, `apiVersion: qstate/v1\n${name}qubes: { ${qube}: { ensure: absent }${others} }\n`)
    const { code, out } = await host.qstate(...remove, qube, path)
    assert.equal(code, 1)
    assert.match(out.replaceAll(/\s+/g, ' '), why)
  }
  spec(host, '{ ensure: absent }')
  assert.match((await host.qstate('adopt', '--yes', path)).out, /this removes no qube/)
  const part = ['--target', 'win11-new/usb']
  assert.match((await host.qstate(...remove, 'win11-new', ...part, path)).out, /this removes no qube/)
  assert.equal(host.simulator.writes(), 0)

  host.simulator.act(Buffer.from('admin.vm.Start dom0 name win11-new\0'))
  assert.match((await host.qstate(...remove, 'win11-new', path)).out, /it is not removed while it runs/)
  assert.equal(host.simulator.writes(), 0)
})

test('a clone, whose record is its origin’s, is not removed', async (t) => {
  const { host, path } = await owned(t)
  const record = host.simulator.host.qubes.get('win11-new')?.features.get('qstate.applied') ?? ''
  host.simulator.host.qubes.get('win10-home')?.features.set('qstate.applied', record)
  writeFileSync(
    path,
    `apiVersion: qstate/v1\nname: test\nqubes: { win10-home: { ensure: absent }, win11-new: ${WINDOWS} }\n`,
  )
  const { code, out } = await host.qstate('apply', '--yes', '--allow-remove', 'win10-home', path)
  assert.equal(code, 1)
  assert.match(out, /neither made it nor set anything on it/)
  assert.equal(host.simulator.writes(), 0)
})

test('a saved plan removes the qube that was reviewed, as it was, or none', async (t) => {
  for (const release of RELEASES) {
    const { host, path } = await owned(t, release)
    const file = join(host.folder, 'plan.json')
    await host.qstate('plan', '-o', file, path)
    const whole = readFileSync(file, 'utf8')
    const unasked = await host.qstate('apply', '--yes', file)
    assert.equal(unasked.code, 64)
    assert.match(unasked.err, /the plan removes win11-new/)

    const TAMPERED: readonly ((qube: Tree, plan: Tree) => unknown)[] = [
      (qube) => (qube['qube'] = 'win10-home'),
      (qube) => (qube['remove'] = { calls: [] }),
      (qube) => (qube['uuid'] = null),
      (qube) => (qube['running'] = true),
      (qube) => (qube['record'] = { before: null, after: null }),
      (qube) => ((qube['record'] as Tree)['after'] = null),
      (qube) => (qube['made'] = 1),
      (_, plan) => ((plan['spec'] as Tree)['name'] = 'other'),
    ]
    for (const tamper of TAMPERED) {
      const plan = JSON.parse(whole) as { qubes: [Tree] }
      tamper(plan.qubes[0], plan)
      writeFileSync(file, JSON.stringify(plan))
      const argv = ['--allow-remove', 'win11-new', '--allow-remove', 'win10-home', file]
      const { code, err } = await host.qstate('apply', '--yes', ...argv)
      assert.equal(code, 1, tamper.toString())
      assert.match(err, /is (?:refused|damaged)/)
    }
    writeFileSync(file, whole)

    // Someone takes it over in between.
    const features = host.simulator.host.qubes.get('win11-new')?.features
    const record = features?.get('qstate.applied') ?? ''
    features?.set('qstate.applied', record.replace('"test"', '"other"'))
    host.simulator.clearLog()
    assert.equal((await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', file)).code, 4)
    assert.equal(host.simulator.writes(), 0)
    features?.set('qstate.applied', record)
    assert.equal((await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', file)).code, 0)
    // Another of the same name is another qube.
    host.simulator.act(Buffer.from('admin.vm.Create.StandaloneVM dom0 name dom0\0name=win11-new label=red'))
    host.simulator.clearLog()
    assert.equal((await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', file)).code, 4)
    assert.equal(host.simulator.writes(), 0)
  }
})

test('a removal that qubesd refuses, does not do, or does without saying so, is told', async (t) => {
  const apply = (host: Host, path: string) =>
    host.qstate('apply', '--yes', '--allow-remove', 'win11-new', path)
  for (const [fault, told] of [
    ['refuse', /admin\.vm\.Remove on win11-new: refused/],
    ['pretend', /win11-new is still there after it was removed/],
    ['die-after', /./],
  ] as const) {
    const { host, path } = await owned(t)
    host.simulator.setFaults([{ match: { method: 'admin.vm.Remove' }, do: fault }])
    const { code, out } = await apply(host, path)
    assert.equal(code, 3)
    assert.match(out, told)
    host.simulator.setFaults([])
    await host.simulator.restart()
    assert.equal((await apply(host, path)).code, 0)
    assert.equal(host.simulator.host.qubes.has('win11-new'), false)
  }
})

test('a rollback does not bring a removed qube back, and says so', async (t) => {
  const { host, path } = await owned(t)
  await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', path)
  const { code, out } = await host.qstate('rollback', '--yes')
  assert.equal(code, 1)
  assert.match(out, /is not there any more/)
})

test('the policy of a management qube lets it remove what the spec wants absent, and nothing else', async (t) => {
  const host = await simulatedHost(t)
  const { out } = await host.qstate('policy', '--qube', 'mgmt', spec(host, '{ ensure: absent }'))
  assert.match(out, /^admin\.vm\.Remove +\* +mgmt +win11-new +allow target=dom0$/m)
  const without = await host.qstate('policy', '--qube', 'mgmt', spec(host, WINDOWS))
  assert.doesNotMatch(without.out, /admin\.vm\.Remove /)
})

/** An app qube that comes before its template in every order but the right one. */
const BOTH = `
  a-app: { ensure: { template: z-template, label: red }, audio: off, qube: { memory: 2048 } }
  z-template: { extends: windows-11, ensure: { class: TemplateVM, label: black, root: 30GiB } }
`

function specOf(host: Host, qubes: string): string {
  const path = join(host.folder, 'both.yaml')
  writeFileSync(path, `apiVersion: qstate/v1\nname: test\nqubes:${qubes}`)
  return path
}

const creations = (host: Host): string[] =>
  writes(host).filter((call) => /\.(?:Create\.\w+|Remove)\+/.test(call) && !call.includes('feature'))

test('a template and its app qube are created by one apply, in order, on every release', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const path = specOf(host, BOTH)
    const plan = await host.qstate('plan', path)
    assert.equal(plan.code, 0, plan.out)
    assert.match(plan.out, /a-app will be created: AppVM of z-template, red/)
    const file = join(host.folder, 'plan.json')
    await host.qstate('plan', '-o', file, path)
    const { code, out } = await host.qstate('apply', '--yes', '--parallelism', '8', file)
    assert.equal(code, 0, out)
    assert.deepEqual(creations(host), [
      'admin.vm.Create.TemplateVM+ dom0',
      'admin.vm.Create.AppVM+z-template dom0',
    ])
    assert.match((await host.qstate('plan', path)).out, /Nothing to do: 2 qubes as wanted/)
    // And they go in the other order: qubesd does not remove a template that is in use.
    const gone = specOf(host, '\n  a-app: { ensure: absent }\n  z-template: { ensure: absent }\n')
    const allowed = ['--allow-remove', 'a-app', '--allow-remove', 'z-template']
    const removed = await host.qstate('apply', '--yes', ...allowed, gone)
    assert.equal(removed.code, 0, removed.out)
    assert.deepEqual(creations(host).slice(2), ['admin.vm.Remove+ a-app', 'admin.vm.Remove+ z-template'])
  }
})

test('where the template could not be created its app qube is not tried, and the next run makes both', async (t) => {
  const host = await simulatedHost(t)
  const path = specOf(host, BOTH)
  host.simulator.setFaults([{ match: { method: 'admin.vm.Create.TemplateVM' }, do: 'refuse' }])
  const { code, out } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 3, out)
  assert.match(out, /✗ a-app.*\n\s+its template z-template has not been created/)
  assert.deepEqual(creations(host), ['admin.vm.Create.TemplateVM+ dom0'])
  host.simulator.setFaults([])
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  assert.equal(host.simulator.host.qubes.get('a-app')?.klass, 'AppVM')
})

test('an app qube by itself does not bring its template along', async (t) => {
  const host = await simulatedHost(t)
  const { code, out } = await host.qstate('plan', '--target', 'a-app', specOf(host, BOTH))
  assert.equal(code, 1)
  assert.match(out, /it cannot be created: its template z-template is not there/)
})
