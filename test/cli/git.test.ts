import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeRepository, type Repository } from '../support/repository.ts'
import { type Host, type Result, ROOT, runCli, simulatedHost } from './run-cli.ts'

const spec = (body: string): string => `apiVersion: qstate/v1\nqubes:\n  win10-home: ${body}\n`

interface World {
  readonly host: Host
  readonly repo: Repository
  /** In the repository, on the host. */
  readonly qstate: (...argv: string[]) => Promise<Result>
}

async function makeWorld(t: TestContext): Promise<World> {
  const host = await simulatedHost(t)
  const repo = makeRepository(t)
  return { host, repo, qstate: (...argv) => host.qstateWith({ cwd: repo.folder }, ...argv) }
}

test('a plan is made for a revision, whatever lies in the folder', async (t) => {
  const { repo, qstate } = await makeWorld(t)
  const first = repo.commit({ 'hosts/a.yaml': spec('{ qube: { vcpus: 3 } }') })
  repo.commit({ 'hosts/a.yaml': spec('{ qube: { vcpus: 5 } }') })
  repo.write({ 'hosts/a.yaml': 'broken: [' })
  const plan = await qstate('plan', '--from-git', 'HEAD~1', 'hosts')
  assert.equal(plan.code, 0, plan.err)
  assert.match(plan.out, new RegExp(`commit ${first.slice(0, 12)}`))
  assert.match(plan.out, /vcpus +.* → 3 /)
  const valid = await qstate('validate', '--from-git', 'HEAD', 'hosts/a.yaml')
  assert.match(valid.out, /Valid: 1 qube in 1 file/)
  const none = await qstate('plan', '--from-git', 'no-such', 'hosts')
  assert.equal(none.code, 64)
  assert.match(none.err, /there is no revision “no-such”/)
})

test('two revisions are compared without a host, and with one where a selector needs it', async (t) => {
  const { host, repo, qstate } = await makeWorld(t)
  repo.commit({ 'a.yaml': spec('{ qube: { vcpus: 3, memory: 4096 }, tags: [office] }') })
  repo.commit({
    'a.yaml': spec('{ restart: ask, qube: { vcpus: 5 }, audio: ich6, once: { tags: [office] } }'),
  })
  const { code, out } = await qstate('plan', '--diff', 'HEAD~1..HEAD', 'a.yaml')
  assert.equal(code, 0)
  assert.match(out, /\+ model +not asked for → ich6/)
  assert.match(out, /- memory +4096 MiB → not asked for/)
  assert.match(out, /~ vcpus +3 → 5/)
  assert.match(out, /restart {2}nothing → "ask"/)
  assert.match(out, /once {2}nothing → \["tags\/office"\]/)
  assert.equal(out.match(/office/g)?.length, 1, 'its value is the same')
  assert.match(out, /3 settings in 1 qube/)
  assert.deepEqual(host.simulator.requests, [])

  const select = 'apiVersion: qstate/v1\nselect:\n  - { match: { name: "win*" }, qube: { vcpus: 4 } }\n'
  repo.commit({ 'a.yaml': select })
  const json = await qstate('plan', '--diff', 'HEAD~1..', '--json', '--detailed-exitcode', 'a.yaml')
  assert.equal(json.code, 2, json.err)
  const told = JSON.parse(json.out) as { qubes: { qube: string; status: string }[] }
  assert.ok(told.qubes.some(({ qube, status }) => qube === 'win10-work' && status === 'added'))
  const same = await qstate('plan', '--diff', 'HEAD..HEAD', 'a.yaml')
  assert.match(same.out, /Both ask for the same/)
  assert.equal((await qstate('plan', '--diff', '..', 'a.yaml')).code, 64)
})

test('with three dots a branch is compared with where it began', async (t) => {
  const { repo, qstate } = await makeWorld(t)
  const base = repo.commit({ 'a.yaml': spec('{ qube: { vcpus: 2 } }') })
  repo.git('branch', 'work')
  repo.commit({ 'a.yaml': spec('{ qube: { vcpus: 2, memory: 4096 } }') })
  repo.git('tag', 'released')
  repo.git('checkout', '--quiet', 'work')
  repo.commit({ 'a.yaml': spec('{ qube: { vcpus: 3 } }') })
  const two = await qstate('plan', '--diff', 'released..work', 'a.yaml')
  assert.match(two.out, /memory/)
  const three = await qstate('plan', '--diff', 'released...', 'a.yaml')
  assert.equal(three.code, 0, three.err)
  assert.match(three.out, new RegExp(base.slice(0, 12)))
  assert.match(three.out, /~ vcpus +2 → 3/)
  assert.doesNotMatch(three.out, /memory/)
  repo.git('checkout', '--quiet', '--orphan', 'apart')
  repo.commit({ 'a.yaml': spec('{ qube: { vcpus: 4 } }') })
  const apart = await qstate('plan', '--diff', 'work...apart', 'a.yaml')
  assert.deepEqual([apart.code, /not two commits that have one in common/.test(apart.err)], [64, true])
  assert.equal((await qstate('plan', '--diff', '--all...HEAD', 'a.yaml')).code, 64)
})

test('every file of a run decides on its commit, and history tells which was of which', async (t) => {
  const { host, repo, qstate } = await makeWorld(t)
  const profiles = 'apiVersion: qstate/v1\nprofiles: { work: { qube: { vcpus: 3 } } }\n'
  const first = repo.commit({
    'profiles/work.yaml': profiles,
    'hosts/laptop.yaml': `name: desk\n${spec('{ extends: work }')}`,
    'hosts/other.yaml': spec('{ qube: { vcpus: 8 } }'),
  })
  const files = ['profiles', 'hosts/laptop.yaml']
  const clean = await qstate('plan', ...files)
  assert.match(clean.out, new RegExp(`commit ${first.slice(0, 12)}\n`))
  repo.write({ 'hosts/other.yaml': '# x\n' })
  assert.match((await qstate('plan', ...files)).out, new RegExp(`commit ${first.slice(0, 12)}\n`))
  repo.write({ 'hosts/laptop.yaml': `# x\nname: desk\n${spec('{ extends: work }')}` })
  const applied = await qstate('apply', '--yes', ...files)
  assert.match(applied.out, new RegExp(`commit ${first.slice(0, 12)}\\+\n`))
  assert.equal(applied.err, '', 'one repository has them all')

  const other = makeRepository(t)
  const second = other.commit({
    'more.yaml': 'apiVersion: qstate/v1\nqubes: { win10-work: { qube: { vcpus: 5 } } }\n',
  })
  const loose = join(host.folder, 'loose.yaml')
  writeFileSync(loose, 'apiVersion: qstate/v1\nqubes: { win10-bare: { qube: { vcpus: 6 } } }\n')
  const mixed = await qstate('apply', '--yes', ...files, join(other.folder, 'more.yaml'), loose)
  assert.equal(mixed.err.match(/no one commit has all files of this spec/g)?.length, 1, mixed.err)
  assert.match(mixed.err, /in no repository:\s[^ ]*loose\.yaml/)

  const [last, before] = JSON.parse((await qstate('history', '--json')).out) as Listed[]
  assert.deepEqual([before?.commit, before?.origins?.length], [`${first}+`, 1])
  assert.equal(last?.commit, null)
  assert.deepEqual(
    last.origins?.map((origin) => [origin.repository, origin.commit, origin.files]),
    [
      [null, null, [loose]],
      ...[
        [repo.folder, `${first}+`, ['hosts/laptop.yaml', 'profiles/work.yaml']] as const,
        [other.folder, second, ['more.yaml']] as const,
      ].sort(([a], [b]) => (a < b ? -1 : 1)),
    ],
  )
  const told = (await qstate('history')).out
  for (const part of [first.slice(0, 12), second.slice(0, 12), 'hosts/laptop.yaml', 'loose.yaml'])
    assert.ok(told.includes(part), part)
  const one = await qstate('plan', ...files, loose)
  assert.match(one.out, new RegExp(`commit ${first.slice(0, 12)}\\+`), 'what is outside differs from it')
})

interface Listed {
  readonly commit: string | null
  readonly origins?: readonly { repository: string | null; commit: string | null; files: string[] }[]
}

test('text of a recorded host moves no cursor and begins no line', async (t) => {
  const host = await simulatedHost(t)
  const state = join(host.folder, 'host.json')
  host.simulator.setFaults([
    { match: { method: 'admin.vm.feature.Get', arg: 'audio-model', dest: 'win10-home' }, do: 'refuse' },
  ])
  await host.qstate('record', '-o', state)
  const evil = 'x\u001b[2J\r\n::error::gone\u0085\u2028\u202e'
  const json: unknown = JSON.parse(readFileSync(state, 'utf8'), (key, value: unknown) =>
    ['where', 'message', 'hint'].includes(key) && typeof value === 'string' ? `${value} ${evil}` : value,
  )
  writeFileSync(state, JSON.stringify(json))
  const file = join(host.folder, 'spec.yaml')
  writeFileSync(file, spec('{ audio: ich6, qube: { vcpus: 3 } }'))
  const { out, err } = await runCli(['plan', '--host-state', state, file])
  assert.match(out, /\\u\{1b\}\[2J/)
  for (const text of [out, err]) {
    assert.doesNotMatch(text, /[^\P{C}\n]|[\u2028\u2029]/u)
    assert.doesNotMatch(text, /^\s*::/m)
  }
})

test('a plan for a recorded host is the plan for the host, for every example', async (t) => {
  for (const name of readdirSync(join(ROOT, 'examples')).filter((file) => file.endsWith('.yaml'))) {
    const fixture = name === 'office.yaml' ? { fixture: 'examples/hosts/office.json' } : {}
    const host = await simulatedHost(t, fixture)
    const state = join(host.folder, 'host.json')
    const recorded = await host.qstate('record', '-o', state)
    assert.equal(recorded.code, 0, recorded.err)
    const file = join('examples', name)
    const planOf = ({ out }: Result): unknown => {
      const { host: at, ...plan } = JSON.parse(out) as Record<string, unknown>
      assert.ok(at)
      // What receipts are to keep is only of a host that is written to.
      return Object.fromEntries(Object.entries(plan).filter(([key]) => key !== 'matched'))
    }
    const live = planOf(await host.qstate('plan', '--json', file))
    await host.simulator.close()
    const offline = await runCli(['plan', '--json', '--host-state', state, file])
    assert.deepEqual(planOf(offline), live, name)
  }
})

test('one property that qubesd fails over is recorded as that, and the others as they are', async (t) => {
  const host = await simulatedHost(t)
  const set = (qube: string, name: string, value: string): void => {
    host.simulator.act(Buffer.from(`admin.vm.property.Set+${name} dom0 name ${qube}\0${value}`))
  }
  set('win10-home', 'guivm', 'win10-work')
  set('win10-work', 'guivm', 'win10-home')
  const state = join(host.folder, 'host.json')
  assert.equal((await host.qstate('record', '-o', state)).code, 0)
  const file = join(host.folder, 'spec.yaml')
  writeFileSync(file, spec('{ qube: { vcpus: 3, properties: { keyboard_layout: de++ } } }'))
  const { code, out } = await runCli(['plan', '--host-state', state, file])
  assert.equal(code, 1)
  assert.match(out, /! qube keyboard_layout: .*Get\+keyboard_layout on win10-home: refused/)
  assert.match(out, /\+ vcpus/)
  assert.doesNotMatch(out, /\\u/, 'a hint of ours has nothing to escape')
})

test('what could not be read is recorded as that, and never planned for', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([
    { match: { method: 'admin.vm.feature.Get', arg: 'audio-model', dest: 'win10-home' }, do: 'refuse' },
  ])
  host.simulator.act(Buffer.from('admin.vm.feature.Set+audio-model dom0 name win10-home\0sb16'))
  const state = join(host.folder, 'host.json')
  await host.qstate('record', '-o', state)
  const file = join(host.folder, 'spec.yaml')
  writeFileSync(file, spec('{ audio: ich6, qube: { vcpus: 3 } }'))
  const { code, out } = await runCli(['plan', '--host-state', state, file])
  assert.equal(code, 1)
  assert.match(out, /! audio model: .*refused/)
  assert.match(out, /vcpus/)
  for (const [text, why] of [
    ['{}', /damaged: at its top, expected the key "schema"/],
    ['nonsense', /damaged: it is not JSON/],
    ['{"schema":"qstate.plan","version":1}', /no recorded host: it says that it is "qstate.plan"/],
    ['{"schema":"qstate.host-state","version":2}', /written by a newer qstate/],
    ['{"schema":"qstate.host-state","version":1}', /damaged/],
  ] as const) {
    writeFileSync(state, text)
    const bad = await runCli(['plan', '--host-state', state, file])
    assert.equal(bad.code, 1)
    assert.match(bad.err.replace(/\s+/g, ' '), why, 'wherever its lines are broken')
  }
})

test('drift is shown by itself, and ends with 2', async (t) => {
  const host = await simulatedHost(t)
  const file = join(host.folder, 'spec.yaml')
  writeFileSync(file, spec('{ qube: { vcpus: 3 } }'))
  await host.qstate('apply', '--yes', file)
  const none = await host.qstate('drift', file)
  assert.deepEqual([none.code, /No drift: 1 qube/.test(none.out)], [0, true])

  host.simulator.act(Buffer.from('admin.vm.property.Set+vcpus dom0 name win10-home\x008'))
  writeFileSync(file, spec('{ qube: { vcpus: 3, memory: 5000 } }'))
  host.simulator.clearLog()
  const { code, out } = await host.qstate('drift', file)
  assert.equal(code, 2)
  assert.match(out, /vcpus +8 → 3 +drift/)
  assert.doesNotMatch(out, /memory/)
  assert.match(out, /Drift: 1 setting in 1 qube of 1\./)
  assert.equal(host.simulator.writes(), 0)
  const json = JSON.parse((await host.qstate('drift', '--json', file)).out) as { drift: object[] }
  assert.deepEqual(json.drift, [{ qube: 'win10-home', path: 'qube/vcpus', wanted: 3, found: 8 }])

  host.simulator.setFaults([{ match: { method: 'admin.vm.property.*' }, do: 'refuse' }])
  const blind = await host.qstate('drift', file)
  assert.equal(blind.code, 1, 'what could not be looked at may have drifted')
  assert.match(blind.out, /could not be looked at/)
})
