import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Host, simulatedHost } from './run-cli.ts'

/** Consent to withdrawals of much at once, on a command line. */

const SPEC = (qubes: string): string => `apiVersion: qstate/v1\nname: laptop\nqubes: ${qubes}\n`
const BOTH = SPEC('{ win10-work: { qube: { vcpus: 3, memory: 5000 } }, win7-oem: { qube: { vcpus: 4 } } }')

async function applied(t: TestContext): Promise<{ host: Host; spec: string; drop: (qubes: string) => void }> {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  writeFileSync(spec, BOTH)
  const first = await host.qstate('apply', '--yes', spec)
  assert.equal(first.code, 0, first.err)
  return {
    host,
    spec,
    drop: (qubes) => {
      writeFileSync(spec, SPEC(qubes))
    },
  }
}

const vcpus = ({ simulator }: Host, qube: string): unknown =>
  simulator.host.qubes.get(qube)?.properties.get('vcpus')

test('without consent a qube that the spec dropped keeps its settings, which stay owned, and the rest is applied', async (t) => {
  const { host, spec, drop } = await applied(t)
  drop('{ win7-oem: { qube: { vcpus: 2 } } }')
  const { code, out } = await host.qstate('apply', '--yes', spec)
  assert.equal(code, 3, out)
  assert.match(out, /! withdrawal-not-allowed|! the spec no longer names any setting that qstate owns here/)
  assert.match(out, /--allow-withdraw win10-work \(or =2 /)
  assert.equal(vcpus(host, 'win10-work'), 3)
  assert.equal(vcpus(host, 'win7-oem'), 2)
  const again = await host.qstate('plan', '--json', spec)
  const { consent } = JSON.parse(again.out) as { consent: { withdrawals: object[] } }
  assert.equal(consent.withdrawals.length, 2, 'it stays owned, and asks again')
})

for (const allowed of [['win10-work'], ['win7-oem,win10-work'], ['=2'], ['=14']])
  test(`--allow-withdraw ${allowed.join(' ')} agrees to it, and what was there before comes back`, async (t) => {
    const { host, spec, drop } = await applied(t)
    drop('{ win7-oem: { qube: { vcpus: 4 } } }')
    const { code, out } = await host.qstate('apply', '--yes', '--allow-withdraw', ...allowed, spec)
    assert.equal(code, 0, out)
    assert.notEqual(vcpus(host, 'win10-work'), 3)
    assert.match((await host.qstate('plan', spec)).out, /Nothing to do/)
  })

for (const refused of ['=1', 'win7-oem', 'win10', 'yes'])
  test(`--allow-withdraw ${refused} agrees to nothing else`, async (t) => {
    const { host, spec, drop } = await applied(t)
    drop('{ win7-oem: { qube: { vcpus: 4 } } }')
    const { code } = await host.qstate('apply', '--yes', '--allow-withdraw', refused, spec)
    assert.equal(code, 1)
    assert.equal(vcpus(host, 'win10-work'), 3)
  })

test('a consent has to name what it is for', async (t) => {
  const { host, spec } = await applied(t)
  for (const blank of ['', '=', '=x', '=0', 'a,,b']) {
    const { code, err } = await host.qstate('apply', '--yes', '--allow-withdraw', blank, spec)
    assert.equal(code, 64, blank)
    assert.match(err, /--allow-withdraw takes names of qubes, or a number/)
  }
})

test('a saved plan carries its consent: applying it does what was reviewed', async (t) => {
  const { host, spec, drop } = await applied(t)
  drop('{}')
  const file = join(host.folder, 'plan.json')
  const { out } = await host.qstate('plan', '-o', file, spec)
  assert.match(out.replace(/\s+/g, ' '), /Consent needed: 3 values of win10-work \(all .*\), win7-oem \(all /)
  assert.equal((await host.qstate('apply', '--yes', file)).code, 0)
  assert.notEqual(vcpus(host, 'win10-work'), 3)
})

for (const [typed, code] of [
  ['win10-work', 0],
  ['win10', 1],
  ['y', 1],
] as const)
  test(`at a terminal, ${typed} is ${code === 0 ? 'a consent' : 'none'}`, async (t) => {
    const { host, spec, drop } = await applied(t)
    drop('{ win7-oem: { qube: { vcpus: 4 } } }')
    const result = await host.qstateWith({ terminal: true, answers: ['y', typed] }, 'apply', spec)
    assert.equal(result.code, code, result.err)
    assert.equal(vcpus(host, 'win10-work') === 3, code !== 0)
  })
