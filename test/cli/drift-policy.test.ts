import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Host, type Result, simulatedHost } from './run-cli.ts'

/** `drift: report`: a value that is set when it is new or changed, and never over what someone has set since. */

interface World {
  readonly host: Host
  readonly file: string
  readonly spec: (body: string, more?: string) => void
  readonly model: () => string | undefined
  readonly vcpus: () => string | undefined
  readonly user: (model: string) => void
  /** How many writes an apply takes. */
  readonly apply: () => Promise<number>
  readonly run: (...argv: readonly string[]) => Promise<Result>
}

async function makeWorld(t: TestContext): Promise<World> {
  const host = await simulatedHost(t)
  const file = join(host.folder, 'spec.yaml')
  const qube = host.simulator.host.qubes.get('win10-home')!
  return {
    host,
    file,
    spec: (body, more = '') => {
      writeFileSync(file, `apiVersion: qstate/v1\nname: office\nqubes:\n  win10-home: ${body}\n${more}`)
    },
    model: () => qube.features.get('audio-model'),
    vcpus: () => qube.properties.get('vcpus')?.toString(),
    user: (model) => void qube.features.set('audio-model', model),
    async apply() {
      host.simulator.clearLog()
      const done = await host.qstate('apply', '--yes', file)
      assert.equal(done.code, 0, done.out + done.err)
      return host.simulator.writes()
    },
    run: (...argv) => host.qstate(...argv, file),
  }
}

const REPORT = '{ audio: ich6, tags: [a], drift: { audio/model: report } }'

test('what someone has changed is told by plan, status and drift, and no apply writes it back', async (t) => {
  const { spec, model, user, apply, run } = await makeWorld(t)
  spec(REPORT)
  assert.ok((await apply()) > 0)
  user('ac97')
  const plan = await run('plan')
  assert.equal(plan.code, 0)
  assert.match(
    plan.out,
    /audio model: drift, only reported, as the spec says; it stays ac97, and the spec says\s+ich6/,
  )
  assert.match(plan.out, /Nothing to do\.\nDrift that is only reported: win10-home\./)
  const status = await run('status')
  assert.match(status.out, /win10-home .* drifted +drift in audio model/)
  assert.doesNotMatch(status.out, /All as wanted/)
  const drift = await run('drift')
  assert.equal(drift.code, 2)
  assert.match(drift.out, /Drift: 1 setting in 1 qube of 1\./)
  const { drift: told } = JSON.parse((await run('drift', '--json')).out) as { drift: unknown }
  assert.deepEqual(told, [
    {
      ...{ qube: 'win10-home', path: 'audio/model', wanted: 'ich6', found: 'ac97' },
      why: 'only reported, as the spec says',
    },
  ])
  assert.equal(await apply(), 0)
  assert.equal(model(), 'ac97')
})

test('other settings are corrected beside it; a spec that changes the value sets it, one that says correct sets it back', async (t) => {
  const { host, spec, model, vcpus, user, apply, run } = await makeWorld(t)
  const body = '{ audio: ich6, qube: { vcpus: 3 }, drift: { default: report, qube/vcpus: correct } }'
  spec(body)
  await apply()
  user('ac97')
  host.simulator.host.qubes.get('win10-home')!.properties.set('vcpus', 8)
  const plan = await run('plan')
  assert.match(plan.out, /vcpus +8 → 3 +drift/)
  assert.match(plan.out, /audio model: drift, only reported/)
  assert.equal(await apply(), 1, 'the record says what it said')
  assert.deepEqual([model(), vcpus()], ['ac97', '3'])
  spec(body.replace('ich6', 'es1370'))
  assert.match((await run('plan')).out, /model +ac97 → es1370 +changed/)
  await apply()
  assert.equal(model(), 'es1370')
  user('ac97')
  assert.equal(await apply(), 0)
  spec(body.replace('ich6', 'es1370').replace('default: report', 'default: correct'))
  assert.match((await run('plan')).out, /model +ac97 → es1370 +drift/)
  await apply()
  assert.equal(model(), 'es1370')
})

test('what was set back by hand is drift no more, and what leaves the spec is not undone after its user', async (t) => {
  const { spec, model, user, apply, run } = await makeWorld(t)
  const before = model()
  spec(REPORT)
  await apply()
  user('ac97')
  assert.equal(await apply(), 0)
  user('ich6')
  assert.match((await run('status')).out, /All as wanted/)
  user('ac97')
  spec('{ tags: [a] }')
  await apply()
  assert.equal(model(), 'ac97')
  assert.notEqual(before, 'ac97')
})

test('a run that was cut off is finished: what it has not come to is no drift', async (t) => {
  const { host, file, spec, model, apply, run } = await makeWorld(t)
  spec(REPORT)
  for (const body of [REPORT, REPORT.replace('ich6', 'es1370')]) {
    spec(body)
    host.simulator.setFaults([
      { match: { arg: 'audio-model', writesOnly: true }, times: 1, do: 'die-before' },
    ])
    assert.notEqual((await host.qstate('apply', '--yes', file)).code, 0)
    host.simulator.setFaults([])
    await host.simulator.restart()
    assert.equal((await run('drift')).code, 0)
    assert.ok((await apply()) > 0)
    assert.equal(model(), body === REPORT ? 'ich6' : 'es1370')
  }
})

test('a saved plan has what it leaves, and is one that qstate takes', async (t) => {
  const { host, spec, model, user, apply, run } = await makeWorld(t)
  spec(REPORT)
  await apply()
  user('ac97')
  spec(REPORT.replace('tags: [a]', 'tags: [a, b]'))
  const saved = join(host.folder, 'plan.json')
  assert.equal((await run('plan', '-o', saved)).code, 0)
  const done = await host.qstate('apply', '--yes', saved)
  assert.equal(done.code, 0, done.out + done.err)
  assert.equal(model(), 'ac97')
  assert.equal((await host.qstate('rollback', '--yes')).code, 0)
  assert.equal(model(), 'ac97')
})
