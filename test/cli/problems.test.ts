import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { takeLock } from '../../journal/lock.ts'
import { domainOf, exitCodeOf } from '../../spec/diagnostics/codes.ts'
import { type Diagnostic, type Problem } from '../../spec/diagnostics/problem.ts'
import { type Host, type Result, runCli, simulatedHost } from './run-cli.ts'

/** What fails says so in one shape, as text and as JSON, and ends with the exit code of its domain. */

interface Told {
  readonly error: Problem
  readonly diagnostics?: readonly Diagnostic[]
}

const told = ({ out }: Result): Told => JSON.parse(out) as Told

const spec = (qubes: string): string => `apiVersion: qstate/v1\nqubes:\n${qubes}`
const SOUND = spec('  win10-work: { audio: ich6 }\n')

const FAILS: readonly {
  readonly domain: ReturnType<typeof domainOf>
  readonly run: (it: Host, t: TestContext) => Promise<Result>
}[] = [
  { domain: 'usage', run: (it) => it.qstate('--json', 'plan', it.write('a.yaml', SOUND), '--target', '!') },
  {
    domain: 'spec',
    run: (it) => it.qstate('--json', 'plan', it.write('a.yaml', spec('  a: { audoi: 1 }\n'))),
  },
  {
    domain: 'host',
    run: (it) => it.qstate('--json', '--socket', join(it.folder, 'none'), 'plan', it.write('a.yaml', SOUND)),
  },
  { domain: 'git', run: (it) => it.qstateWith({ cwd: it.folder }, '--json', 'plan', '--from-git', 'HEAD') },
  { domain: 'document', run: (it) => it.qstate('--json', 'rollback', '--yes') },
  {
    domain: 'system',
    run: (it) =>
      it.qstate(
        '--json',
        'plan',
        it.write('a.yaml', SOUND),
        '-o',
        join(it.folder, 'no', 'such', 'plan.json'),
      ),
  },
  {
    domain: 'lock',
    async run(it, t) {
      const folder = join(it.folder, 'state', 'hosts', it.socket.replace(/[^A-Za-z0-9._-]+/g, '-').slice(1))
      const now = '2026-11-24T12:00:00.000Z'
      const lock = await takeLock(folder, { who: 'anna', now, again: () => Promise.resolve(false) })
      assert.equal(lock.kind, 'held')
      t.after(() => lock.release())
      return it.qstate('--json', 'apply', '--yes', it.write('a.yaml', SOUND))
    },
  },
  {
    domain: 'store',
    run(it) {
      mkdirSync(join(it.folder, 'state', 'fleets', 'home'), { recursive: true })
      writeFileSync(join(it.folder, 'state', 'fleets', 'home', 'store'), 'a file, where a folder should be')
      const fleet =
        'apiVersion: qstate/v1\nkind: Fleet\nname: home\nspec: [a.yaml]\nhosts: { desk: { reach: { socket: x } } }\n'
      const env = { QSTATE_FLEET: it.write('fleet.yaml', fleet) }
      return it.qstateWith({ env }, '--json', 'fleet', 'status')
    },
  },
]

for (const { domain, run } of FAILS) {
  test(`a command that fails ends with the exit code of the code that it prints: ${domain}`, async (t) => {
    const failed = await run(await simulatedHost(t), t)
    const { error } = told(failed)
    assert.equal(domainOf(error.code), domain, failed.out + failed.err)
    assert.equal(failed.code, exitCodeOf(error.code))
    assert.ok(error.message !== '' && typeof error.hint === 'string')
  })
}

test('a stale plan ends with the exit code of its domain', async (t) => {
  const it = await simulatedHost(t)
  const file = join(it.folder, 'plan.json')
  await it.qstate('plan', it.write('a.yaml', spec('  win10-work: { qube: { memory: 4000 } }\n')), '-o', file)
  it.simulator.act(Buffer.from('admin.vm.property.Set+memory dom0 name win10-work\x003000'))
  assert.equal((await it.qstate('apply', '--yes', file)).code, exitCodeOf('stale'))
})

const WRONG = spec('  win10-work:\n    audoi: ich6\n    audio: { model: ac98 }\n')

for (const command of [
  ['plan'],
  ['apply', '--yes'],
  ['status'],
  ['drift'],
  ['doctor'],
  ['policy', '--qube', 'mgmt'],
]) {
  test(`as JSON the errors of a spec come with the error, and nothing on stderr: ${command.join(' ')}`, async (t) => {
    const it = await simulatedHost(t)
    const file = it.write('a.yaml', WRONG)
    const failed = await it.qstate('--json', ...command, file)
    assert.equal(failed.code, 65, failed.out)
    assert.equal(failed.err, '')
    const { error, diagnostics = [] } = told(failed)
    assert.equal(error.code, 'invalid-spec')
    assert.deepEqual(error.at, { file, line: 4, column: 5, length: 5 })
    assert.doesNotMatch(error.hint, /above/)
    assert.deepEqual(
      diagnostics.map(({ severity, code, at }) => [severity, code, at.line, at.column]),
      [
        ['error', 'unknown-key', 4, 5],
        ['error', 'unknown-model', 5, 21],
      ],
    )
    for (const one of diagnostics)
      assert.deepEqual(Object.keys(one).sort(), ['at', 'code', 'hint', 'message', 'severity'])
  })
}

const SILENT = spec('  win10-work: { audio: { model: ac97 } }\n')

for (const command of [['plan'], ['apply', '--yes'], ['validate']]) {
  test(`as JSON the warnings of a sound spec go with what is printed: ${command.join(' ')}`, async (t) => {
    const it = await simulatedHost(t)
    const { out, err } = await it.qstate('--json', ...command, it.write('a.yaml', SILENT))
    const { diagnostics = [] } = JSON.parse(out) as { diagnostics?: readonly Diagnostic[] }
    assert.deepEqual(
      diagnostics.map(({ severity, code, at }) => [severity, code, at.line]),
      [['warning', 'silent-model', 3]],
    )
    assert.equal(err, '')
    const text = await it.qstate(...command, it.write('a.yaml', SILENT))
    assert.match(text.err, /a\.yaml:3:\d+: warning:/)
  })
}

interface PlanJson {
  readonly qubes: readonly {
    readonly qube: string
    readonly changes: readonly { readonly path: string; readonly at?: unknown }[]
    readonly blocked: readonly { readonly path: string | null; readonly problem: Problem }[]
  }[]
}

test('what a plan blocks has a code and the line of the spec, in JSON and in text', async (t) => {
  const it = await simulatedHost(t)
  it.simulator.setFaults([{ match: { method: 'admin.vm.feature.Get', arg: 'audio-model' }, do: 'refuse' }])
  const file = it.write(
    'a.yaml',
    spec('  win10-work: { audio: ich6, tags: [office] }\n  nosuch: { audio: ich6 }\n'),
  )
  const planned = await it.qstate('--json', 'plan', file)
  assert.equal(planned.code, 1)
  const { qubes } = JSON.parse(planned.out) as PlanJson
  const blocked = qubes.flatMap((qube) => qube.blocked.map((one) => ({ qube: qube.qube, ...one })))
  assert.deepEqual(
    blocked.map(({ qube, path, problem: { code, at } }) => [
      qube,
      path,
      code,
      at?.file,
      at?.line,
      at?.column,
    ]),
    [
      ['nosuch', null, 'unknown-qube', file, 4, 3],
      ['win10-work', 'audio/model', 'refused', file, 3, 24],
    ],
  )
  const tag = qubes.find(({ qube }) => qube === 'win10-work')?.changes[0]
  assert.deepEqual([tag?.path, tag?.at], ['tags/office', { file, line: 3, column: 37, length: 6 }])
  const { out } = await it.qstateWith({ columns: 400 }, 'plan', file)
  assert.ok(out.includes(`(${file}:3:24)`), out)
  assert.ok(out.includes(`! there is no such qube (${file}:4:3)`), out)
  const status = JSON.parse((await it.qstate('--json', 'status', file)).out) as PlanJson
  assert.deepEqual(
    status.qubes.flatMap((qube) => qube.blocked.map(({ problem }) => problem.code)),
    ['unknown-qube', 'refused'],
  )
})

test('what an apply could not do has the line of the spec; what is withdrawn has none', async (t) => {
  const it = await simulatedHost(t)
  const before = it.write('a.yaml', spec('  win10-work: { audio: ich6, tags: [office] }\n'))
  assert.equal((await it.qstate('apply', '--yes', before)).code, 0)
  const after = it.write('a.yaml', spec('  win10-work: { audio: ich6, qube: { vcpus: 3 } }\n'))
  it.simulator.setFaults([
    { match: { method: 'admin.vm.tag.Remove' }, do: 'refuse' },
    { match: { method: 'admin.vm.property.Set', arg: 'vcpus' }, do: 'refuse' },
  ])
  const applied = await it.qstate('--json', 'apply', '--yes', after)
  const { qubes } = JSON.parse(applied.out) as {
    qubes: { outcomes: { path: string; error: Problem | null }[] }[]
  }
  const errors = qubes.flatMap(({ outcomes }) =>
    outcomes.map(({ path, error }) => [path, error?.code, error?.at]),
  )
  assert.deepEqual(errors, [
    ['tags/office', 'refused', undefined],
    ['qube/vcpus', 'refused', { file: after, line: 3, column: 45, length: 1 }],
  ])
})

test('a folder that a saved plan came from may be gone: the lines in it are words', async (t) => {
  const it = await simulatedHost(t)
  const spec = it.write('a.yaml', SOUND)
  const file = join(it.folder, 'plan.json')
  await it.qstate('plan', spec, '-o', file)
  rmSync(spec)
  assert.equal((await it.qstate('apply', '--yes', file)).code, 0)
})

test('a mistake in options is told as JSON, too', async () => {
  const failed = await runCli(['--json', 'plan', '--no-such-option'])
  assert.deepEqual([failed.code, told(failed).error.code, failed.err], [64, 'usage', ''])
})
