import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { RECORD_FEATURE } from '../../spec/index.ts'
import { type Host, type Result, simulatedHost } from './run-cli.ts'

/** `once`: a value that is given once, and is the user's from then on. */

interface World {
  readonly host: Host
  readonly file: string
  readonly spec: (body: string) => void
  readonly model: () => string | undefined
  /** A user sets, or with null removes, the audio model. */
  readonly user: (value: string | null) => void
  readonly apply: () => Promise<Result>
  readonly writes: () => Promise<number>
}

async function makeWorld(t: TestContext): Promise<World> {
  const host = await simulatedHost(t)
  const file = join(host.folder, 'spec.yaml')
  const features = (): Map<string, string> => host.simulator.host.qubes.get('win10-home')!.features
  features().set('audio-model', 'sb16')
  const apply = async (): Promise<Result> => {
    const done = await host.qstate('apply', '--yes', file)
    assert.equal(done.code, 0, done.out + done.err)
    return done
  }
  return {
    host,
    file,
    spec: (body) => {
      writeFileSync(file, `apiVersion: qstate/v1\nname: office\nqubes:\n  win10-home: ${body}\n`)
    },
    model: () => features().get('audio-model'),
    user: (value) => {
      if (value === null) features().delete('audio-model')
      else features().set('audio-model', value)
    },
    apply,
    writes: async () => {
      host.simulator.clearLog()
      await apply()
      return host.simulator.writes()
    },
  }
}

const ONCE = '{ tags: [a], once: { audio: ich6, qube: { features: { theme: dark } } } }'

test('a value is given once; what the user sets then is no drift, whatever the spec says of it later', async (t) => {
  const { host, file, spec, model, user, apply, writes } = await makeWorld(t)
  spec(ONCE)
  const first = await apply()
  assert.match(first.out, /model +sb16 → ich6[^]*given once: from then on it is the user’s/)
  assert.deepEqual([model(), await writes()], ['ich6', 0])
  for (const value of ['ac97', null, 'sb16']) {
    user(value)
    assert.equal(await writes(), 0)
    assert.match((await host.qstate('plan', file)).out, /Nothing to do: 1 qube as wanted/)
    const drift = await host.qstate('drift', file)
    assert.deepEqual([drift.code, model()], [0, value ?? undefined])
  }
  spec(ONCE.replace('ich6', 'es1370'))
  assert.deepEqual([await writes(), model()], [0, 'sb16'])
})

test('a record that is lost gives nothing a second time; other settings are taken anew', async (t) => {
  const { host, file, spec, model, user, apply, writes } = await makeWorld(t)
  spec(ONCE)
  await apply()
  user('ac97')
  host.simulator.host.qubes.get('win10-home')!.features.delete(RECORD_FEATURE)
  const saved = join(host.folder, 'plan.json')
  assert.equal((await host.qstate('plan', '-o', saved, file)).code, 0)
  const again = await host.qstate('apply', '--yes', saved)
  assert.equal(again.code, 0, again.out + again.err)
  assert.match(again.out, /audio model: was given once already/)
  assert.equal(model(), 'ac97')
  assert.equal(await writes(), 0)
  user('ich6')
  spec('{ tags: [a] }')
  await apply()
  assert.equal(model(), 'sb16', 'what was there before is known still')
})

test('once is left for good or for bad by the spec: an ordinary value is set, a dropped one goes back if it is still that', async (t) => {
  const { host, file, spec, model, user, apply } = await makeWorld(t)
  spec(ONCE)
  await apply()
  user('ac97')
  spec(ONCE.replace('audio: ich6, ', '').replace('tags: [a]', 'tags: [a], audio: ich6'))
  assert.match((await host.qstate('plan', file)).out, /model +ac97 → ich6 +changed/)
  await apply()
  user('ac97')
  assert.match((await host.qstate('plan', file)).out, /model +ac97 → ich6 +drift/)
  spec(ONCE)
  await apply()
  assert.equal(model(), 'ac97')
  spec('{ tags: [a] }')
  assert.match((await apply()).out, /audio model: no longer named, and changed since by someone else/)
  assert.equal(model(), 'ac97')
  assert.equal(host.simulator.host.qubes.get('win10-home')!.features.get('theme'), undefined)
})

test('a run that did not come to it gives it at the next; a saved plan with it is one that qstate writes', async (t) => {
  const { host, file, spec, model, apply, writes } = await makeWorld(t)
  spec('{ once: { audio: ich6 } }')
  host.simulator.setFaults([{ match: { arg: 'audio-model', writesOnly: true }, times: 1, do: 'die-before' }])
  assert.notEqual((await host.qstate('apply', '--yes', file)).code, 0)
  host.simulator.setFaults([])
  await host.simulator.restart()
  assert.equal(model(), 'sb16')
  await apply()
  assert.deepEqual([model(), await writes()], ['ich6', 0])
  const saved = join(host.folder, 'plan.json')
  spec('{ once: { audio: ich6, qube: { vcpus: 3 } } }')
  assert.equal((await host.qstate('plan', '-o', saved, file)).code, 0)
  const done = await host.qstate('apply', '--yes', saved)
  assert.equal(done.code, 0, done.out + done.err)
  assert.equal((await host.qstate('rollback', '--yes')).code, 0)
  assert.equal(host.simulator.host.qubes.get('win10-home')!.properties.has('vcpus'), false)
})

test('a setting stands once or beside it, and a profile gives it as a qube does', async (t) => {
  const { host, file, spec } = await makeWorld(t)
  spec('{ audio: ich6, once: { audio: ac97 } }')
  const twice = await host.qstate('validate', file)
  assert.deepEqual([twice.code, /audio\/model is set twice here/.test(twice.err + twice.out)], [65, true])
  spec('{ once: { restart: ask } }')
  assert.match((await host.qstate('validate', file)).err, /restart/)
  writeFileSync(
    file,
    'apiVersion: qstate/v1\nprofiles: { p: { once: { qube: { vcpus: 3 }, audio: ich6 } } }\nqubes: { win10-home: { extends: p, audio: ac97 } }\n',
  )
  const { out } = await host.qstate('plan', file)
  assert.match(out, /vcpus[^]*given once/)
  assert.equal(out.match(/given once/g)?.length, 1, 'what the qube says itself wins')
})
