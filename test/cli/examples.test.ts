import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { ROOT, runCli, simulatedHost } from './run-cli.ts'

// Every example is found here by itself: a new file cannot fall out.
const EXAMPLES = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.yaml'))

for (const name of EXAMPLES) {
  const path = `examples/${name}`
  const fixture = `examples/hosts/${name.replace('.yaml', '.json')}`

  test(`${name} validates without a warning`, async () => {
    const { code, out, err } = await runCli(['validate', path])
    assert.deepEqual({ code, err }, { code: 0, err: '' })
    assert.match(out, /^Valid: /)
  })

  for (const release of ['4.3', '4.4'] as const) {
    test(`${name} is planned and applied on ${release}, and then there is nothing to do and nothing is written`, async (t) => {
      const host = await simulatedHost(t, {
        release,
        ...(existsSync(join(ROOT, fixture)) ? { fixture } : {}),
      })
      const plan = await host.qstate('plan', path, '--json')
      assert.equal(plan.code, 0, plan.err)
      assert.equal(host.simulator.writes(), 0, 'a plan writes nothing')
      const made = JSON.parse(plan.out) as Plan
      assert.ok(made.qubes.some((qube) => qube.changes.length > 0))

      const apply = await host.qstate('apply', '--yes', path)
      assert.equal(apply.code, 0, apply.out + apply.err)
      const wanted = made.qubes.flatMap((qube) => [
        ...qube.changes.flatMap((change) =>
          change.calls.map((call) => `${call.method}+${call.arg} ${call.dest}`),
        ),
        ...(qube.record.before === qube.record.after
          ? []
          : [`admin.vm.feature.Set+qstate.applied ${qube.qube}`]),
      ])
      const sent = host.simulator.requests.filter((r) => r.write).map((r) => `${r.method}+${r.arg} ${r.dest}`)
      const ofQubesd = wanted.filter((call) => !call.startsWith('qstate.slic.'))
      assert.deepEqual(
        sent.toSorted(),
        ofQubesd.toSorted(),
        'what was planned was sent, once, and nothing else',
      )

      host.simulator.clearLog()
      const again = await host.qstate('apply', '--yes', path)
      assert.equal(again.code, 0, again.out + again.err)
      assert.match(again.out, /Nothing to do/)
      assert.equal(host.simulator.writes(), 0)
      const detailed = await host.qstate('plan', path, '--detailed-exitcode')
      assert.equal(detailed.code, 0, detailed.out)
    })
  }
}
