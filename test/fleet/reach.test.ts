import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startQstate } from '../support/process.ts'
import { makeRepository } from '../support/repository.ts'
import { tempFolder } from '../support/temp.ts'
import { memoryOf, startSimulators } from './support/fleet.ts'

/** Carries what is asked of a qrexec-client-vm to the simulator. */
const QREXEC = `#!${process.execPath}
const [dest, service] = process.argv.slice(2)
const socket = require('node:net').connect({ path: process.env.FAR_SOCKET, allowHalfOpen: true })
socket.write(service + ' dom0 name ' + dest + '\\0')
process.stdin.pipe(socket)
socket.pipe(process.stdout)
`

/** The same on a far machine. As ssh does, it has a shell read the words. */
const SSH = `#!${process.execPath}
const words = process.argv.slice(process.argv.indexOf('--') + 1)
const [host, program, dest, service] = words.join(' ').split(' ')
if (host !== 'mgmt@far' || program !== '/usr/bin/qrexec-client-vm') process.exit(255)
const socket = require('node:net').connect({ path: process.env.FAR_SOCKET, allowHalfOpen: true })
socket.write(service + ' dom0 name ' + dest + '\\0')
process.stdin.pipe(socket)
socket.pipe(process.stdout)
`

for (const [what, program, reach] of [
  ['by ssh, with nothing there but a qube that has qrexec', ['ssh', SSH], '{ ssh: mgmt@far }'],
  ['by the qrexec-client-vm that the operator names', ['client', QREXEC], 'qrexec'],
] as const)
  test(`a host is reached ${what}`, async (t) => {
    const folder = tempFolder(t)
    const machines = await startSimulators(t, folder, ['far'])
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, program[0]), program[1], { mode: 0o755 })
    const repository = makeRepository(t, join(folder, 'r'))
    const commit = (memory: number, more = ''): string =>
      repository.commit({
        'fleet.yaml': `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [base.yaml]
hosts: { far: { reach: ${reach} } }
---
apiVersion: qstate/v1
kind: Rollout
name: everyone
revision: main
waves: [{}]
`,
        'base.yaml': `apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { memory: ${memory} }${more} }\n`,
      })
    const first = commit(5000)
    const env = {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      FAR_SOCKET: machines.get('far')!.socket,
      QSTATE_STATE_DIR: join(folder, 'state'),
      QSTATE_FLEET: join(folder, 'r', 'fleet.yaml'),
      ...(reach === 'qrexec' ? { QSTATE_QREXEC_CLIENT: join(bin, 'client') } : {}),
    }
    const plan = await startQstate(['rollout', 'plan'], env).ended
    assert.equal(plan.code, 0, plan.err)
    assert.match(plan.out, /far\n {4}win10-work {2}qube\/memory: 8192 → 5000/)
    const started = await startQstate(['rollout', 'start'], env).ended
    assert.equal(started.code, 0, started.err + started.out)
    assert.equal(memoryOf(machines.get('far')), 5000)

    // What cannot be applied there is taken back there.
    commit(4000, ', audio: { audiovm: no-such-qube }')
    const bad = await startQstate(['rollout', 'start'], env).ended
    assert.equal(bad.code, 1, bad.err + bad.out)
    assert.equal(memoryOf(machines.get('far')), 5000)
    const status = await startQstate(['fleet', 'status'], env).ended
    assert.match(status.out, new RegExp(`far +${first.slice(0, 12)} +applied, restart waits +none`))
  })

test('a host whose daemon does not answer is given nothing, and gets it once it is back', async (t) => {
  const folder = tempFolder(t)
  const machines = await startSimulators(t, folder, ['near', 'far'])
  makeRepository(t, join(folder, 'r')).commit({
    'fleet.yaml': `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [base.yaml]
hosts: { near: { reach: { socket: ../near.sock } }, far: { reach: { socket: ../far.sock } } }
---
apiVersion: qstate/v1
kind: Rollout
name: everyone
revision: main
canary: { hosts: [near] }
waves: [{}]
away: { after: 1s, then: later }
`,
    'base.yaml': 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { memory: 5000 } }\n',
  })
  const env = { QSTATE_STATE_DIR: join(folder, 'state'), QSTATE_FLEET: join(folder, 'r', 'fleet.yaml') }
  await machines.get('far')!.simulator.close()
  const started = startQstate(['rollout', 'start'], env)
  t.after(() => started.child.kill('SIGKILL'))
  await started.said('1 away, given it later')
  const held = await startQstate(['fleet', 'status'], env).ended
  assert.match(
    held.out,
    /far +none +idle +unknown +just now\n +held: its host cannot be asked: .* there is no socket/,
  )
  const [back] = (await startSimulators(t, folder, ['far'])).values()
  const { code, out } = await started.ended
  assert.equal(code, 0, out)
  assert.equal(memoryOf(back), 5000)
})
