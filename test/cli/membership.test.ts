import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Host, type Result, simulatedHost } from './run-cli.ts'

/** A selector that stops matching because the host changed withdraws nothing; a commit does. */

const NAME = 'win10-home'

interface Selected extends Host {
  /** Runs a command on a spec with this text below its name. */
  run(command: string, text: string): Promise<Result>
  /** Applies one, which has to go well. How many calls wrote. */
  apply(text: string): Promise<number>
  tag(name: string, isSet: boolean): void
  vcpus(): unknown
}

async function selectedHost(t: TestContext): Promise<Selected> {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  const run = (command: string, text: string): Promise<Result> => {
    writeFileSync(spec, `apiVersion: qstate/v1\nname: home\n${text}`)
    return host.qstate(...command.split(' '), spec)
  }
  return {
    ...host,
    run,
    async apply(text) {
      host.simulator.clearLog()
      // All that is owned on a qube may leave at once here.
      const { code, out, err } = await run('apply --yes --allow-withdraw =9', text)
      assert.equal(code, 0, out + err)
      return host.simulator.writes()
    },
    tag(name, isSet) {
      const method = isSet ? 'admin.vm.tag.Set' : 'admin.vm.tag.Remove'
      const answer = host.simulator.act(Buffer.from(`${method}+${name} dom0 name ${NAME}\0`))
      assert.equal(answer.toString('latin1'), '0\0')
    },
    vcpus: () => host.simulator.host.qubes.get(NAME)?.properties.get('vcpus'),
  }
}

const select = (match: string): string => `select:\n  - { match: ${match}, qube: { vcpus: 3 } }\n`
const OFFICE = select('{ tag: office }')
const OTHERS = 'qubes:\n  win10-work: { qube: { memory: 4500 } }\n'

test('a tag that is removed on the host is drift: told by plan, status and drift, and nothing is withdrawn', async (t) => {
  const host = await selectedHost(t)
  host.tag('office', true)
  const before = host.vcpus()
  assert.ok((await host.apply(OFFICE)) > 0)
  assert.equal(host.vcpus(), 3)
  host.tag('office', false)

  const plan = await host.run('plan', OFFICE)
  assert.equal(plan.code, 0)
  assert.match(plan.out, /vcpus: drift, no longer matched: tag office is gone; it stays 3, and owned/)
  assert.match(plan.out, /Nothing to do\.\nDrift that is left: a selector no longer matches win10-home\./)
  const status = await host.run('status', OFFICE)
  assert.match(status.out, /win10-home .* drifted +drift in qube vcpus/)
  assert.doesNotMatch(status.out, /All as wanted/)
  const drift = await host.run('drift', OFFICE)
  assert.equal(drift.code, 2)
  assert.match(drift.out, /no longer matched: tag office is gone/)
  assert.match(drift.out, /Drift: 1 setting in 1 qube of 1\./)
  const { drift: told } = JSON.parse((await host.run('drift --json', OFFICE)).out) as { drift: unknown }
  assert.deepEqual(told, [
    {
      ...{ qube: NAME, path: 'qube/vcpus', wanted: before ?? null, found: 3 },
      why: 'no longer matched: tag office is gone',
    },
  ])
  assert.equal(await host.apply(OFFICE), 0)
  assert.equal(await host.apply(OFFICE), 0)
  assert.equal(host.vcpus(), 3)

  host.tag('office', true)
  assert.match((await host.run('status', OFFICE)).out, /All as wanted/)
  host.tag('office', false)
  assert.ok((await host.apply(OTHERS)) > 0, 'a commit removes the selector')
  assert.equal(host.vcpus(), before)
})

for (const [what, text] of [
  ['asks for another tag', select('{ tag: lab }')],
  ['no longer gives the setting', 'select:\n  - { match: { tag: office }, qube: { memory: 4500 } }\n'],
] as const) {
  test(`a commit after which a selector ${what} withdraws`, async (t) => {
    const host = await selectedHost(t)
    host.tag('office', true)
    const before = host.vcpus()
    await host.apply(OFFICE)
    await host.apply(text)
    assert.equal(host.vcpus(), before)
    assert.equal(await host.apply(text), 0)
  })
}

test('a commit may withdraw also what the host had taken from the selector before', async (t) => {
  const host = await selectedHost(t)
  host.tag('office', true)
  const before = host.vcpus()
  await host.apply(OFFICE)
  host.tag('office', false)
  await host.apply(OFFICE)
  await host.apply(select('{ tag: lab }'))
  assert.equal(host.vcpus(), before)
})

test('where a commit changed which selector gives a setting, and no value, the host is still told from a commit', async (t) => {
  const host = await selectedHost(t)
  for (const tag of ['office', 'desk']) host.tag(tag, true)
  await host.apply(OFFICE)
  const DESK = select('{ tag: desk }')
  assert.equal(await host.apply(DESK), 0, 'all of it is right already')
  host.tag('desk', false)
  assert.equal(await host.apply(DESK), 0)
  assert.equal(host.vcpus(), 3)
  assert.match((await host.run('drift', DESK)).out, /no longer matched: tag desk is gone/)
})

test('a line of the qube itself that goes leaves the setting to the selector, and that to the host', async (t) => {
  const host = await selectedHost(t)
  const own = `qubes:\n  ${NAME}: { qube: { vcpus: 3 } }\n${OFFICE}`
  await host.apply(own)
  host.tag('office', true)
  assert.equal(await host.apply(own), 0)
  assert.equal(await host.apply(OFFICE), 0)
  host.tag('office', false)
  assert.equal(await host.apply(OFFICE), 0)
  assert.equal(host.vcpus(), 3)
})

test('a commit that takes the tag back takes what it brought, in the same apply', async (t) => {
  const host = await selectedHost(t)
  const select = `select:
  - { match: { tag: lab }, tags: [fast], qube: { memory: 4500 } }
  - { match: { tag: fast }, qube: { vcpus: 3 } }
`
  const before = host.vcpus()
  await host.apply(`qubes:\n  ${NAME}: { tags: [lab], audio: { model: ac97 } }\n${select}`)
  assert.equal(host.vcpus(), 3)
  const without = `qubes:\n  ${NAME}: { audio: { model: ac97 } }\n${select}`
  await host.apply(without)
  assert.equal(host.vcpus(), before)
  const { tags } = host.simulator.host.qubes.get(NAME) ?? {}
  assert.deepEqual([tags?.has('lab'), tags?.has('fast')], [false, false])
  assert.match((await host.run('plan', without)).out, /Nothing to do: 1 qube as wanted/)
})

test('a tag that a selector gives stays on the host when the selector loses the qube, and so does what it brings', async (t) => {
  const host = await selectedHost(t)
  const chain = `select:
  - { match: { tag: office }, tags: [fast] }
  - { match: { tag: fast }, qube: { vcpus: 3 } }
`
  host.tag('office', true)
  await host.apply(chain)
  host.tag('office', false)
  assert.equal(await host.apply(chain), 0)
  assert.match((await host.run('plan', chain)).out, /tags fast: drift, no longer matched: tag office is gone/)
  host.tag('fast', false)
  assert.equal(await host.apply(chain), 0)
  const { out } = await host.run('plan', chain)
  assert.match(out, /vcpus: drift, no longer matched: tag fast is gone/)
  assert.equal(host.vcpus(), 3)
})

test('a withdrawal that a commit brought and that failed is no drift at the next apply', async (t) => {
  const host = await selectedHost(t)
  const before = host.vcpus()
  const tagged = `qubes:\n  ${NAME}: { tags: [lab], audio: { model: ac97 } }\n${select('{ tag: lab }')}`
  const without = tagged.replace('tags: [lab], ', '')
  await host.apply(tagged)
  host.simulator.setFaults(
    ['Set', 'Reset'].map((verb) => ({
      match: { method: `admin.vm.property.${verb}`, arg: 'vcpus' },
      do: 'refuse' as const,
    })),
  )
  assert.notEqual((await host.run('apply --yes', without)).code, 0)
  assert.equal(host.simulator.host.qubes.get(NAME)?.tags.has('lab'), false)
  host.simulator.setFaults([])
  await host.apply(without)
  assert.equal(host.vcpus(), before)
})

test('a settled plan reads no receipt, whatever selectors there are', async (t) => {
  const host = await selectedHost(t)
  host.tag('office', true)
  await host.apply(OFFICE)
  const folder = join(host.folder, 'state', 'hosts')
  const [place = ''] = readdirSync(folder)
  const receipts = readdirSync(join(folder, place, 'owned')).filter(
    (name) => name.endsWith('.json') && name !== 'baseline.json',
  )
  assert.equal(receipts.length, 1)
  for (const name of receipts) writeFileSync(join(folder, place, 'owned', name), 'damaged')
  const { out, err } = await host.run('plan', OFFICE)
  assert.match(out, /Nothing to do: 1 qube as wanted/)
  assert.equal(err, '')
  // One that has to tell a commit from the host reads it, and does nothing without it.
  host.tag('office', false)
  const after = await host.run('plan', OFFICE)
  assert.match(after.err + after.out, /damaged/)
  assert.equal((await host.run('apply --yes', OFFICE)).code, 1)
  assert.equal(host.vcpus(), 3)
})
