import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begin } from './begin.ts'

/** What becomes of a request to create a qube. */

const NEW = 'name=fresh label=red'

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: a disposable is made from a disposable template only, and the refusal names the qube`, async (t) => {
    const { simulator, act } = await begin(t, release)
    for (const template of ['dom0', 'win10-work', 'win11-template', 'win11-office']) {
      assert.equal(
        act(`admin.vm.Create.DispVM+${template}`, 'dom0', NEW),
        `2|QubesValueError||template for disposable (${template}) needs to be an AppVM with template_for_dispvms=True|`,
      )
    }
    assert.equal(
      act('admin.vm.Create.DispVM', 'dom0', NEW),
      '2|QubesValueError||Template for the qube not specified, nor default template set.|',
    )
    assert.equal(
      act('admin.vm.Create.DispVM+nosuch', 'dom0', NEW),
      "2|QubesVMNotFoundError||No such domain: 'nosuch'|",
    )
    assert.equal(simulator.host.qubes.has('fresh'), false)
  })

  test(`${release}: a qube that is no template is printed in full where an app qube is made from it`, async (t) => {
    const { simulator, act, heard } = await begin(t, release)
    for (const [template, klass] of [
      ['win10-work', 'StandaloneVM'],
      ['win11-office', 'AppVM'],
    ] as const) {
      const answer = act(`admin.vm.Create.AppVM+${template}`, 'dom0', NEW)
      const qid = String(simulator.host.qubes.get(template)?.properties.get('qid'))
      const start = `2|QubesPropertyValueError||wrong VM class: domains[<${klass} at 0x`
      assert.ok(answer.startsWith(start), answer)
      assert.ok(answer.includes(` name='${template}' qid=${qid} autostart=False `), answer)
      assert.ok(answer.endsWith(`>] is of type ${klass} and not TemplateVM|`), answer)
      assert.deepEqual(heard(), [])
    }
    assert.equal(act('admin.vm.Create.AppVM+dom0', 'dom0', NEW), '', 'dom0 has no volumes')
    assert.equal(simulator.host.qubes.has('fresh'), false)
  })

  test(`${release}: what makes disposables has the icon of a template if it has a template itself`, async (t) => {
    const { act } = await begin(t, release)
    for (const [qube, icon] of [
      ['win11-office', 'templatevm-blue'],
      ['win10-home', 'standalonevm-green'],
    ] as const) {
      assert.equal(act('admin.vm.property.Set+template_for_dispvms', qube, 'True'), '0|')
      assert.equal(act('admin.vm.property.Get+icon', qube), `0|default=True type=str ${icon}`)
    }
  })
}

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: without a template of its own an app qube needs the default one, which may be none, or not there`, async (t) => {
    const { act } = await begin(t, release)
    assert.equal(act('admin.property.Set+default_template', 'dom0', ''), '0|')
    assert.equal(
      act('admin.vm.Create.AppVM', 'dom0', NEW),
      '2|QubesValueError||Template for the qube not specified, nor default template set.|',
    )
    assert.equal(act('admin.property.Reset+default_template', 'dom0'), '0|')
    assert.equal(act('admin.vm.Create.AppVM', 'dom0', NEW), '')
  })
}

test('4.4 takes the option template for a strange one where the template of the argument is not there', async (t) => {
  const { act } = await begin(t, '4.4')
  const options = `${NEW} template=fedora-42`
  assert.equal(
    act('admin.vm.Create.AppVM+nosuch', 'dom0', options),
    '2|ProtocolError||Options does not match: name, label, pool, pool:|',
  )
  assert.equal(
    act('admin.vm.Create.AppVM+win11-template', 'dom0', options),
    '2|ProtocolError||Options must be unique|',
  )
})
