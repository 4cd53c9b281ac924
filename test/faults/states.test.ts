import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { act } from '../support/requests.ts'

/** A qube that neither runs nor is halted is shown as it is, with what can be done, and is not restarted. */

const ended = (host: Host): readonly string[] =>
  host.simulator.requests.flatMap(({ method }) =>
    /[.](?:Shutdown|Kill|Start)$/.test(method) ? [method] : [],
  )

const flat = (text: string): string => text.replace(/\s+/g, ' ')

for (const { state, todo } of [
  { state: 'Crashed', todo: /end it \(`qvm-kill win10-work`\)/ },
  { state: 'Suspended', todo: /it wakes up with the host/ },
  { state: 'Paused', todo: /unpause it \(`qvm-unpause win10-work`\)/ },
] as const) {
  for (const release of ['4.3', '4.4'] as const) {
    test(`${release}: a ${state.toLowerCase()} qube is shown as such, with what can be done, and is not restarted`, async (t) => {
      const host = await simulatedHost(t, { release })
      const path = host.write(
        'spec.yaml',
        'apiVersion: qstate/v1\nname: test\nqubes: { win10-work: { restart: now, qube: { memory: 6144 } } }\n',
      )
      host.simulator.setState('win10-work', state)
      const plan = await host.qstate('plan', path)
      assert.match(plan.out, new RegExp(`win10-work StandaloneVM, ${state.toLowerCase()}`))
      assert.match(flat(plan.out), todo)
      const apply = await host.qstate('apply', '--yes', '--restart-kill', path)
      assert.equal(apply.code, 3, apply.out)
      assert.match(flat(apply.out), todo)
      assert.doesNotMatch(apply.out, /policy/)
      assert.deepEqual(ended(host), [])
      const status = await host.qstate('status', path)
      assert.match(status.out, new RegExp(`^win10-work +${state.toLowerCase()} +as wanted`, 'm'))
      assert.match(flat(status.out), todo)
      const { qubes } = JSON.parse((await host.qstate('status', '--json', path)).out) as {
        qubes: { power: string; running: boolean }[]
      }
      assert.deepEqual(
        qubes.map(({ power, running }) => [power, running]),
        [[state.toLowerCase(), true]],
      )
    })

    test(`${release}: a ${state.toLowerCase()} qube is a finding of doctor`, async (t) => {
      const host = await simulatedHost(t, { release })
      host.simulator.setState('win10-work', state)
      const { code, out } = await host.qstate('doctor')
      assert.equal(code, state === 'Crashed' ? 1 : 0)
      assert.match(flat(out), todo)
    })
  }
}

test('the simulator kills a crashed qube, and neither starts it nor shuts it down', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setState('win10-work', 'Crashed')
  const state = (): string | undefined => host.simulator.host.qubes.get('win10-work')?.state
  const call = (method: string): void => {
    act(host.simulator, { dest: 'win10-work', method: `admin.vm.${method}`, arg: '', payload: '' })
  }
  call('Start')
  call('Shutdown')
  assert.equal(state(), 'Crashed')
  call('Kill')
  assert.equal(state(), 'Halted')
})
