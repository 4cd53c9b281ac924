import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mayRestart } from '../../reconciler/index.ts'
import { type Host, simulatedHost } from './run-cli.ts'

const WINDOWS_10 = 'examples/windows-10.yaml'

const restarts = (host: Host): string[] =>
  host.simulator.requests
    .filter((r) => /\.(?:Shutdown|Start|Kill)$/.test(r.method))
    .map((r) => `${r.method} ${r.dest}`)

test('a running qube is not restarted unless the spec or a flag says so', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', WINDOWS_10)
  assert.deepEqual(restarts(host), [])
})

test('--restart now restarts what waits, cleanly, and then nothing waits', async (t) => {
  for (const release of ['4.2', '4.3', '4.4'] as const) {
    const host = await simulatedHost(t, { release })
    const { code, out } = await host.qstate('apply', '--yes', '--restart', 'now', WINDOWS_10)
    assert.equal(code, 0, out)
    assert.match(out, /✓ win10-work {2}restarted/)
    assert.deepEqual(restarts(host), ['admin.vm.Shutdown win10-work', 'admin.vm.Start win10-work'])
    const { out: status } = await host.qstate('status', '--json', WINDOWS_10)
    assert.deepEqual((JSON.parse(status) as { qubes: { waiting: string[] }[] }).qubes[0]?.waiting, [])
  }
})

test('a later apply restarts what waits since an earlier one, with no other write', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', WINDOWS_10)
  host.simulator.clearLog()
  const { code } = await host.qstate('apply', '--yes', '--restart', 'now', WINDOWS_10)
  assert.equal(code, 0)
  assert.deepEqual(
    host.simulator.requests.filter((r) => r.write).map((r) => r.method),
    ['admin.vm.Shutdown', 'admin.vm.Start'],
  )
})

test('a halted qube is not started, and a qube for which nothing waits is not restarted', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', '--restart', 'now', 'examples/windows-7-oem.yaml')
  await host.qstate('apply', '--yes', '--restart', 'now', WINDOWS_10)
  host.simulator.clearLog()
  await host.qstate('apply', '--yes', '--restart', 'now', WINDOWS_10)
  assert.deepEqual(restarts(host), [])
})

test('the spec says when: now, never over a flag, ask at a terminal, a window', async (t) => {
  const spec = (host: Host, restart: string): string => {
    const path = join(host.folder, 'spec.yaml')
    writeFileSync(
      path,
      `apiVersion: qstate/v1\nqubes:\n  win10-work:\n    restart: ${restart}\n    qube: { memory: 6144 }\n`,
    )
    return path
  }
  const CASES = [
    { restart: 'now', world: {}, argv: [], restarted: true },
    { restart: 'now', world: {}, argv: ['--restart', 'never'], restarted: false },
    { restart: 'never', world: {}, argv: [], restarted: false },
    { restart: 'ask', world: {}, argv: [], restarted: false },
    { restart: 'ask', world: { terminal: true, answers: ['y'] }, argv: [], restarted: true },
    { restart: 'ask', world: { terminal: true, answers: ['n'] }, argv: [], restarted: false },
  ]
  for (const { restart, world, argv, restarted } of CASES) {
    const host = await simulatedHost(t)
    const { code, err } = await host.qstateWith(world, 'apply', '--yes', ...argv, spec(host, restart))
    assert.equal(code, 0, err)
    assert.equal(restarts(host).length > 0, restarted, `${restart} ${argv.join(' ')}`)
  }
})

test('a window holds from its first minute to before its last, over midnight too', () => {
  const at = (window: string, time: string): string => {
    const [hours = 0, minutes = 0] = time.split(':').map(Number)
    return mayRestart({ window }, hours * 60 + minutes)
  }
  assert.deepEqual(
    ['21:59', '22:00', '23:59'].map((time) => at('22:00-06:00', time)),
    ['no', 'yes', 'yes'],
  )
  assert.deepEqual(
    ['00:00', '05:59', '06:00'].map((time) => at('22:00-06:00', time)),
    ['yes', 'yes', 'no'],
  )
  assert.deepEqual(
    ['11:59', '12:00', '13:00'].map((time) => at('12:00-13:00', time)),
    ['no', 'yes', 'no'],
  )
})

test('a qube that does not shut down in time is left running, never killed, and goes on waiting', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.Shutdown' }, do: 'pretend' }])
  const { code, out } = await host.qstate(
    'apply',
    '--yes',
    '--restart',
    'now',
    '--restart-timeout',
    '3',
    WINDOWS_10,
  )
  assert.equal(code, 3)
  assert.match(out, /✗ win10-work {2}not stopped\n\s+not halted after 3 s/)
  assert.deepEqual(restarts(host), ['admin.vm.Shutdown win10-work'])
  assert.match((await host.qstate('status', WINDOWS_10)).out, /waits for its next start/)
})

test('a qube that does not start again is told, with what qubesd says', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.Start' }, do: 'refuse' }])
  const { code, out } = await host.qstate('apply', '--yes', '--restart', 'now', WINDOWS_10)
  assert.equal(code, 3)
  assert.match(out, /✗ win10-work {2}stopped, not started\n\s+admin\.vm\.Start on win10-work: refused/)
})

test('a qube whose apply failed is not restarted', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.property.Set', arg: 'memory' }, do: 'refuse' }])
  await host.qstate('apply', '--yes', '--restart', 'now', WINDOWS_10)
  assert.deepEqual(restarts(host), [])
})
