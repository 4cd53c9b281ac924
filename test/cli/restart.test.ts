import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mayRestart, restartQube, type RestartReport } from '../../reconciler/applying/restart.ts'
import { type Code, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { act } from '../support/requests.ts'
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
  for (const release of ['4.3', '4.4'] as const) {
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

test('a qube that does not shut down in time is killed where that is asked for, and told', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.Shutdown' }, do: 'pretend' }])
  const argv = ['--restart', 'now', '--restart-timeout', '3', '--restart-kill']
  const { code, out } = await host.qstate('apply', '--yes', ...argv, WINDOWS_10)
  assert.equal(code, 0, out)
  assert.match(out, /✓ win10-work {2}restarted\n {4}was killed, since it had not shut down in time/)
  assert.deepEqual(
    restarts(host).map((call) => call.split(' ')[0]),
    ['admin.vm.Shutdown', 'admin.vm.Kill', 'admin.vm.Start'],
  )
  // One that shuts down is not killed.
  const other = await simulatedHost(t)
  await other.qstate('apply', '--yes', ...argv, WINDOWS_10)
  assert.ok(!restarts(other).some((call) => call.includes('Kill')))
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

/** Restarts a qube of a host that is in these states one after the other, and answers a start as it is told. */
async function restartOn(
  states: (string | QstateError)[],
  start: () => Promise<void>,
): Promise<{ report: RestartReport; seen: string[] }> {
  const seen: string[] = []
  const host = {
    write: ({ method }: { method: string }) => (method === 'admin.vm.Start' ? start() : Promise.resolve()),
    state: () => {
      const state = states.length > 1 ? (states.shift() ?? '') : (states[0] ?? '')
      return typeof state === 'string' ? Promise.resolve(state) : Promise.reject(state)
    },
  }
  const report = await restartQube('win', {
    host: host as unknown as Parameters<typeof restartQube>[1]['host'],
    signal: new AbortController().signal,
    patience: 5,
    tick: () => Promise.resolve(),
    onProgress: (_, doing, seconds) => seen.push(`${doing} ${seconds}`),
  })
  return { report, seen }
}

test('a restarted qube is waited for until it is ready, with progress', async () => {
  const states = ['Running', 'Halted', 'Transient', 'Transient', 'Running']
  const { report, seen } = await restartOn(states, () => Promise.resolve())
  assert.equal(report.status, 'restarted')
  assert.deepEqual(seen, ['shutting down 0', 'shutting down 1', 'starting 0', 'starting 1', 'starting 2'])
})

test('a start that takes longer than a call may is waited for all the same', async () => {
  const slow = (): Promise<void> => Promise.reject(new QstateError(problem('timeout', 'no answer', '')))
  const { report } = await restartOn(['Halted', 'Transient', 'Transient', 'Running'], slow)
  assert.equal(report.status, 'restarted')
})

test('a qube whose qrexec does not come is told after the time-out, and goes on starting', async () => {
  for (const start of [() => Promise.resolve(), () => new Promise<void>(() => undefined)]) {
    const { report, seen } = await restartOn(['Halted', 'Transient'], start)
    assert.equal(report.status, 'started, not ready')
    assert.equal(report.error?.code, 'not-ready')
    assert.equal(seen.at(-1), 'starting 5')
  }
})

test('a state that qubesd does not tell for a while is asked for again, and the qube is not left halted', async () => {
  const silent = (code: Code) => new QstateError(problem(code, 'no answer', 'x'))
  for (const code of ['refused', 'timeout'] as const) {
    const states = ['Running', silent(code), 'Halted', silent(code), 'Transient', 'Running']
    const { report } = await restartOn(states, () => Promise.resolve())
    assert.equal(report.status, 'restarted', code)
  }
  const { report } = await restartOn(['Halted', silent('refused')], () => Promise.resolve())
  assert.equal(report.status, 'started, not ready')
  assert.equal(report.error?.code, 'refused', 'why it is not known is told')
  const gone = await restartOn(['Halted', silent('daemon-unreachable'), 'Running'], () => Promise.resolve())
  assert.equal(gone.report.error?.code, 'daemon-unreachable')
})

test('a start that fails while it is waited for is told with its reason', async () => {
  const fails = (): Promise<void> =>
    Promise.reject(new QstateError(problem('daemon-error', 'no memory', 'x')))
  const { report } = await restartOn(['Halted', 'Transient'], fails)
  assert.deepEqual(report, {
    qube: 'win',
    status: 'stopped, not started',
    error: { code: 'daemon-error', message: 'no memory', hint: 'x' },
  })
})

test('an apply whose qube is not ready in time is done in part', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.Start' }, do: 'pretend' }])
  const argv = ['apply', '--yes', '--restart', 'now', '--restart-timeout', '3', WINDOWS_10]
  const { code, out } = await host.qstate(...argv)
  assert.equal(code, 3)
  assert.match(out, /✗ win10-work {2}started, not ready\n\s+not ready after 3 s/)
})

/** Someone attaches the webcam by hand. */
const attachWebcam = (host: Host): void => {
  host.simulator.host.attachments.set('sys-usb 2-1', 'win10-work')
}

/** Waits for a restart, and has no device. */
const memorySpec = (host: Host, more = ''): string => {
  const path = join(host.folder, 'memory.yaml')
  const body = `apiVersion: qstate/v1\nqubes:\n  win10-work:\n    qube: { memory: 6144 }\n${more}`
  writeFileSync(path, body)
  return path
}

test('devices attached by hand are told before the question, and after the restart', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const host = await simulatedHost(t, { release })
    attachWebcam(host)
    const asked = { terminal: true, answers: ['y'] }
    const { code, out, err } = await host.qstateWith(
      asked,
      'apply',
      '--yes',
      '--restart',
      'ask',
      memorySpec(host),
    )
    assert.equal(code, 0, out + err)
    assert.match(err, /Attached by hand, and not attached again: sys-usb\+2-1\.\nRestart win10-work/)
    assert.match(out.replace(/\s+/g, ' '), /was attached by hand, and is not attached again: sys-usb\+2-1/)
  }
})

test('a device that an assignment gives back, whatever it leaves open, was not attached by hand', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    for (const device of ['sys-usb+2-1:*', 'sys-usb+*:046d:0843:CAM00001:u0e0100u0e0200u010100']) {
      const host = await simulatedHost(t, { release })
      const usb = `    usb: { "${device}": auto-attach }\n    stubdom: { qrexec: true }\n`
      const first = await host.qstate('apply', '--yes', '--restart', 'now', memorySpec(host, usb))
      assert.equal(first.code, 0, first.out + first.err)
      act(host.simulator, {
        dest: 'win10-work',
        method: 'admin.vm.feature.Set',
        arg: 'stubdom-qrexec',
        payload: '',
      })
      const again = await host.qstate('apply', '--yes', '--restart', 'now', memorySpec(host, usb))
      assert.equal(again.code, 0, again.out + again.err)
      assert.match(again.out, /restarted/)
      assert.doesNotMatch(again.out, /by hand/, device)
    }
  }
})

test('a qube that would not start again is not shut down: a required device is not there', async (t) => {
  const host = await simulatedHost(t)
  const path = memorySpec(host, '    stubdom: { qrexec: true }\n    usb: { "sys-usb+9-9:*": required }\n')
  const { code, out } = await host.qstate('apply', '--yes', '--restart', 'now', path)
  assert.equal(code, 3)
  assert.match(
    out,
    /✗ win10-work {2}failed\n\s+it would not start again: the device\s+sys-usb\+9-9:\* is required, and it is not plugged in/,
  )
  assert.deepEqual(restarts(host), [])
})

test('a disposable that would be removed by its shutdown is not shut down', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const host = await simulatedHost(t, { release })
    const call = (dest: string, method: string, arg: string, payload: string): void => {
      act(host.simulator, { dest, method, arg, payload })
    }
    call('dom0', 'admin.vm.Create.AppVM', 'fedora-42', 'name=a-dvm label=red')
    call('a-dvm', 'admin.vm.property.Set', 'template_for_dispvms', 'True')
    call('dom0', 'admin.vm.Create.DispVM', 'a-dvm', 'name=a-disp label=red')
    call('a-disp', 'admin.vm.property.Set', 'auto_cleanup', 'True')
    call('a-disp', 'admin.vm.Start', '', '')
    const path = join(host.folder, 'spec.yaml')
    writeFileSync(path, 'apiVersion: qstate/v1\nqubes: { a-disp: { restart: now, qube: { memory: 500 } } }\n')
    const { code, out } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 3, out)
    assert.match(out, /it is a disposable, and is removed with all its data when it is shut down/)
    assert.deepEqual(restarts(host), [])
    call('a-disp', 'admin.vm.property.Set', 'auto_cleanup', 'False')
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    assert.equal(restarts(host).length, 2)
  }
})

test('a qube that is paused is not shut down: it would halt later, and nobody would start it', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const host = await simulatedHost(t, { release })
    const call = { dest: 'win10-work', arg: '', payload: '' }
    act(host.simulator, { ...call, method: 'admin.vm.Pause' })
    const { code, out } = await host.qstate(
      'apply',
      '--yes',
      '--restart',
      'now',
      '--restart-kill',
      WINDOWS_10,
    )
    assert.equal(code, 3, out)
    assert.match(
      out,
      /it is paused, and does not shut down while it is\n\s+unpause it \(`qvm-unpause win10-work`\)/,
    )
    assert.deepEqual(restarts(host), [])
    act(host.simulator, { ...call, method: 'admin.vm.Unpause' })
    assert.equal((await host.qstate('apply', '--yes', '--restart', 'now', WINDOWS_10)).code, 0)
  }
})

test('a qube that others use is not shut down: qubesd says who they are', async (t) => {
  const host = await simulatedHost(t)
  const set = (dest: string, arg: string, payload: string): void => {
    act(host.simulator, { dest, method: 'admin.vm.property.Set', arg, payload })
  }
  set('win10-work', 'provides_network', 'True')
  set('mgmt', 'netvm', 'win10-work')
  act(host.simulator, { dest: 'mgmt', method: 'admin.vm.Start', arg: '', payload: '' })
  const { code, out } = await host.qstate('apply', '--yes', '--restart', 'now', memorySpec(host))
  assert.equal(code, 3)
  assert.match(out, /✗ win10-work {2}failed/)
  assert.match(out, /connected to this VM: mgmt/)
  assert.match(out, /shut down the qubes that use it/)
  assert.equal(host.simulator.host.qubes.get('win10-work')?.state, 'Running')
})

test('idle-halted restarts nothing: what waits is let through when the qube has been shut down', async (t) => {
  const host = await simulatedHost(t)
  const path = memorySpec(host, '    restart: idle-halted\n')
  const applied = await host.qstate('apply', '--yes', path)
  assert.equal(applied.code, 0)
  assert.match(applied.out, /restarted before all of it counts: win10-work \(once it has been shut down\)/)
  const waits = await host.qstate('status', path)
  assert.equal(waits.code, 0)
  assert.match(waits.out, /waits for its next start \(once it has been shut down\): qube memory/)
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  assert.deepEqual(restarts(host), [])
  act(host.simulator, { dest: 'win10-work', method: 'admin.vm.Shutdown', arg: '', payload: '' })
  host.simulator.clearLog()
  assert.match((await host.qstate('status', path)).out, /halted +as wanted\n/)
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  assert.deepEqual(restarts(host), [], 'a qube that was shut down is left halted')
})

test('what 4.4 changes on a halted qube only is planned so: blocked, or held with idle-halted', async (t) => {
  const host = await simulatedHost(t, { release: '4.4' })
  const body = 'apiVersion: qstate/v1\nqubes:\n  win10-work:\n    qube: { memory: 6144, maxmem: 8192 }\n'
  const path = join(host.folder, 'maxmem.yaml')
  writeFileSync(path, body)
  const plan = await host.qstate('plan', path)
  assert.equal(plan.code, 1)
  assert.match(plan.out, /! qube maxmem: Qubes 4\.4 changes it on a halted qube only/)
  writeFileSync(path, `${body}    restart: idle-halted\n`)
  const held = await host.qstate('apply', '--yes', path)
  assert.equal(held.code, 0, held.out + held.err)
  assert.match(held.out, /qube maxmem → 8192 MiB is held until the qube is found halted/)
  assert.match(
    (await host.qstate('status', path)).out,
    /held\s[^]*held until it is found halted: qube maxmem/,
  )
  const again = await host.qstate('plan', '--detailed-exitcode', path)
  assert.equal(again.code, 2, 'there is something to be changed')
  assert.match(again.out, /Nothing to do now\.\n/)
  act(host.simulator, { dest: 'win10-work', method: 'admin.vm.Shutdown', arg: '', payload: '' })
  const later = await host.qstate('apply', '--yes', path)
  assert.equal(later.code, 0, later.out)
  assert.match(later.out, /~ maxmem/)
  assert.match((await host.qstate('status', path)).out, /All as wanted/)
  act(host.simulator, { dest: 'win10-work', method: 'admin.vm.property.Set', arg: 'maxmem', payload: '7000' })
  writeFileSync(path, `${body}    restart: idle-halted\n`)
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  act(host.simulator, { dest: 'win10-work', method: 'admin.vm.Start', arg: '', payload: '' })
  const back = await host.qstate('rollback', '--yes')
  assert.equal(back.code, 1, 'a rollback knows it, too')
  assert.match(back.out, /! qube maxmem: Qubes 4\.4 changes it on a halted qube only/)
  // 4.3 takes it at any time, for the next start.
  const other = await simulatedHost(t, { release: '4.3' })
  writeFileSync(path, body)
  const { code, out } = await other.qstate('apply', '--yes', path)
  assert.equal(code, 0, out)
  assert.match(out, /~ maxmem .* at its next start/)
})

const waitingIn = async (host: Host, spec: string): Promise<unknown> => {
  const { out } = await host.qstate('status', '--json', spec)
  return (JSON.parse(out) as { qubes: { waiting: string[] }[] }).qubes[0]?.waiting
}

function specOf(host: Host, body: string): string {
  const path = join(host.folder, 'spec.yaml')
  writeFileSync(path, `apiVersion: qstate/v1\nname: test\nqubes:\n  win10-work: ${body}\n`)
  return path
}

test('what a cut-off apply did not reach is not said to be set, and waits once it is', async (t) => {
  const host = await simulatedHost(t)
  const spec = specOf(host, '{ audio: ac97, qube: { memory: 6144, vcpus: 3 } }')
  host.simulator.setFaults([
    { match: { method: 'admin.vm.property.Set', arg: 'vcpus' }, times: 1, do: 'die-before' },
  ])
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 3)
  host.simulator.setFaults([])
  await host.simulator.restart()
  const { out } = await host.qstate('plan', spec)
  assert.match(out, /set already, and waiting for its next start: qube memory$/m)
  assert.deepEqual(await waitingIn(host, spec), ['qube/memory'])
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  assert.deepEqual(await waitingIn(host, spec), ['audio/model', 'qube/memory', 'qube/vcpus'])
})

test('a value that is set back before the qube was restarted waits no longer, whoever sets it back', async (t) => {
  const host = await simulatedHost(t)
  const set = (value: string): void => {
    act(host.simulator, {
      dest: 'win10-work',
      method: 'admin.vm.property.Set',
      arg: 'memory',
      payload: value,
    })
  }
  await host.qstate('apply', '--yes', specOf(host, '{ qube: { memory: 6144, vcpus: 3 } }'))
  const back = await host.qstate('apply', '--yes', specOf(host, '{ qube: { memory: 8192, vcpus: 3 } }'))
  assert.match(back.out, /6144 MiB → 8192 MiB +changed, before it ever counted/)
  assert.match(back.out, /waits for its next start: qube vcpus$/m)
  assert.deepEqual(await waitingIn(host, specOf(host, '{ qube: { memory: 8192, vcpus: 3 } }')), [
    'qube/vcpus',
  ])
  await host.qstate('apply', '--yes', specOf(host, '{ qube: { memory: 5000, vcpus: 3 } }'))
  set('8192')
  const drifted = await host.qstate('plan', specOf(host, '{ qube: { memory: 5000, vcpus: 3 } }'))
  assert.match(drifted.out, /8192 MiB → 5000 MiB +drift, at its next start/)
  assert.match(drifted.out, /set already, and waiting for its next start: qube vcpus$/m)
})

test('a rollback that is cut off leaves waiting what it did not set back, and nothing else', async (t) => {
  const host = await simulatedHost(t)
  const spec = specOf(host, '{ qube: { memory: 6144, vcpus: 3 } }')
  await host.qstate('apply', '--yes', spec)
  host.simulator.setFaults([
    { match: { method: 'admin.vm.property.*', arg: 'vcpus', writesOnly: true }, do: 'refuse' },
  ])
  const cut = await host.qstate('rollback', '--yes')
  assert.match(cut.out, /waits for its next start: qube vcpus$/m)
  host.simulator.setFaults([])
  assert.match(
    (await host.qstate('plan', specOf(host, '{ qube: { vcpus: 3 } }'))).out,
    /next start: qube vcpus$/m,
  )
  const again = await host.qstate('rollback', '--yes', '1')
  assert.equal(again.code, 0, again.out)
  assert.equal(host.simulator.host.qubes.get('win10-work')?.features.has('qstate.applied'), false)
})

test('what waited when a qube was released waits still when that is rolled back', async (t) => {
  const host = await simulatedHost(t)
  const spec = specOf(host, '{ qube: { memory: 6144 } }')
  await host.qstate('apply', '--yes', spec)
  await host.qstate('release', '--yes', 'win10-work')
  await host.qstate('rollback', '--yes')
  assert.deepEqual(await waitingIn(host, spec), ['qube/memory'])
})

/** The time of day so many hours from when commands run in these tests, wherever that is. */
function clock(hours: number): string {
  const now = new Date('2026-11-24T12:00:00Z')
  return `${String((now.getHours() + hours + 24) % 24).padStart(2, '0')}:00`
}

interface Foretold {
  readonly plan: { readonly restarts?: readonly { qube: string; when: string }[] }
}

test('a plan says which qubes its apply restarts, and the question asks for them', async (t) => {
  const host = await simulatedHost(t)
  const waits = specOf(host, '{ qube: { memory: 6144 } }')
  const says = (out: string): boolean =>
    out.includes('To be restarted by the apply, once its values are set: win10-work.')
  const asked = await host.qstateWith({ terminal: true, answers: ['n'] }, 'apply', '--restart', 'now', waits)
  assert.ok(says(asked.out), asked.out)
  assert.match(asked.err, /Apply this, and restart win10-work\? \[y\/N\]/)
  assert.deepEqual(restarts(host), [])
  assert.equal(host.simulator.writes(), 0)
  const plain = await host.qstateWith({ terminal: true, answers: ['n'] }, 'apply', waits)
  assert.match(plain.err, /Apply this\? \[y\/N\]/)
  assert.ok(!says(plain.out))
  for (const [policy, when] of [
    ['now', 'now'],
    [`{ window: "${clock(-1)}-${clock(1)}" }`, 'now'],
    [`{ window: "${clock(2)}-${clock(3)}" }`, null],
    ['ask', 'ask'],
    ['never', null],
  ] as const) {
    const spec = specOf(host, `{ restart: ${policy}, qube: { memory: 6144 } }`)
    const { out } = await host.qstate('plan', spec)
    assert.equal(says(out), when === 'now', out)
    const json = JSON.parse((await host.qstate('plan', '--json', spec)).out) as Foretold['plan']
    assert.deepEqual(json.restarts, when === null ? undefined : [{ qube: 'win10-work', when }], policy)
  }
  const spec = specOf(host, '{ restart: now, qube: { memory: 6144 } }')
  const never = await host.qstateWith({ terminal: true, answers: ['n'] }, 'apply', '--restart', 'never', spec)
  assert.match(never.out, /to be restarted before all of it counts: win10-work\.$/m)
  const done = await host.qstate('apply', '--yes', '--json', '--restart', 'now', waits)
  assert.deepEqual((JSON.parse(done.out) as Foretold).plan.restarts, [{ qube: 'win10-work', when: 'now' }])
})

test('a restart asks where it is all there is to do, unless --yes has been said', async (t) => {
  const host = await simulatedHost(t)
  const spec = specOf(host, '{ qube: { memory: 6144 } }')
  await host.qstate('apply', '--yes', spec)
  const now = ['apply', '--restart', 'now', spec]
  const nobody = await host.qstate(...now)
  assert.equal(nobody.code, 64)
  assert.match(nobody.err, /confirmation needed, but stdin is not a terminal/)
  const no = await host.qstateWith({ terminal: true, answers: ['n'] }, ...now)
  assert.equal(no.code, 1)
  assert.match(no.out, /To be restarted by the apply: win10-work\./)
  assert.match(no.err, /Restart win10-work\? \[y\/N\] Nothing was changed\./)
  assert.deepEqual(restarts(host), [])
  const yes = await host.qstateWith({ terminal: true, answers: ['y'] }, ...now)
  assert.equal(yes.code, 0, yes.out)
  assert.deepEqual(restarts(host), ['admin.vm.Shutdown win10-work', 'admin.vm.Start win10-work'])
  assert.equal((await host.qstate(...now)).code, 0, 'nothing waits any more, and nothing is asked')
})

test('where nobody can be asked about a restart that a flag wants asked, nothing is written', async (t) => {
  const host = await simulatedHost(t)
  const spec = specOf(host, '{ qube: { memory: 6144 } }')
  const { code, err } = await host.qstate('apply', '--yes', '--restart', 'ask', spec)
  assert.equal(code, 64)
  assert.match(err, /a restart needs confirmation, but stdin is not a terminal/)
  assert.equal(host.simulator.writes(), 0)
})
