import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { writeDurably } from '../../journal/files.ts'
import { generationJournal, readGeneration } from '../../journal/generations.ts'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { problem, systemProblem } from '../../spec/diagnostics/index.ts'
import { hostOptions, runCli, stateOf } from '../support/cli.ts'
import { windowsHost } from '../support/fixtures.ts'
import { startHost, statuses, type TestHost } from '../support/host.ts'
import { startQstate } from '../support/process.ts'
import { differences, ownedIn, withoutRecords } from '../support/snapshot.ts'
import { desiredState, type Wanted } from '../support/spec.ts'
import { tempFolder } from '../support/temp.ts'
import { untilRequest } from '../support/watch.ts'

/** The journal, where it can be written and where it cannot; and runs that are told to stop. */

const WANTED: Wanted = {
  'win-a': { 'audio/model': 'ich6', 'stubdom/qrexec': true, 'tags/office': true },
  'win-b': { 'audio/model': 'ich6', 'tags/office': true },
}
const SPEC = `apiVersion: qstate/v1
name: test
qubes:
  win-a: { audio: ich6, stubdom: { qrexec: true }, tags: [office] }
  win-b: { audio: ich6, tags: [office] }
`
const META = { kind: 'apply' as const, who: 'test', at: '2026-01-01T00:00:00.000Z', pid: 1 }

async function begin(t: TestContext): Promise<{ host: TestHost; spec: string; generations: () => string }> {
  const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }]) })
  const spec = join(host.folder, 'spec.yaml')
  writeFileSync(spec, SPEC)
  return {
    host,
    spec,
    generations: () => {
      const hosts = join(stateOf(host), 'hosts')
      return join(hosts, readdirSync(hosts)[0] ?? '', 'generations')
    },
  }
}

test('where no state can be kept nothing is written to the host, and the error names the folder', async (t) => {
  const { host, spec } = await begin(t)
  // Whoever runs this, root too: no folder can be made below a file.
  writeFileSync(stateOf(host), 'a file')
  const result = await runCli(host, ['apply', '--yes', spec])
  assert.equal(result.code, 1, result.out)
  assert.match(result.err, new RegExp(`error: .*${stateOf(host)}`, 's'))
  assert.doesNotMatch(result.err, /bug in qstate/)
  assert.equal(host.simulator.writes(), 0)
})

test('a file that cannot be written is named, and nothing of it is left', async (t) => {
  const folder = tempFolder(t)
  const taken = join(folder, 'taken')
  mkdirSync(join(taken, 'full'), { recursive: true })
  await assert.rejects(writeDurably(taken, 'text'), { path: new RegExp('taken') })
  assert.deepEqual(readdirSync(folder), ['taken'])
  assert.deepEqual(
    systemProblem(Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC', path: '/s/a' })),
    {
      code: 'system-error',
      message: '/s/a: no space is left there (ENOSPC)',
      hint: 'make room there',
    },
  )
})

test('where the generation cannot be begun nothing is written to the host', async (t) => {
  const { host, spec, generations } = await begin(t)
  await runCli(host, ['apply', '--yes', spec])
  await host.apply(desiredState({}))
  rmSync(generations(), { recursive: true })
  writeFileSync(generations(), 'a file')
  host.simulator.clearLog()
  const result = await runCli(host, ['apply', '--yes', spec])
  assert.equal(result.code, 1, result.out)
  assert.doesNotMatch(result.err, /bug in qstate/)
  assert.equal(host.simulator.writes(), 0)
})

test('a full disk stops the run before the next write, the report says so, and the next run converges', async (t) => {
  const twin = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }]) })
  await twin.apply(desiredState(WANTED))
  for (const parallelism of [1, 4]) {
    const { host } = await begin(t)
    const folder = join(host.folder, 'journal')
    // The kernel's own error, at the first step: the generation itself still fitted.
    const journal = { ...generationJournal(folder, META), write: () => appendFile('/dev/full', 'a step') }
    const stopped = await host.apply(desiredState(WANTED), { journal, parallelism })
    assert.equal(host.simulator.writes(), 0, 'what cannot be noted is not done')
    assert.match(stopped.report.interrupted?.message ?? '', /journal cannot be written: ENOSPC/)
    assert.equal(stopped.code, 1)
    assert.equal((await host.apply(desiredState(WANTED))).code, 0)
    assert.deepEqual(differences(withoutRecords(twin.snapshot()), withoutRecords(host.snapshot())), [])
  }
})

test('a disk that fills up at any step stops the run there, in order, and the next run converges', async (t) => {
  const twin = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }]) })
  await twin.apply(desiredState(WANTED))
  for (const parallelism of [1, 4]) {
    for (let nth = 0; nth < 14; nth++) {
      const { host } = await begin(t)
      let steps = 0
      let noted = 0
      const stopped = await host.apply(desiredState(WANTED), {
        parallelism,
        journal: {
          begin: () => Promise.resolve(),
          write: (_, __, phase) => {
            if (steps++ >= nth) return Promise.reject(new Error('ENOSPC: no space left on device'))
            if (phase === 'before') noted += 1
            return Promise.resolve()
          },
          end: () => Promise.resolve(),
        },
      })
      assert.ok(host.simulator.writes() <= noted, 'no write without its line')
      assert.notEqual(stopped.report.interrupted, null)
      assert.equal(stopped.code, host.simulator.writes() === 0 ? 1 : 3)
      assert.equal((await host.apply(desiredState(WANTED))).code, 0)
      assert.deepEqual(differences(withoutRecords(twin.snapshot()), withoutRecords(host.snapshot())), [])
      await host.apply(desiredState({}))
      assert.deepEqual(ownedIn(host.snapshot()), {})
    }
  }
})

test('a report that cannot be kept is shown all the same, and the exit code tells', async (t) => {
  const { host } = await begin(t)
  const applied = await host.apply(desiredState(WANTED), {
    journal: {
      begin: () => Promise.resolve(),
      write: () => Promise.resolve(),
      end: () => Promise.reject(new Error('ENOSPC: no space left on device')),
    },
  })
  assert.deepEqual(statuses(applied), { 'win-a': 'applied', 'win-b': 'applied' })
  assert.match(applied.report.interrupted?.message ?? '', /ENOSPC/)
  assert.equal(applied.code, 3)
})

test('the plan is on disk before the first write, every write is between its lines, and the report comes last', async (t) => {
  const { host } = await begin(t)
  const folder = join(host.folder, 'journal')
  let first = true
  const own = join(folder, 'generations', '000001')
  await host.apply(desiredState(WANTED), {
    parallelism: 1,
    journal: generationJournal(folder, META),
    wrap: (plain) => ({
      ...plain,
      async write(call) {
        if (first) {
          const plan = JSON.parse(readFileSync(join(own, 'plan.json'), 'utf8')) as { qubes: unknown[] }
          assert.equal(plan.qubes.length, 2)
        }
        first = false
        const lines = readFileSync(join(own, 'steps.jsonl'), 'utf8').trimEnd().split('\n')
        const last = JSON.parse(lines.at(-1) ?? '') as { qube: string; phase: string }
        assert.deepEqual([last.qube, last.phase], [call.dest, 'before'])
        assert.equal(existsSync(join(own, 'report.json')), false)
        await plain.write(call)
      },
    }),
  })
  const generation = await readGeneration(folder, 1)
  assert.ok(generation?.ok, 'it can be read')
  assert.equal(generation.value.steps.length, host.simulator.writes() * 2)
  assert.notEqual(generation.value.report, null)
})

test('where there is nothing to do no generation is made', async (t) => {
  const { host, spec, generations } = await begin(t)
  await runCli(host, ['apply', '--yes', spec])
  await runCli(host, ['apply', '--yes', spec])
  assert.deepEqual(readdirSync(generations()), ['000001'])
})

test('a run that sent no write leaves no generation, and the next rollback undoes the one before it', async (t) => {
  const { host, spec, generations } = await begin(t)
  await runCli(host, ['apply', '--yes', spec])
  writeFileSync(spec, SPEC.replaceAll('ich6', 'sb16'))
  // What it is about to change cannot be read a second time.
  const read = { match: { method: 'admin.vm.feature.Get', arg: 'audio-model' }, do: 'refuse' as const }
  host.simulator.setFaults([{ ...read, after: 2 }])
  const failed = await runCli(host, ['--json', 'apply', '--yes', spec])
  assert.equal(failed.code, 1, failed.out)
  const { generation, qubes } = JSON.parse(failed.out) as { generation: null; qubes: { touched: boolean }[] }
  assert.deepEqual([generation, qubes.map(({ touched }) => touched)], [null, [false, false]])
  assert.deepEqual(readdirSync(generations()), ['000001'])
  host.simulator.setFaults([])
  const undone = await runCli(host, ['rollback', '--yes'])
  assert.match(undone.out, /Undoing generation 1 /)
  assert.equal(host.snapshot().get('win-a feature audio-model'), undefined)
})

test('leftovers in the folder of generations are stepped over', async (t) => {
  const { host, spec, generations } = await begin(t)
  await runCli(host, ['apply', '--yes', spec])
  mkdirSync(join(generations(), '000002'))
  mkdirSync(join(generations(), '000007'))
  writeFileSync(join(generations(), 'notes.txt'), 'mine')
  await host.apply(desiredState({}))
  const result = await runCli(host, ['apply', '--yes', spec])
  assert.equal(result.code, 0, result.err)
  assert.ok(existsSync(join(generations(), '000008', 'report.json')))
})

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} lets the call under way finish, makes no other write, journals, reports, and ends with ${code}`, async (t) => {
    const { host, spec, generations } = await begin(t)
    const argv = [...hostOptions(host), 'apply', '--yes', '--parallelism', '1', spec]
    // The daemon is slow with the second write; the signal comes while it works.
    host.simulator.setFaults([{ match: { writesOnly: true }, after: 1, times: 1, do: { delayMs: 700 } }])
    const watch = untilRequest(host.simulator, (request) => request.write, 1)
    const run = startQstate(argv)
    await watch.taken
    run.child.kill(signal)
    const ended = await run.ended
    assert.equal(ended.code, code, ended.err)
    assert.equal(host.simulator.writes(), 2, 'the call under way was the last')
    assert.equal(host.snapshot().get('win-a tag office'), 'yes', 'and it was finished')
    assert.match(ended.out, /win-a .*stopped: 1 of 3 changes done/s)
    assert.match(ended.out, /win-b .*not begun/s)
    const report = JSON.parse(readFileSync(join(generations(), '000001', 'report.json'), 'utf8')) as {
      interrupted: string
    }
    assert.equal(report.interrupted, 'stopped by a signal')
    const again = await startQstate(argv).ended
    assert.equal(again.code, 0, again.err)
    assert.equal(host.snapshot().get('win-b feature audio-model'), 'ich6')
  })

  test(`${signal} twice ends at once, in the middle of a call, with ${code}`, async (t) => {
    const { host, spec } = await begin(t)
    host.simulator.setFaults([{ match: { writesOnly: true }, after: 1, times: 1, do: 'hang' }])
    const watch = untilRequest(host.simulator, (request) => request.write, 1)
    const run = startQstate([...hostOptions(host), 'apply', '--yes', '--parallelism', '1', spec])
    await watch.taken
    run.child.kill(signal)
    await run.said('once more ends it at once')
    run.child.kill(signal)
    const ended = await run.ended
    assert.equal(ended.code, code, ended.err)
  })
}

test('a generation of an earlier version is read: what it blocked had no code', async (t) => {
  const { host, spec, generations } = await begin(t)
  await runCli(host, ['apply', '--yes', spec])
  const file = join(generations(), '000001', 'plan.json')
  const { qubes, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as Plan
  const why = { path: 'audio/model', why: 'Qubes said no', hint: 'see to policy' }
  const old = {
    ...rest,
    qubes: qubes.map((qube) => ({ ...qube, blocked: [why], held: [why] })),
    orphansUnknown: { why: 'no service', hint: 'install it' },
    untold: [{ what: 'which templates qubes have', why: 'refused' }],
  }
  writeFileSync(file, JSON.stringify(old))
  const read = await readGeneration(dirname(generations()), 1)
  assert.ok(read?.ok, 'it can be read')
  const { plan } = read.value
  const told = { path: 'audio/model', problem: problem('other-version', 'Qubes said no', 'see to policy') }
  assert.deepEqual([plan.qubes[0]?.blocked, plan.qubes[0]?.held], [[told], [told]])
  assert.deepEqual(plan.orphansUnknown, problem('other-version', 'no service', 'install it'))
  assert.equal(plan.untold?.[0]?.problem.message, 'refused')
  assert.equal((await runCli(host, ['rollback', '--yes'])).code, 0)
})
