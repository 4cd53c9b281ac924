import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../cli/run-cli.ts'
import { applyOutside, emptied, exampleState, troubles } from './in-process.ts'
import { exampleWorld, policyFor, type World } from './world.ts'

const EXAMPLES = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.yaml'))

/** A dozen qubes take some two thousand calls: on two of three releases without a process for each. */
const isLarge = (name: string, release: string): boolean => name === 'office.yaml' && release !== '4.3'

const denied = ({ qrexec }: World): readonly string[] =>
  qrexec.seen.filter(({ allowed }) => !allowed).map(({ call, target }) => `${call} ${target}`)

for (const name of EXAMPLES) {
  const path = `examples/${name}`
  for (const release of ['4.3', '4.4'] as const) {
    test(`${name} on ${release}: the printed policy is enough to plan, apply and withdraw`, async (t) => {
      const world = await exampleWorld(t, release, name)
      const { host, qrexec, qstate } = world
      qrexec.setPolicy(await policyFor(path, release))
      if (isLarge(name, release)) {
        assert.deepEqual(troubles(await applyOutside(world, exampleState(world, name))), [])
      } else {
        const inDom0 = await host.qstate('plan', path, '--json')
        qrexec.setPolicy(await policyFor(path, release, '--explain'))
        const plan = await qstate('plan', '--explain', path, '--json')
        qrexec.setPolicy(await policyFor(path, release))
        assert.equal(plan.code, 0, plan.out + plan.err)
        const withoutPlace = (text: string): unknown => ({ ...(JSON.parse(text) as object), host: null })
        assert.deepEqual(withoutPlace(plan.out), withoutPlace(inDom0.out), 'the plan is the same as in dom0')
        const apply = await qstate('apply', '--yes', path)
        assert.equal(apply.code, 0, apply.out + apply.err)
      }

      host.simulator.clearLog()
      const before = qrexec.seen.length
      const again = await applyOutside(world, exampleState(world, name))
      assert.deepEqual(troubles(again), [])
      assert.equal(again.plan.qubes.filter((qube) => qube.changes.length > 0).length, 0)
      assert.equal(host.simulator.writes(), 0, 'the second apply writes nothing')
      const slicWrites = qrexec.seen.slice(before).filter(({ call }) => /^qstate\.slic\.[SR]/.test(call))
      assert.deepEqual(slicWrites, [])

      const withdrawn = await applyOutside(world, emptied(exampleState(world, name)))
      assert.deepEqual(troubles(withdrawn), [], 'what the spec drops is taken back under the same policy')
      assert.ok(withdrawn.plan.qubes.some((qube) => qube.changes.length > 0))
      assert.deepEqual(denied(world), [], 'nothing was asked that was not allowed')
    })
  }
}
