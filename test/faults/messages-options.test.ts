import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCli, simulatedHost } from '../cli/run-cli.ts'

/** What a command line may say: other tools' words are answered with the right ones, and no option is taken and ignored. */

const WORK = 'win10-work'
const HEAD = 'apiVersion: qstate/v1\n'

test('--version prints what `qstate version` prints', async () => {
  for (const json of [[], ['--json']]) {
    const version = await runCli(['version', ...json])
    assert.match(version.out, /[0-9]+\.[0-9]+\.[0-9]+/)
    for (const line of [['--version'], ['-V'], ['plan', '--version']])
      assert.deepEqual(await runCli([...line, ...json]), version)
  }
})

test('a word of another tool is answered with the command that does it here', async () => {
  const CASES = [
    [['apply', '--dry-run', 'x.yaml'], /unknown option '--dry-run'/, /`qstate plan`/],
    [['destroy', WORK], /unknown command 'destroy'/, /`qstate withdraw`.*`ensure: absent`/],
    [['delete', WORK], /unknown command 'delete'/, /`qstate withdraw`.*`ensure: absent`/],
    [['apply', '--auto-approve'], /unknown option '--auto-approve'/, /`--yes`/],
    [['diff'], /unknown command 'diff'/, /`qstate plan`/],
    [['lint'], /unknown command 'lint'/, /`qstate validate`/],
    [['list'], /unknown command 'list'/, /`qstate status`/],
    [['plam'], /unknown command 'plam'/, /did you mean plan\?/],
    [['plan', '--targte', WORK], /unknown option '--targte'/, /did you mean --target\?/],
    [['plan', '--entirely-other'], /unknown option '--entirely-other'/, /`qstate --help`/],
  ] as const
  for (const [argv, message, hint] of CASES) {
    const { code, err } = await runCli(argv)
    assert.equal(code, 64, err)
    const [first = '', ...rest] = err.trimEnd().split('\n')
    assert.match(first, message)
    assert.match(rest.join(' ').replace(/\s+/g, ' '), hint)
    const { out } = await runCli([...argv, '--json'])
    const { error } = JSON.parse(out) as { error: { hint: string } }
    assert.match(error.hint, hint)
  }
})

test('show without a name shows every qube', async (t) => {
  const host = await simulatedHost(t)
  const { code, out } = await host.qstate('show', '--json')
  assert.equal(code, 0)
  const shown = (JSON.parse(out) as { name: string }[]).map(({ name }) => name)
  const there = [...host.simulator.host.qubes.keys()].filter((name) => name !== 'dom0')
  assert.deepEqual([...shown].sort(), [...there].sort())
  const one = await host.qstate('show', WORK)
  assert.ok((await host.qstate('show')).out.includes(one.out.trimEnd()))
})

test('- reads a spec from stdin, by itself or beside files, for every command that takes a spec', async (t) => {
  const host = await simulatedHost(t)
  const text = `${HEAD}qubes: { ${WORK}: { extends: desk } }\n`
  const profile = host.write('profile.yaml', `${HEAD}profiles: { desk: { qube: { vcpus: 3 } } }\n`)
  const typed = host.write('typed.yaml', text)
  const withStdin = (stdin: string, ...argv: string[]): ReturnType<typeof host.qstate> =>
    host.qstateWith({ stdin }, ...argv)
  for (const command of ['plan', 'validate', 'status', 'apply', 'drift', 'adopt']) {
    const flags = command === 'apply' || command === 'adopt' ? ['--yes'] : []
    const { code, out, err } = await withStdin(text, command, ...flags, '-', profile)
    assert.equal(code, 0, `${command}: ${out}${err}`)
  }
  assert.match((await host.qstate('plan', typed, profile)).out, /1 qube as wanted/)
  const wrong = await withStdin(`${HEAD}qubes: { ${WORK}: { qube: { vcpus: x } } }\n`, 'plan', '-')
  assert.equal(wrong.code, 65)
  assert.match(wrong.err, /^<stdin>:2:/m)
  const empty = await withStdin('', 'plan', '-')
  assert.equal(empty.code, 65)
  const large = await withStdin(`${HEAD}#${'x'.repeat(1024 * 1024)}`, 'plan', '-')
  assert.match(large.err, /<stdin>: it is larger than 1 MiB/)
})

test('what is read from stdin is of no commit, and says so beside files of one', async (t) => {
  const host = await simulatedHost(t)
  const profile = host.write('profile.yaml', `${HEAD}profiles: { desk: { qube: { vcpus: 3 } } }\n`)
  const stdin = `${HEAD}qubes: { ${WORK}: { extends: desk } }\n`
  const { out } = await host.qstateWith({ stdin }, 'plan', '--json', '-', profile)
  const { origins, spec } = JSON.parse(out) as { origins?: unknown; spec: { commit: string | null } }
  assert.equal(spec.commit, null)
  assert.match(JSON.stringify(origins ?? spec), /<stdin>/)
})

test('adopt and release restart nothing and attach nothing: they offer no option for it, and a spec cannot', async (t) => {
  const host = await simulatedHost(t)
  const file = host.write(
    'spec.yaml',
    `${HEAD}qubes: { ${WORK}: { restart: now, qube: { memory: 9000 }, audio: ac97 } }\n`,
  )
  assert.equal((await host.qstate('apply', '--yes', '--restart', 'never', file)).code, 0)
  const waits = await host.qstate('status', file)
  assert.match(waits.out, /waits for its next start/)
  const before = host.simulator.requests.length
  for (const command of [
    ['adopt', '--yes', file],
    ['release', '--yes', WORK],
  ]) {
    for (const option of [['--restart', 'now'], ['--live'], ['--restart-kill'], ['--restart-timeout', '9']]) {
      const { code, err } = await host.qstate(...command, ...option)
      assert.equal(code, 64, err)
    }
    const { code, out } = await host.qstate(...command)
    assert.equal(code, 0, out)
    assert.doesNotMatch(out, /be restarted by/)
  }
  const sent = host.simulator.requests.slice(before).filter(({ write }) => write)
  assert.deepEqual(
    [...new Set(sent.map(({ method }) => method))].filter((m) => !/feature/.test(m)),
    [],
  )
})

test('no command takes an option that it ignores: what covers whole qubes or generations has no --target', async (t) => {
  const host = await simulatedHost(t)
  const CASES = [
    ['rollback', '--target', WORK],
    ['withdraw', '--target', WORK, '--all'],
    ['release', '--target', WORK, WORK],
    ['status', '--explain'],
    ['drift', '--explain'],
  ]
  for (const argv of CASES) {
    const { code, err } = await host.qstate(...argv)
    assert.equal(code, 64, argv.join(' '))
    assert.match(err, /unknown option/)
  }
  const file = host.write('spec.yaml', `${HEAD}qubes: { ${WORK}: { qube: { vcpus: 3 } } }\n`)
  const saved = join(host.folder, 'plan.json')
  assert.equal((await host.qstate('plan', '-o', saved, file)).code, 0)
  const refused = await host.qstate('apply', '--yes', '--target', 'win10-home', saved)
  assert.equal(refused.code, 64)
  assert.match(refused.err, /--target does not go with a saved plan/)
})
