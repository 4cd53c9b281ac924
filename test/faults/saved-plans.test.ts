import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { HEAD } from '../spec/manifests.ts'

/** What a plan says is worked out from what is so when it is applied. */

const SPEC = `${HEAD}name: test\nqubes:\n  win10-home: { qube: { memory: 6144 } }\n  win10-work: { qube: { memory: 6144 } }\n`

async function savedPlan(host: Host): Promise<{ readonly path: string; readonly file: string }> {
  const path = host.write('spec.yaml', SPEC)
  const file = join(host.folder, 'plan.json')
  assert.equal((await host.qstate('plan', '-o', file, path)).code, 0)
  return { path, file }
}

const act = (host: Host, verb: string, qube: string): void => {
  const answer = host.simulator.act(Buffer.from(`admin.vm.${verb} dom0 name ${qube}\0`))
  assert.equal(answer.toString('latin1'), '0\0')
}

test('a saved plan tells its effects as they are now: of a qube that was shut down, and of one that was started', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const host = await simulatedHost(t, { release })
    const { path, file } = await savedPlan(host)
    act(host, 'Shutdown', 'win10-work')
    act(host, 'Start', 'win10-home')
    const { code, out } = await host.qstate('apply', '--yes', file)
    assert.equal(code, 0, out)
    assert.match(out, /win10-work StandaloneVM, halted/)
    assert.match(out, /win10-home StandaloneVM, running/)
    const report = out.slice(out.indexOf('✓'))
    assert.match(report, /✓ win10-home +1 change\n +waits for its next start: qube memory/)
    assert.doesNotMatch(report, /✓ win10-work +1 change\n +waits/)
    const status = await host.qstate('status', path)
    assert.match(status.out, /win10-home +running +as wanted +waits for its next start/)
    assert.doesNotMatch(status.out, /win10-work +halted +as wanted +waits/)
  }
})

test('a plan names the flag of a removal, and a misspelt flag is an error with the nearest name', async (t) => {
  const host = await simulatedHost(t)
  const own = (ensure: string): string =>
    host.write('spec.yaml', `${HEAD}name: test\nqubes: { win11-new: { ensure: ${ensure} } }\n`)
  assert.equal((await host.qstate('apply', '--yes', own('{ label: red }'))).code, 0)
  const path = own('absent')
  assert.match(
    (await host.qstate('plan', path)).out,
    /an apply removes it only with --allow-remove win11-new/,
  )
  const wrong = await host.qstate('apply', '--yes', '--allow-remove', 'win11-nwe', path)
  assert.equal(wrong.code, 64)
  assert.match(wrong.err, /--allow-remove "win11-nwe": there is no such qube\n\s+did you mean win11-new\?/)
  assert.ok(host.simulator.host.qubes.has('win11-new'))
  assert.equal((await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', path)).code, 0)
  assert.equal((await host.qstate('apply', '--yes', '--allow-remove', 'win11-new', path)).code, 0)
})
