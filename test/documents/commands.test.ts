import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Order, type RolloutState } from '../../documents/fleet/index.ts'
import { controllerTurn, newController } from '../../fleet/controller/controller.ts'
import { note } from '../../fleet/controller/view.ts'
import { localStore } from '../../fleet/store/local-store.ts'
import { type Host, type Result, simulatedHost } from '../cli/run-cli.ts'
import { fleetHome, put } from '../support/local-fleet.ts'
import { tempFolder } from '../support/temp.ts'
import { type Damage, DAMAGES, earlier, type Sample, SAMPLES } from './samples.ts'

/** Commands over stored documents that are not what they should be: told, passed over or refused, and never a bug of qstate's. */

const sampleOf = (name: string): Sample => SAMPLES[name]!

/** A simulated host on which something has been applied, and that an agent has kept. */
async function keptHost(t: TestContext): Promise<{ host: Host; spec: string; place: string }> {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  const vcpus = (count: number): void => {
    writeFileSync(
      spec,
      `apiVersion: qstate/v1\nname: test\nqubes:\n  win10-work: { qube: { vcpus: ${count} } }\n`,
    )
  }
  for (const count of [3, 4]) {
    vcpus(count)
    assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  }
  const hosts = join(host.folder, 'state', 'hosts')
  const place = join(hosts, readdirSync(hosts)[0] ?? '')
  mkdirSync(join(place, 'agent'), { mode: 0o700 })
  writeFileSync(join(place, 'agent', 'memory.json'), JSON.stringify(sampleOf('memory').json))
  return { host, spec, place }
}

const fine = (result: Result, about: string): Result => {
  assert.doesNotMatch(result.err + result.out, /bug in qstate|TypeError|RangeError|\[object/, about)
  return result
}

/** Wherever its lines were broken. */
const flat = (text: string): string => text.replace(/\s+/g, ' ')

for (const [file, name] of [
  ['plan.json', 'plan'],
  ['meta.json', 'generation'],
  ['report.json', 'report'],
] as const) {
  test(`a generation whose ${file} is damaged is a line of the history, and is not undone, nor what came before it`, async (t) => {
    const { host, spec, place } = await keptHost(t)
    const newest = join(place, 'generations', '000002', file)
    const whole = readFileSync(newest, 'utf8')
    for (const damage of DAMAGES) {
      writeFileSync(newest, damage.text(sampleOf(name)))
      const told = fine(await host.qstate('history'), damage.name)
      assert.equal(told.code, 0)
      assert.match(flat(told.out), /^ 2 - - - damaged .*000002.* 1 2026-.* applied/, damage.name)
      const listed = JSON.parse((await host.qstate('history', '--json')).out) as {
        generation: number
        outcome: string
        problem?: { code: string }
      }[]
      assert.deepEqual(
        listed.map(({ generation, outcome, problem }) => [generation, outcome, problem?.code]),
        [
          [2, 'damaged', damage.code],
          [1, 'applied', undefined],
        ],
      )
      const writes = host.simulator.writes()
      for (const argv of [['rollback'], ['rollback', '2'], ['rollback', '1']]) {
        const refused = fine(await host.qstate(...argv, '--yes'), damage.name)
        assert.equal(refused.code, 1)
        assert.match(flat(refused.err), /^error: generation 2 cannot be undone: /)
      }
      assert.equal(host.simulator.writes(), writes, 'nothing was written')
      assert.equal(fine(await host.qstate('plan', spec), damage.name).code, 0)
    }
    writeFileSync(newest, whole)
    assert.equal((await host.qstate('rollback', '--yes')).code, 0)
    assert.equal((await host.qstate('history')).code, 0)
  })
}

test('a damaged generation before the one that is undone stands in nobody’s way', async (t) => {
  const { host, place } = await keptHost(t)
  writeFileSync(join(place, 'generations', '000001', 'plan.json'), '{}')
  const undone = await host.qstate('rollback', '--yes')
  assert.equal(undone.code, 0, undone.err)
  const refused = await host.qstate('rollback', '1', '--yes')
  assert.match(flat(refused.err), /generation 1 cannot be undone.*`qstate rollback 2` undoes all after it/)
})

test('a generation that names settings which this qstate does not manage is not undone', async (t) => {
  const { host, place } = await keptHost(t)
  const file = join(place, 'generations', '000002', 'plan.json')
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('"qube/vcpus"', '"qube/warp"'))
  const refused = fine(await host.qstate('rollback', '--yes'), '')
  assert.equal(refused.code, 1)
  assert.match(flat(refused.err), /generation 2 cannot be undone: it names win10-work\/qube\/warp/)
})

test('a memory that is damaged is told by status, which goes on with the host', async (t) => {
  const { host, spec, place } = await keptHost(t)
  for (const damage of DAMAGES) {
    writeFileSync(join(place, 'agent', 'memory.json'), damage.text(sampleOf('memory')))
    const told = fine(await host.qstate('status', spec), damage.name)
    assert.equal(told.code, 0)
    assert.match(told.out, /win10-work .*as wanted/)
    assert.match(flat(told.err), /agent\/memory\.json (?:is|was) /)
    const json = fine(await host.qstate('status', '--json', spec), damage.name)
    assert.equal((JSON.parse(json.out) as { qubes: object[] }).qubes.length, 1)
    for (const argv of [['suspend'], ['resume'], ['accept', 'a'.repeat(40)]])
      assert.equal(fine(await host.qstate('agent', ...argv), damage.name).code, 0)
  }
})

test('orders to the agent that are damaged: a suspension holds, others are none, and status tells', async (t) => {
  const { host, spec, place } = await keptHost(t)
  for (const [file, name] of [
    ['suspended.json', 'suspension'],
    ['accepted.json', 'accepted'],
    ['ordered.json', 'ordered'],
  ] as const)
    for (const damage of DAMAGES) {
      writeFileSync(join(place, 'agent', file), damage.text(sampleOf(name)))
      const told = fine(await host.qstate('status', '--json', spec), damage.name)
      assert.equal(told.code, 0)
      assert.match(flat(told.err), new RegExp(`agent/${file} (?:is|was) `))
      const { agent } = JSON.parse(told.out) as { agent: { suspended: { until: null } | null } }
      if (name === 'suspension') assert.equal(agent.suspended?.until, null)
      if (name === 'suspension') assert.match((await host.qstate('agent', 'resume')).out, /Resumed/)
      else assert.equal(agent.suspended, null)
    }
})

test('a lock that is none is taken over; one of a newer qstate, or of something else, is not', async (t) => {
  const { host, spec, place } = await keptHost(t)
  for (const damage of DAMAGES) {
    writeFileSync(join(place, 'lock'), damage.text(sampleOf('holder')))
    const { code, err } = fine(await host.qstate('apply', '--yes', spec), damage.name)
    if (damage.code === 'document-damaged') assert.equal(code, 0, `${damage.name}: ${err}`)
    else assert.match(flat(err), /error: .*\/lock (?:was written by a newer qstate|is no lock)/, damage.name)
  }
})

test('a saved plan and a recorded host that are damaged are refused with their place', async (t) => {
  const { host, spec } = await keptHost(t)
  const file = join(host.folder, 'file.json')
  for (const damage of DAMAGES) {
    for (const [name, ...argvs] of [
      ['plan', ['show', file], ['apply', '--yes', file]],
      ['snapshot', ['plan', '--host-state', file, spec]],
    ] as const) {
      writeFileSync(file, damage.text(sampleOf(name)))
      for (const argv of argvs) {
        const refused = fine(await host.qstate('--json', ...argv), damage.name)
        assert.equal(refused.code, 1)
        const { error } = JSON.parse(refused.out) as { error: { code: string; message: string } }
        assert.equal(error.code, damage.code)
        assert.ok(error.message.startsWith(file))
      }
    }
  }
})

test('documents that earlier versions have left on a host are read', async (t) => {
  const { host, spec, place } = await keptHost(t)
  cpSync(earlier('generation'), join(place, 'generations', '000003'), { recursive: true })
  cpSync(earlier('memory.json'), join(place, 'agent', 'memory.json'))
  const history = await host.qstate('history')
  assert.match(history.out, /^ +3 .* apply .* in part .*root@test-host\n/)
  const status = await host.qstate('status', spec)
  assert.doesNotMatch(status.err, /memory\.json/)
  assert.match(status.out, /refused +0b0aa45|refused +[0-9a-f]{12}: it is not signed/)
  assert.match(status.out, /blocked +gone: there is no such qube/)
  assert.match(status.out, /failed +win-a: admin\.vm\.property\.Set/)
  const rollback = fine(await host.qstate('rollback', '--yes'), 'rollback')
  assert.match(rollback.out, /Undoing generation 3/)
})

test('a document of a fleet’s store that is damaged is told, and the rest is shown', async (t) => {
  const { store, qstate } = await fleetHome(t)
  const huge: Damage = {
    name: 'huge',
    text: () => `[${'{},'.repeat(200_000)}{}]`,
    code: 'document-damaged',
  }
  for (const damage of [...DAMAGES, huge]) {
    for (const [key, name] of [
      ['reports/attic', 'host-report'],
      ['orders/attic', 'order'],
      ['leader', 'lease'],
      ['plans/attic', 'host-plan'],
      ['asks/attic', 'ask'],
    ] as const)
      put(store, key, damage.text(sampleOf(name)))
    const status = fine(await qstate('fleet', 'status'), damage.name)
    assert.equal(status.code, 0, status.err)
    assert.match(status.out, /^desk +[0-9a-f]{12} +applied/m)
    assert.match(status.out, /^attic +unreadable report .*\n +reports\/attic (?:is|was) /m, damage.name)
    assert.equal(fine(await qstate('rollout', 'status'), damage.name).code, 0)
  }
  const folder = join(store, 'rollout.d')
  const whole = readFileSync(join(folder, readdirSync(folder).sort().at(-1) ?? ''))
  for (const damage of DAMAGES) {
    put(store, 'rollout', whole)
    put(store, 'history/000001', damage.text(sampleOf('rollout-state')))
    assert.match(fine(await qstate('rollout', 'history'), damage.name).out, /^ +1 +one/m)
    put(store, 'rollout', damage.text(sampleOf('rollout-state')))
    for (const argv of [['status'], ['pause'], ['start'], ['history']]) {
      const refused = fine(await qstate('rollout', ...argv, '--json'), damage.name)
      assert.equal(refused.code, 1)
      const { error } = JSON.parse(refused.out) as { error: { code: string } }
      assert.equal(error.code, damage.code)
    }
  }
})

test('a report that is damaged is told by the controller once, and no other host waits for it', async (t) => {
  const folder = tempFolder(t)
  const store = localStore(folder, () => Promise.resolve())
  const state = { ...(sampleOf('rollout-state').json as RolloutState), epoch: 0 }
  const more = { ...state.hosts['desk']!, wave: 0 }
  await store.put('rollout', { ...state, hosts: { ...state.hosts, attic: more } }, 0)
  for (const host of ['desk', 'attic'])
    await store.put(`reports/${host}`, { ...sampleOf('host-report').json, host, status: 'idle' }, 0)
  put(folder, 'reports/attic', `[${'{},'.repeat(200_000)}{}]`)
  const said: string[] = []
  let nowMs = 0
  const context = {
    ...{ store, who: 'me', leaseMs: 3000, now: () => nowMs },
    say: (_: string, message: string) => void said.push(message),
  }
  const mine = newController(0)
  for (let turn = 0; turn < 6; turn += 1) {
    nowMs += 500
    for (const entry of await store.list('reports/')) note(mine.view, entry, nowMs, turn === 0)
    await controllerTurn(mine, context)
  }
  assert.deepEqual(
    said.filter((line) => line.startsWith('reports/')),
    ['reports/attic is damaged: it is larger than 128 KiB'],
  )
  assert.equal(((await store.get('orders/desk'))?.value as Order).commit, state.commit)
  assert.equal(await store.get('orders/attic'), null)
})
