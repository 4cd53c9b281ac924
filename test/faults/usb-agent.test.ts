import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type AgentConfig } from '../../spec/agent/model.ts'
import { agentWorld, type AgentWorld } from '../agent/world.ts'
import { windowsHost } from '../support/fixtures.ts'
import { startHost, type TestHost } from '../support/host.ts'
import { act } from '../support/requests.ts'

/** An agent attaches again what a running qube has lost, where its drift policy for the device says so. */

const DEVICE = 'usb/sys-usb+2-1:*'
const PORT = 'sys-usb 2-1'
const MINUTE = 60_000

type Drift = Readonly<Record<string, 'correct' | 'report'>>

const policyOf = (drift: Drift): AgentConfig['policy'] => ({
  commits: 'apply',
  drift: new Map(Object.entries(drift)),
  withdraw: 'apply',
})

interface Kept extends AgentWorld {
  readonly host: TestHost
  readonly qube: () => string | undefined
  readonly detach: () => void
  readonly attaches: () => number
}

/** An agent on a host where `win-a` runs with its device, and has nothing left to do. */
async function kept(t: TestContext, drift: Drift, more = ''): Promise<Kept> {
  const fixture = windowsHost([{ name: 'win-a', state: 'Halted' }])
  const host = await startHost(t, { fixture })
  const world = agentWorld(host, { policy: policyOf(drift) })
  t.after(() => world.stop())
  world.branch.commit(
    `apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: { stubdom: { qrexec: true }, usb: { "sys-usb+2-1:*": auto-attach }${more} }\n`,
  )
  world.begin()
  await world.pass(1000)
  act(host.simulator, { dest: 'win-a', method: 'admin.vm.Start', arg: '', payload: '' })
  await world.pass(1000)
  const qube = (): string | undefined => host.simulator.host.attachments.get(PORT)
  assert.equal(qube(), 'win-a')
  host.simulator.clearLog()
  return Object.assign(world, {
    host,
    qube,
    detach() {
      const [device] = host.simulator.host.usb.get('sys-usb') ?? []
      assert.equal(device?.port, '2-1')
      const identity = `${device.vendor_product}:${device.serial ?? ''}:${device.interfaces.map((one) => `u${one}`).join('')}`
      act(host.simulator, {
        dest: 'win-a',
        method: 'admin.vm.device.usb.Detach',
        arg: `sys-usb+2-1:${identity}`,
        payload: '',
      })
    },
    attaches: () => host.simulator.requests.filter(({ method }) => method.endsWith('.Attach')).length,
  })
}

for (const drift of [{ default: 'correct' }, { usb: 'correct' }, { [DEVICE]: 'correct' }] as const) {
  test(`a device that was lost is attached again at once: ${JSON.stringify(drift)}`, async (t) => {
    const agent = await kept(t, drift)
    agent.detach()
    assert.equal(agent.qube(), undefined)
    await agent.pass(1000)
    assert.equal(agent.qube(), 'win-a')
    assert.deepEqual(
      agent.log.filter((line) => line.includes(DEVICE)),
      [`info win-a/${DEVICE}: attached again`],
    )
  })
}

test('a device that was lost while nothing was heard is attached again by the next comparison', async (t) => {
  const agent = await kept(t, { usb: 'correct' })
  agent.host.simulator.host.attachments.delete(PORT)
  await agent.pass(59 * MINUTE)
  assert.equal(agent.qube(), undefined)
  await agent.pass(2 * MINUTE)
  assert.equal(agent.qube(), 'win-a')
})

for (const [drift, more] of [
  [{ default: 'report' }, ''],
  [{ default: 'correct', usb: 'report' }, ''],
  [{ default: 'correct' }, ', drift: { usb: report }'],
] as const) {
  test(`a device that was lost is left where drift is reported: ${JSON.stringify(drift)}${more}`, async (t) => {
    const agent = await kept(t, drift, more)
    agent.detach()
    await agent.pass(2 * 60 * MINUTE)
    assert.equal(agent.attaches(), 0)
  })
}

test('a device that is detached each time is attached later and later, and told as a conflict', async (t) => {
  const agent = await kept(t, { usb: 'correct' })
  for (const minutes of [0, 1, 2, 4]) {
    agent.detach()
    await agent.pass(minutes * MINUTE + 2000)
    assert.equal(agent.qube(), 'win-a', `after ${minutes} minutes`)
  }
  const waits = agent.memory().corrections[`win-a/${DEVICE}`]
  assert.equal(waits?.times, 4)
  agent.detach()
  await agent.pass(7 * MINUTE)
  assert.equal(agent.attaches(), 4, 'eight minutes after the fourth')
  await agent.pass(2 * MINUTE)
  assert.equal(agent.attaches(), 5)
  assert.match(
    agent.log.join('\n'),
    /warn win-a\/usb\S+: attached again and again, and lost each time: a conflict/,
  )
})

test('an attach that is refused is tried again later and later, and the log says why', async (t) => {
  const agent = await kept(t, { usb: 'correct' })
  agent.host.simulator.setFaults([{ match: { method: 'admin.vm.device.usb.Attach' }, do: 'refuse' }])
  agent.detach()
  await agent.pass(10 * MINUTE)
  assert.equal(agent.attaches(), 4, 'at once, and after one, two and four minutes')
  assert.match(
    agent.log.join('\n'),
    /warn win-a\/usb\S+: cannot be attached again: admin\.vm\.device\.usb\.Attach/,
  )
  agent.host.simulator.setFaults([])
  await agent.pass(10 * MINUTE)
  assert.equal(agent.qube(), 'win-a')
})

test('a device that another qube has, one that is not plugged in, and those of a suspended agent are left', async (t) => {
  const agent = await kept(t, { usb: 'correct' })
  agent.host.simulator.host.attachments.set(PORT, 'sys-net')
  agent.nudge()
  await agent.pass(MINUTE)
  assert.equal(agent.qube(), 'sys-net')
  const devices = agent.host.simulator.host.usb.get('sys-usb') ?? []
  agent.host.simulator.host.attachments.delete(PORT)
  agent.host.simulator.host.usb.set('sys-usb', devices.slice(1))
  agent.nudge()
  await agent.pass(MINUTE)
  agent.host.simulator.host.usb.set('sys-usb', devices)
  await agent.store().suspend({ by: 'ann', since: '2026-11-26T08:00:00Z', until: null, why: '' })
  agent.nudge()
  await agent.pass(MINUTE)
  assert.equal(agent.attaches(), 0)
  await agent.store().suspend(null)
  agent.nudge()
  await agent.pass(MINUTE)
  assert.equal(agent.qube(), 'win-a')
})

test('a policy that only reports reads no device', async (t) => {
  const agent = await kept(t, { default: 'report' })
  agent.nudge()
  await agent.pass(MINUTE)
  assert.deepEqual(
    agent.host.simulator.requests.filter(({ method }) => method.endsWith('.Available')),
    [],
  )
})

test('a device that only a record names, whoever wrote that, is attached to no qube', async (t) => {
  const agent = await kept(t, { usb: 'correct' })
  const features = agent.host.simulator.host.qubes.get('win-a')!.features
  const entry = '"usb/sys-usb+2-1:*":{"mode":"auto-attach"}'
  const record = features.get('qstate.applied') ?? ''
  const forged = record.replace(entry, `${entry},"usb/sys-usb+2-2:*":{"mode":"auto-attach"}`)
  assert.notEqual(forged, record)
  features.set('qstate.applied', forged)
  await agent.pass(2 * 60 * MINUTE)
  assert.equal(agent.attaches(), 0)
  assert.ok(agent.host.simulator.host.usb.get('sys-usb')?.some(({ port }) => port === '2-2'))
})
