import assert from 'node:assert/strict'
import { test } from 'node:test'
import { troubles } from './in-process.ts'
import { lifeOf } from './life.ts'
import { allowLines, exampleWorld, plain, policyFor, type World } from './world.ts'

/** What is read for a remark only: without its line the plan says what cannot be told, and goes on. */
const REMARK = / \+start_time /

/** Goes through a life under the whole policy; tells which line was first needed at which step. */
async function firstNeeds(
  world: World,
  example: string,
  policy: string,
): Promise<ReadonlyMap<string, number>> {
  const { qrexec } = world
  qrexec.setPolicy(policy)
  const needed = new Map<string, number>()
  for (const [index, step] of lifeOf(world, example).entries()) {
    step.meddle(world)
    qrexec.seen.length = 0
    assert.deepEqual(troubles(await step.apply(world)), [], step.name)
    for (const { rule, allowed, call } of qrexec.seen) {
      assert.ok(allowed && rule !== null, `${step.name}: ${call}`)
      if (!needed.has(rule.text)) needed.set(rule.text, index)
    }
  }
  return needed
}

// Not on 4.4, which takes `maxmem` from a halted qube only: the lives here are those of running ones.
for (const example of [
  'live-linux',
  'shared-headset',
  'windows-10',
  'windows-11-template',
  'windows-7-oem',
]) {
  test(`every line for ${example}.yaml on 4.3 is needed at some time of its life`, async (t) => {
    const name = `${example}.yaml`
    const policy = await policyFor(`examples/${name}`, '4.3')
    const world = await exampleWorld(t, '4.3', name)
    const needed = await firstNeeds(world, name, policy)
    assert.deepEqual(
      allowLines(policy).filter((line) => !needed.has(line) && !REMARK.test(line)),
      [],
    )
  })
}

test('without any one line something fails, with an error that names the line', async (t) => {
  const name = 'windows-10.yaml'
  const policy = await policyFor(`examples/${name}`, '4.3')
  const needed = await firstNeeds(await exampleWorld(t, '4.3', name), name, policy)
  const lines = allowLines(policy).filter((line) => !REMARK.test(line))
  t.diagnostic(`${lines.length} lines`)
  for (const line of lines) {
    const at = needed.get(line) ?? 0
    const world = await exampleWorld(t, '4.3', name)
    const steps = lifeOf(world, name)
    world.qrexec.setPolicy(policy)
    if (at > 0) {
      steps[0]!.meddle(world)
      await steps[0]!.apply(world)
    }
    steps[at]!.meddle(world)
    world.qrexec.setPolicy(policy.replace(`${line}\n`, ''))
    const told = await steps[at]!.apply(world).then(
      (run) => troubles(run).join('\n'),
      (error: unknown) =>
        error instanceof Error && 'hint' in error ? `${error.message}\n${String(error.hint)}` : '',
    )
    assert.ok(plain(told).includes(plain(line)), `without “${plain(line)}”: ${told}`)
    assert.ok(world.host.simulator.host.qubes.has('win10-work'))
  }
})

test('a denial holds against whatever a later file allows', async (t) => {
  const name = 'windows-10.yaml'
  const policy = await policyFor(`examples/${name}`, '4.3')
  const lines = policy.split('\n').filter((line) => line.endsWith(' deny'))
  assert.ok(lines.length >= 4)
  const { host, qrexec } = await exampleWorld(t, '4.3', name)
  qrexec.setPolicy(`${policy}\n* * @anyvm @anyvm allow target=dom0\n`)
  const ask = async (method: string, arg: string): Promise<boolean> => {
    const call = { dest: 'sys-usb', method, arg, payload: '' }
    return qrexec.transport.exchange(call, { timeoutMs: 10_000 }).then(
      () => true,
      () => false,
    )
  }
  assert.equal(await ask('admin.vm.feature.Set', 'harmless'), true)
  assert.equal(await ask('admin.vm.feature.Set', 'qemu-extra-args'), false)
  assert.equal(await ask('admin.vm.feature.Set', 'internal'), false)
  assert.equal(await ask('admin.vm.tag.Set', 'office'), false)
  assert.equal(await ask('admin.vm.tag.Remove', 'office'), false)
  assert.equal(host.simulator.host.qubes.get('sys-usb')?.tags.has('office'), false)
})
