import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Act, begin } from './begin.ts'

/** Disposables: what they take over, when they go, and those that are kept ready. */

/** `win11-office` as a template for disposables that the daemon can keep ready. */
function prepare(act: Act): void {
  for (const [setting, value] of [
    ['property.Set+template_for_dispvms', 'True'],
    ['feature.Set+supported-rpc.qubes.WaitForRunningSystem', '1'],
    ['feature.Set+supported-rpc.qubes.WaitForSession', '1'],
  ] as const) {
    assert.equal(act(`admin.vm.${setting}`, 'win11-office', value), '0|')
  }
}

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: a disposable is a copy of its template, which it goes by as long as it is there`, async (t) => {
    const { simulator, act } = await begin(t, release)
    prepare(act)
    act('admin.vm.property.Set+memory', 'win11-office', '6144')
    act('admin.vm.feature.Set+audio-model', 'win11-office', 'ac97')
    act('admin.vm.feature.Set+servicevm', 'win11-office', '1')
    act('admin.vm.tag.Set+team-a', 'win11-office')
    assert.equal(act('admin.vm.Create.DispVM+win11-office', 'dom0', 'name=once label=red'), '0|')
    act('admin.vm.property.Set+memory', 'win11-office', '8192')
    const once = simulator.host.qubes.get('once')
    assert.ok(once)
    assert.equal(once.features.get('audio-model'), 'ac97')
    assert.equal(once.features.get('servicevm'), '1')
    assert.ok(once.tags.has('team-a'))
    assert.equal(act('admin.vm.property.Get+memory', 'once'), '0|default=False type=int 6144')
    assert.equal(act('admin.vm.property.Get+label', 'once'), '0|default=False type=label red')
    assert.equal(act('admin.vm.property.Get+auto_cleanup', 'once'), '0|default=True type=bool False')
    assert.equal(act('admin.vm.property.Get+dispid', 'once'), '0|default=False type=int 1001')
    assert.equal(act('admin.vm.property.Get+is_preload', 'once'), '0|default=True type=bool False')
    assert.equal(act('admin.vm.property.Reset+template', 'once'), '2|QubesValueError||Cannot unset template|')
    assert.equal(act('admin.vm.Start', 'once'), '0|')
    assert.equal(act('admin.vm.Shutdown', 'once'), '0|')
    assert.ok(simulator.host.qubes.has('once'), 'one with a name of its own stays')
  })

  test(`${release}: an unnamed disposable goes with its shutdown, however that comes`, async (t) => {
    const { simulator, act, heard } = await begin(t, release)
    prepare(act)
    assert.equal(
      act('admin.vm.CreateDisposable', 'dom0'),
      '2|QubesException||Refusing to create disposable out of app qube which has template_for_dispvms=False|',
    )
    assert.equal(act('admin.vm.CreateDisposable', 'win11-office'), '0|disp1001')
    assert.deepEqual(heard(), [
      '@ domain-add',
      'disp1001 domain-create-on-disk',
      'disp1001 domain-tag-add:created-by-dom0',
      'disp1001 domain-tag-add:disp-created-by-dom0',
    ])
    assert.match(act('admin.vm.CreateDisposable', 'win11-office', 'uuid'), /^0\|uuid:[0-9a-f-]{36}$/)
    assert.match(act('admin.vm.CreateDisposable', 'win11-office', 'bogus'), /^2\|(QubesValue|Protocol)Error/)
    assert.equal(act('admin.vm.property.Get+label', 'disp1001'), '0|default=False type=label blue')
    for (const [qube, end] of [
      ['disp1001', 'Shutdown'],
      ['disp1002', 'Kill'],
    ] as const) {
      assert.equal(act('admin.vm.Start', qube), '0|')
      assert.equal(act(`admin.vm.${end}`, qube), '0|')
      assert.deepEqual(heard().slice(-2), ['@ domain-pre-delete', '@ domain-delete'])
      assert.equal(simulator.host.qubes.has(qube), false)
    }
  })

  test(`${release}: as many disposables are kept ready as the feature says`, async (t) => {
    const { simulator, act } = await begin(t, release)
    prepare(act)
    const { qubes } = simulator.host
    const ready = (): string | undefined => qubes.get('win11-office')?.features.get('preload-dispvm')
    const limit = (value: string): string =>
      act('admin.vm.feature.Set+preload-dispvm-max', 'win11-office', value)
    assert.equal(limit('x'), '2|QubesValueError||Invalid preload-dispvm-max value: not a digit|')
    assert.equal(limit('2'), '0|')
    assert.equal(ready(), 'disp1001 disp1002')
    const first = qubes.get('disp1001')
    assert.equal(first?.state, 'Paused')
    assert.equal(first.features.get('internal'), '1')
    assert.equal(act('admin.vm.property.Get+is_preload', 'disp1001'), '0|default=True type=bool True')

    assert.equal(act('admin.vm.CreateDisposable', 'win11-office'), '0|disp1001')
    assert.equal(first.state, 'Running')
    assert.equal(first.features.has('internal'), false)
    assert.equal(ready(), 'disp1002 disp1003', 'another one takes its place')

    assert.equal(act('admin.vm.Unpause', 'disp1002'), '0|')
    assert.equal(ready(), 'disp1003 disp1004', 'one that was woken up by hand is used')

    for (const used of ['disp1001', 'disp1002']) assert.equal(act('admin.vm.Kill', used), '0|')
    assert.equal(act('admin.vm.property.Set+template', 'win11-office', 'fedora-42'), '0|')
    const later = (ready() ?? '').split(' ')
    assert.equal(later.length, 2)
    assert.deepEqual(
      [...qubes.keys()].filter((name) => name.startsWith('disp')),
      later,
      'those of the old template have gone',
    )
    assert.equal(act('admin.vm.feature.Set+qrexec', 'fedora-42', '1'), '0|')
    assert.equal(limit('0'), '0|')
    assert.equal(ready(), '')
    assert.deepEqual(
      [...qubes.keys()].filter((name) => name.startsWith('disp')),
      [],
    )
  })
}

test('a qube without the services that its agent has to announce cannot be kept ready', async (t) => {
  for (const [release, missing] of [
    ['4.3', "RPC 'qubes.WaitForRunningSystem'"],
    ['4.4', "RPC(s) 'qubes.WaitForRunningSystem, qubes.WaitForSession'"],
  ] as const) {
    const { act } = await begin(t, release)
    act('admin.vm.property.Set+template_for_dispvms', 'win11-office', 'True')
    assert.equal(
      act('admin.vm.feature.Set+preload-dispvm-max', 'win11-office', '1'),
      `2|QubesValueError||Qube does not support the ${missing}|`,
    )
    assert.equal(
      act('admin.vm.CreateDisposable+preload', 'win11-office'),
      `2|QubesValueError||Qube does not support the ${missing} but tried to preload, check if template is outdated|`,
    )
    assert.equal(
      act('admin.vm.feature.Set+preload-dispvm-delay', 'win11-office', 'x'),
      '2|QubesValueError||Invalid preload-dispvm-delay value: not an integer or float|',
    )
  }
})
