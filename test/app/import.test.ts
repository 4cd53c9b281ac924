import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectManaged } from '../../app/host/connect.ts'
import { importQubes } from '../../app/import/import-qubes.ts'
import { listDevices } from '../../app/inspect/devices.ts'
import { showQubes } from '../../app/inspect/show.ts'
import { planSpec } from '../../app/plan/plan-spec.ts'
import { loadSpec } from '../../app/source/load.ts'
import { usbAssign } from '../../qubesd/calls.ts'
import { hasCode } from '../../spec/diagnostics/problem.ts'
import { startHost } from '../support/host.ts'
import { act } from '../support/requests.ts'
import { at, targetOf, testContext, write } from './world.ts'

const STICK = { backend: 'sys-usb', port: '3-1', identity: '*' }

test('qubes are imported as a spec that plans to no change of a value', async (t) => {
  const host = await startHost(t)
  const context = testContext(host.folder)
  const connected = await connectManaged(targetOf(host), context)
  const imported = await importQubes([], { all: false }, connected, context)
  assert.ok(imported.qubes.includes('win10-work'), imported.qubes.join())
  assert.equal(imported.chosenFrom, connected.qubes.length - 1)
  const spec = await loadSpec(at(write(host.folder, 'imported.yaml', imported.yaml)), context)
  const plan = await planSpec(spec, connected, { targets: [], parallelism: 4, explain: 'no' }, context)
  assert.deepEqual(
    plan.qubes.flatMap(({ changes, blocked }) => [...changes, ...blocked]),
    [],
  )
  assert.equal(host.simulator.writes(), 0)
})

test('devices that cannot be listed get other names, and a warning says why', async (t) => {
  const host = await startHost(t)
  act(host.simulator, usbAssign('win10-work', STICK, 'auto-attach'))
  const context = testContext(host.folder)
  const connected = await connectManaged(targetOf(host), context)
  host.simulator.setFaults([{ match: { method: 'admin.vm.device.usb.Available' }, do: 'refuse' }])
  const { yaml } = await importQubes(['win10-work'], { all: false }, connected, context)
  assert.match(yaml, /port-3-1/)
  assert.deepEqual(
    context.warnings.map(({ code }) => code),
    ['devices-unknown'],
  )
  const { devices, unread } = await listDevices(connected)
  assert.deepEqual(devices, [])
  assert.ok(unread.length > 0 && unread.every(({ code }) => code === 'refused'), JSON.stringify(unread))
})

test('a qube is shown with where each value comes from; an unknown one fails by its code', async (t) => {
  const host = await startHost(t)
  const context = testContext(host.folder)
  const connected = await connectManaged(targetOf(host), context)
  const [office] = await showQubes(['win11-office'], connected)
  const origins = new Set(office?.settings.map(({ origin }) => origin))
  assert.ok(origins.has('set') && origins.has('template'), [...origins].join())
  await assert.rejects(showQubes(['win10-wrok'], connected), (error) => hasCode(error, 'unknown-qube'))
})
