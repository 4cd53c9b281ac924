import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { test } from 'node:test'
import { requireOutside, requireReversible } from '../../app/apply/reversible.ts'
import { connectManaged } from '../../app/host/connect.ts'
import { type Unconfirmed } from '../../documents/host/index.ts'
import { claimMark, type MarkContent, readMark, writeMark } from '../../journal/unconfirmed.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { targetOf, testContext } from '../app/world.ts'
import { hostOptions, stateOf } from '../support/cli.ts'
import { windowsHost, type WindowsQube } from '../support/fixtures.ts'
import { ROOT, startHost, type TestHost } from '../support/host.ts'
import { type Ended, type Running, startQstate } from '../support/process.ts'
import { sample } from '../support/property.ts'
import { act } from '../support/requests.ts'
import { differences, ownedIn, type Snapshot, withoutRecords } from '../support/snapshot.ts'
import { fakeSystemd, type Systemd } from '../support/systemd.ts'
import { ownScope, type Scope, tempFolder } from '../support/temp.ts'
import { untilRequest } from '../support/watch.ts'

/** `apply --confirm`: everything comes back unless a person confirms it in time, whatever becomes of the process or the machine. */

interface World {
  readonly host: TestHost
  readonly systemd: Systemd
  readonly folder: string
  /** Before the apply that is to be confirmed. */
  readonly start: Snapshot
  begin(...argv: readonly string[]): Running
  run(...argv: readonly string[]): Promise<Ended>
  /** Writes a spec, and gives its path. */
  spec(qubes: string): string
  mark(): Unconfirmed
  setMark(change: Partial<MarkContent>): void
  /** The time to confirm it is over. */
  expire(): void
  set(qube: string, property: string, value: string): void
}

const BASE = '  win-a: { qube: { vcpus: 3, memory: 4096 } }\n'
const NEXT =
  '  win-a: { qube: { vcpus: 4 }, audio: ich6, tags: { ours: true } }\n  win-b: { qube: { vcpus: 2, memory: 2048 } }\n'

const CONFIRM = ['apply', '--yes', '--confirm', '5m'] as const

/** Withdrawals of a whole qube are agreed to: they are not what is tried here. */
const consented = (word: string): readonly string[] =>
  word === 'apply' ? [word, '--allow-withdraw', '=9'] : [word]

/** A host on which `win-a` is qstate's already. */
async function world(scope: Scope, qube: Omit<WindowsQube, 'name'> = {}): Promise<World> {
  const host = await startHost(scope, {
    fixture: windowsHost([{ name: 'win-a', ...qube }, { name: 'win-b' }]),
  })
  const systemd = fakeSystemd(scope)
  const place = host.socket.replace(/[^A-Za-z0-9._-]+/g, '-').slice(1)
  const folder = join(stateOf(host), 'hosts', place)
  const path = join(folder, 'unconfirmed.json')
  const begin = (...argv: readonly string[]): Running =>
    startQstate([...hostOptions(host), ...argv.flatMap(consented)], systemd.env, { detached: true })
  let specs = 0
  const it: Omit<World, 'start'> = {
    ...{ host, systemd, folder, begin },
    run: (...argv) => begin(...argv).ended,
    spec(qubes) {
      const file = join(host.folder, `${++specs}.yaml`)
      writeFileSync(file, `apiVersion: qstate/v1\nname: test\nqubes:\n${qubes}`)
      return file
    },
    mark: () => JSON.parse(readFileSync(path, 'utf8')) as Unconfirmed,
    setMark(change) {
      writeFileSync(path, JSON.stringify({ ...it.mark(), ...change }))
    },
    expire() {
      it.setMark({ deadline: 0 })
    },
    set(dest, arg, payload) {
      act(host.simulator, { dest, method: 'admin.vm.property.Set', arg, payload })
    },
  }
  const { code, err } = await it.run('apply', '--yes', it.spec(BASE))
  assert.equal(code, 0, err)
  return { ...it, start: host.snapshot() }
}

const done = ({ code, out, err }: Ended, expected = 0): void => {
  assert.equal(code, expected, out + err)
}

/** All values and what is owned are as before the apply. */
function assertBack({ host, start }: World, where = ''): void {
  const now = host.snapshot()
  assert.deepEqual(differences(withoutRecords(start), withoutRecords(now)), [], where)
  assert.deepEqual(ownedIn(now), ownedIn(start), where)
}

const writesOf = ({ host }: World): number => host.simulator.writes()

test('what is confirmed in time stays, and its timer is stopped', async (t) => {
  const it = await world(t)
  const applied = await it.run(...CONFIRM, it.spec(NEXT))
  done(applied)
  assert.match(applied.err, /generation 2 \(.*\) waits to be confirmed, for 300 seconds, until /)
  const [timer, ...more] = it.systemd.timers()
  assert.deepEqual(more, [])
  assert.ok(timer)
  for (const option of ['--unit=qstate-revert-2', '--on-active=300s', `--uid=${process.geteuid?.()}`])
    assert.ok(timer.options.includes(option), timer.options.join(' '))
  assert.ok(!timer.options.includes('--user'))
  const [node = '', program = '', ...args] = timer.command
  assert.ok(isAbsolute(node) && isAbsolute(program))
  assert.deepEqual(args.slice(0, 2), ['--socket', it.host.socket])
  assert.deepEqual(args.slice(2, 4), ['--state-dir', stateOf(it.host)])
  assert.deepEqual(args.slice(-3), ['rollback', '--unconfirmed', '2'])

  const after = it.host.snapshot()
  const confirmed = await it.run('confirm')
  done(confirmed)
  assert.match(confirmed.out, /Generation 2 is confirmed, and stays\./)
  assert.deepEqual(it.systemd.stopped(), ['qstate-revert-2.timer'])
  done(await it.systemd.elapse())
  assert.deepEqual(differences(after, it.host.snapshot()), [])
  const again = await it.run('--json', 'confirm')
  done(again, 1)
  assert.match(again.out, /"code": "nothing-to-confirm"/)
  done(await it.run('apply', '--yes', it.spec(BASE)))
})

test('mark and timer are there before the first write', async (t) => {
  const it = await world(t)
  it.host.simulator.clearLog()
  it.host.simulator.setFaults([{ match: { writesOnly: true }, times: 1, do: 'hang' }])
  const watch = untilRequest(it.host.simulator, ({ write }) => write, 0)
  const apply = it.begin(...CONFIRM, it.spec(NEXT))
  await watch.taken
  assert.equal(it.systemd.timers().length, 1)
  assert.equal(it.mark().generation, 2)
  assert.ok(it.mark().deadline > uptime())
  process.kill(-(apply.child.pid ?? 0), 'SIGKILL')
  await apply.ended
})

test('where no timer can be started nothing is written, and nothing is left of it', async (t) => {
  const it = await world(t)
  const file = it.spec(NEXT)
  it.host.simulator.clearLog()
  it.systemd.refuse()
  const refused = await it.run('--json', ...CONFIRM, file)
  const empty = tempFolder(t)
  const missing = await startQstate([...hostOptions(it.host), '--json', ...CONFIRM, file], { PATH: empty })
    .ended
  for (const one of [refused, missing]) {
    done(one, 1)
    assert.match(one.out, /"code": "not-armed"/)
  }
  assert.match(refused.out, /Access denied See system logs/)
  assert.equal(writesOf(it), 0)
  assert.equal(await readMark(it.folder), null)
  assert.ok(!existsSync(join(it.folder, 'generations', '000002')))
  done(await it.run('apply', '--yes', file))
})

test('until it is confirmed every other run is refused and says until when; what only reads is not', async (t) => {
  const it = await world(t)
  done(await it.run(...CONFIRM, it.spec(NEXT)))
  it.host.simulator.clearLog()
  const other = it.spec('  win-b: { qube: { vcpus: 1 } }\n')
  for (const argv of [
    ['apply', other],
    [...CONFIRM.filter((word) => word !== '--yes'), other],
    ['adopt', other],
    ['release', 'win-a'],
    ['rollback'],
  ]) {
    const refused = await it.run(...argv, '--yes')
    done(refused, 5)
    assert.match(refused.err, /generation 2 \(.*\) waits to be confirmed, for [0-9]+ seconds, until /)
  }
  for (const argv of [['plan', other], ['status', other], ['history']]) {
    const looked = await it.run(...argv)
    done(looked)
    assert.match(looked.err, /generation 2 \(.*\) waits to be confirmed, for [0-9]+ seconds, until /)
  }
  assert.equal(writesOf(it), 0)
})

test('the time is over: all of it comes back, and what someone else has changed in it stays', async (t) => {
  const it = await world(t)
  done(await it.run(...CONFIRM, it.spec(NEXT)))
  it.set('win-b', 'memory', '3000')
  it.expire()
  const looked = await it.run('history')
  assert.match(looked.err, /generation 2 \(.*\) was not confirmed in time, and is to be taken back/)
  const back = await it.systemd.elapse()
  done(back)
  assert.match(back.out, /generation 2 was not confirmed in time, and has been taken back/)
  const now = withoutRecords(it.host.snapshot())
  assert.deepEqual(differences(withoutRecords(it.start), now), ['win-b property memory: nothing -> 3000'])
  const late = await it.run('--json', 'confirm')
  done(late, 1)
  assert.match(late.out, /"code": "not-confirmed"/)
  const { out } = await it.run('--json', 'history')
  const [last] = JSON.parse(out) as readonly { readonly kind: string; readonly undoes: readonly number[] }[]
  assert.deepEqual([last?.kind, last?.undoes], ['rollback', [2]])
  done(await it.run('apply', '--yes', it.spec(NEXT)))
})

test('a timer that comes before the time that the apply has moved is started anew', async (t) => {
  const it = await world(t)
  done(await it.run(...CONFIRM, it.spec(NEXT)))
  const after = it.host.snapshot()
  const early = await it.systemd.elapse()
  done(early)
  assert.match(early.out, /Nothing is to be taken back now/)
  assert.deepEqual(differences(after, it.host.snapshot()), [])
  const [first, second, ...more] = it.systemd.timers()
  assert.deepEqual(more, [])
  assert.deepEqual(second?.command, first?.command)
  const unit = second?.options.find((option) => option.startsWith('--unit='))
  assert.match(unit ?? '', /^--unit=qstate-revert-2-[0-9]+$/)
  assert.equal(`--unit=${it.mark().unit}`, unit)
  it.expire()
  done(await it.systemd.elapse())
  assertBack(it)
})

test('a timer of another generation takes nothing back', async (t) => {
  const it = await world(t)
  done(await it.run(...CONFIRM, it.spec(NEXT)))
  done(await it.run('confirm'))
  done(await it.run(...CONFIRM, it.spec('  win-a: { qube: { vcpus: 5 } }\n')))
  it.expire()
  const after = it.host.snapshot()
  const [first] = it.systemd.timers()
  assert.match((await it.run('rollback', '--unconfirmed', '2')).out, /Nothing is to be taken back/)
  assert.deepEqual(first?.command.slice(-1), ['2'])
  assert.deepEqual(differences(after, it.host.snapshot()), [])
})

/** Points to try in `npm test`, spread over all of them; `QSTATE_LONG=1` tries every one. */
const DEFAULT_POINTS = 8

test('killed with its process group before or after any write, the last one too, everything comes back', async (t) => {
  const whole = ownScope()
  const uncut = await world(whole)
  uncut.host.simulator.clearLog()
  done(await uncut.run(...CONFIRM, uncut.spec(NEXT)))
  const writes = writesOf(uncut)
  await whole.end()
  assert.ok(writes > 5)
  const all = Array.from({ length: writes }, (_, nth) => nth).flatMap((nth) =>
    (['hang', 'hang-after'] as const).map((fault) => ({ nth, fault })),
  )
  for (const { nth, fault } of sample(t, all, DEFAULT_POINTS)) {
    const scope = ownScope()
    const it = await world(scope)
    it.host.simulator.clearLog()
    it.host.simulator.setFaults([{ match: { writesOnly: true }, after: nth, times: 1, do: fault }])
    const watch = untilRequest(it.host.simulator, ({ write }) => write, nth)
    const apply = it.begin(...CONFIRM, it.spec(NEXT))
    await Promise.race([watch.taken, apply.ended])
    process.kill(-(apply.child.pid ?? 0), 'SIGKILL')
    assert.equal((await apply.ended).signal, 'SIGKILL')
    it.host.simulator.setFaults([])
    it.expire()
    done(await it.systemd.elapse())
    assertBack(it, `${fault} at write ${nth + 1}`)
    await scope.end()
  }
})

test('a revert that is cut off is continued by the next run, which then does its own', async (t) => {
  for (const nth of sample(t, [0, 1, 2, 3, 4], 2)) {
    const scope = ownScope()
    const it = await world(scope)
    done(await it.run(...CONFIRM, it.spec(NEXT)))
    it.expire()
    it.host.simulator.clearLog()
    it.host.simulator.setFaults([{ match: { writesOnly: true }, after: nth, times: 1, do: 'die-after' }])
    done(await it.systemd.elapse(), 5)
    it.host.simulator.setFaults([])
    await it.host.simulator.restart()
    assert.equal((await readMark(it.folder))?.state, 'reverting')
    const late = await it.run('confirm')
    done(late, 1)
    assert.match(late.err, /generation 2 was not confirmed in time, and is being taken back/)
    const next = await it.run('apply', '--yes', it.spec(`${BASE}  win-b: { qube: { vcpus: 7 } }\n`))
    done(next)
    assert.match(next.err, /generation 2 was not confirmed in time, and has been taken back/)
    const now = withoutRecords(it.host.snapshot())
    assert.deepEqual(differences(withoutRecords(it.start), now), [
      `win-b property vcpus: ${it.start.get('win-b property vcpus') ?? 'nothing'} -> 7`,
    ])
    assert.equal(await readMark(it.folder), null)
    await scope.end()
  }
})

test('what cannot be taken back yet keeps its mark and refuses other runs, until it can be', async (t) => {
  const it = await world(t)
  done(await it.run(...CONFIRM, it.spec(NEXT)))
  it.expire()
  it.host.simulator.setFaults([
    { match: { method: 'admin.vm.property.Set', dest: 'win-a', arg: 'vcpus' }, do: 'refuse' },
  ])
  done(await it.systemd.elapse(), 5)
  const refused = await it.run('apply', '--yes', it.spec(BASE))
  done(refused, 5)
  assert.match(refused.err, /generation 2 was not confirmed, and is not taken back whole: /)
  it.host.simulator.setFaults([])
  done(await it.systemd.elapse())
  assertBack(it)
})

test('after a restart of the machine the unit for the boot takes it back at once', async (t) => {
  const it = await world(t)
  done(await it.run(...CONFIRM, it.spec(NEXT)))
  it.setMark({ boot: 'another boot', deadline: uptime() + 100_000 })
  done(await it.run('rollback', '--unconfirmed'))
  assertBack(it)

  const unit = readFileSync(join(ROOT, 'systemd/qstate-unconfirmed.service'), 'utf8')
  const globs = [...unit.matchAll(/^ConditionPathExistsGlob=(.*)$/gm)].map(([, glob]) => glob)
  const folders = ['/var/lib/qstate', '/rw/qstate']
  assert.deepEqual(
    globs,
    folders.map((folder) => `|${folder}/hosts/*/unconfirmed*.json`),
    'either of the folders that are the default somewhere',
  )
  for (const name of ['unconfirmed.json', 'unconfirmed-reverting.json']) {
    rmSync(join(it.folder, 'unconfirmed.json'), { force: true })
    writeFileSync(join(it.folder, name), '{}')
    await assert.rejects(readMark(it.folder), QstateError, `${name}: a mark that the unit finds`)
    rmSync(join(it.folder, name))
  }
  assert.match(unit, /^Before=qstate-agent.service$/m)
  assert.match(unit, /^After=.*\bqubesd.service\b/m)
})

test('of those that confirm it and those that take it back one wins', async (t) => {
  const folder = tempFolder(t)
  const content: MarkContent = {
    ...{ generation: 1, who: 'me', at: '2026-01-02T03:04:05Z', boot: '', deadline: 1, seconds: 1 },
    ...{ unit: 'u', commit: null, untried: [], restarted: [], live: false },
  }
  for (let round = 0; round < 50; round++) {
    await writeMark(folder, content)
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, nth) =>
        claimMark(folder, (nth + round) % 2 === 0 ? 'confirmed' : 'reverting'),
      ),
    )
    assert.equal(claims.filter(Boolean).length, 1)
    rmSync(join(folder, 'unconfirmed-reverting.json'), { force: true })
  }
})

test('confirmed and taken back at one time, it is one of the two, and whole', async () => {
  const ends = new Set<string>()
  for (const before of [-1, 0.05, 0.2, 0.3, 0.4, 5]) {
    const scope = ownScope()
    const it = await world(scope)
    done(await it.run(...CONFIRM, it.spec(NEXT)))
    const after = it.host.snapshot()
    it.setMark({ deadline: Math.max(0, uptime() + before) })
    const [confirmed, reverted] = await Promise.all([it.run('confirm'), it.systemd.elapse()])
    const isConfirmed = confirmed.code === 0
    ends.add(isConfirmed ? 'confirmed' : 'reverted')
    if (isConfirmed) {
      assert.deepEqual(differences(after, it.host.snapshot()), [], reverted.out)
      assert.equal(await readMark(it.folder), null)
    } else {
      // A timer that came a moment early is started anew.
      if ((await readMark(it.folder)) !== null) done(await it.systemd.elapse())
      assertBack(it, confirmed.err)
    }
    await scope.end()
  }
  assert.deepEqual(ends, new Set(['confirmed', 'reverted']))
})

test('what no rollback takes back is refused, and nothing is written', async (t) => {
  const it = await world(t)
  done(
    await it.run(
      'apply',
      '--yes',
      it.spec(`${BASE}  win-c: { ensure: { class: StandaloneVM, label: blue } }\n`),
    ),
  )
  it.host.simulator.clearLog()
  const cases = [
    '  win-d: { ensure: { class: StandaloneVM, label: blue } }\n',
    '  win-c: { ensure: absent }\n',
  ]
  for (const qubes of cases) {
    const refused = await it.run('--json', ...CONFIRM, '--allow-remove', 'win-c', it.spec(BASE + qubes))
    done(refused, 64)
    assert.match(refused.out, /"code": "not-reversible"/)
  }
  const bad = await it.run('--json', 'apply', '--yes', '--confirm', 'soon', it.spec(NEXT))
  done(bad, 64)
  assert.match(bad.out, /"code": "bad-option"/)
  assert.equal(writesOf(it), 0)
  assert.deepEqual(it.systemd.timers(), [])

  // Of a qube whose creation was cut short a volume may still be to grow.
  const plan = await it.host.plan('name: test\nqubes:\n  win-a: { qube: { vcpus: 6 } }\n')
  requireReversible(plan)
  const volumes = [{ name: 'private', size: 1, calls: [] }] as const
  const grown = { ...plan, qubes: plan.qubes.map((qube) => ({ ...qube, volumes })) }
  assert.throws(() => {
    requireReversible(grown)
  }, QstateError)
})

test('a plan that changes the qube that qstate runs in, or its network, is refused', async (t) => {
  const it = await world(t)
  it.set('win-a', 'provides_network', 'True')
  it.set('win-b', 'netvm', 'win-a')
  const plan = await it.host.plan('name: test\nqubes:\n  win-a: { qube: { vcpus: 6 } }\n')
  const host = await connectManaged(targetOf(it.host), testContext(it.host.folder))
  const from = (ownQube: string | null): Promise<void> =>
    requireOutside(plan, { ...host, host: { ...host.host, ownQube } })
  const refused = (error: unknown): boolean =>
    error instanceof QstateError && error.code === 'touches-own-qube'
  await assert.rejects(from('win-a'), refused)
  await assert.rejects(from('win-b'), refused)
  await from('sys-usb')
  await from(null)
  it.host.simulator.setFaults([{ match: { dest: 'sys-usb' }, do: 'refuse' }])
  await assert.rejects(from('sys-usb'), refused, 'a network that cannot be read may be any')
})

test('what the time does not try is told by plan and confirm; with --restart the time begins when the qube answers', async (t) => {
  const it = await world(t, { state: 'Running' })
  const file = it.spec('  win-a: { qube: { memory: 5000 } }\n')
  const applied = await it.run(...CONFIRM, file)
  done(applied)
  assert.match(applied.err, /not tried by this: win-a \(qube\/memory\)/)
  const confirmed = await it.run('confirm')
  assert.match(confirmed.out, /Not tried by this: win-a \(qube\/memory\)/)

  const next = it.spec('  win-a: { qube: { memory: 6000 } }\n')
  const watch = untilRequest(it.host.simulator, ({ method }) => method === 'admin.vm.Start', 0)
  const restarting = it.begin(...CONFIRM, '--restart', 'now', next)
  await watch.taken
  const early = it.mark().deadline
  // Whole seconds may not tell the two apart: what is written once it answers does.
  it.setMark({ deadline: 1 })
  const ended = await restarting.ended
  done(ended)
  assert.doesNotMatch(ended.err, /not tried by this/)
  assert.deepEqual(it.mark().restarted, ['win-a'])
  assert.deepEqual(it.mark().untried, [])
  assert.ok(it.mark().deadline >= early)
  it.host.simulator.clearLog()
  it.expire()
  const back = await it.systemd.elapse()
  done(back)
  assert.match(back.out, /win-a {2}restarted/)
  assert.equal(it.host.snapshot().get('win-a property memory'), '5000')
})

test('with --live the revert detaches what the apply has attached', async (t) => {
  const it = await world(t, { state: 'Running' })
  const file = it.spec(
    '  win-a: { qube: { vcpus: 3, memory: 4096 }, usb: { "sys-usb+2-1:*": auto-attach } }\n',
  )
  const attached = (): readonly string[] =>
    [...it.host.snapshot()].flatMap(([key, qube]) => (key.startsWith('attached ') ? [`${key} ${qube}`] : []))
  done(await it.run(...CONFIRM, '--live', file))
  assert.equal(attached().length, 1)
  it.expire()
  done(await it.systemd.elapse())
  assert.deepEqual(attached(), [])
  assertBack(it)
})

test('a value set back before the start no longer waits; one that a start has taken in waits for the next', async (t) => {
  for (const isStarted of [false, true]) {
    const it = await world(t, { state: 'Running' })
    const restart = (): void => {
      for (const method of ['admin.vm.Shutdown', 'admin.vm.Start'])
        act(it.host.simulator, { dest: 'win-a', method, arg: '', payload: '' })
    }
    restart()
    done(await it.run(...CONFIRM, it.spec('  win-a: { qube: { vcpus: 3, memory: 5000 } }\n')))
    if (isStarted) restart()
    it.expire()
    const { code, out } = await it.run('--json', 'rollback', '--unconfirmed')
    assert.equal(code, 0, out)
    const { qubes } = JSON.parse(out) as {
      readonly qubes: readonly { readonly waiting: readonly string[] }[]
    }
    const first = isStarted ? ['qube/memory'] : []
    assert.deepEqual(
      qubes[0]?.waiting.filter((path) => path === 'qube/memory'),
      first,
    )
  }
})

test('where what it did is not known any more, the mark says why until a person takes it away', async (t) => {
  const it = await world(t)
  done(await it.run(...CONFIRM, it.spec(NEXT)))
  it.expire()
  rmSync(join(it.folder, 'generations'), { recursive: true })
  const refused = await it.run('--json', 'apply', '--yes', it.spec(BASE))
  done(refused, 5)
  const path = join(it.folder, 'unconfirmed-reverting.json')
  assert.ok(refused.out.includes(`without ${path} the rest stays as it is`), refused.out)
  rmSync(path)
  done(await it.run('apply', '--yes', it.spec(BASE)))
})
