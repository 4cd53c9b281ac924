import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { ROOT } from './run.ts'

/**
 * How many calls of each kind every example takes on every release: to plan it on a fresh host, to apply it, and to plan it
 * again. A count that rises fails here, and so does one that falls, until the new counts are written down on purpose, with
 * `UPDATE_COUNTS=1 npm test call-counts`: each call has its price at qubesd (docs/performance.md).
 */
type Counts = Record<string, number>
type Example = Record<'plan' | 'apply' | 'planAgain', Counts>

const FILE = join(ROOT, 'test/bundle/call-counts.json')
const EXAMPLES = readdirSync(join(ROOT, 'examples'))
  .filter((name) => name.endsWith('.yaml'))
  .sort()
const update = process.env['UPDATE_COUNTS'] === '1'
const known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Example>
const seen: Record<string, Example> = {}

async function countCalls(host: Host, ...argv: string[]): Promise<Counts> {
  host.simulator.clearLog()
  const { code, out, err } = await host.qstate(...argv)
  assert.equal(code, 0, out + err)
  const counts: Counts = {}
  for (const method of host.simulator.requests.map((request) => request.method).sort())
    counts[method] = (counts[method] ?? 0) + 1
  return counts
}

for (const name of EXAMPLES) {
  for (const release of ['4.3', '4.4'] as const) {
    test(`${name} on ${release} takes the calls that are written down`, async (t) => {
      const own = `examples/hosts/${name.replace('.yaml', '.json')}`
      const host = await simulatedHost(t, {
        release,
        ...(existsSync(join(ROOT, own)) ? { fixture: own } : {}),
      })
      const path = `examples/${name}`
      const example = {
        plan: await countCalls(host, 'plan', path),
        apply: await countCalls(host, 'apply', '--yes', path),
        planAgain: await countCalls(host, 'plan', path),
      }
      seen[`${name} on ${release}`] = example
      if (!update) assert.deepEqual(example, known[`${name} on ${release}`])
    })
  }
}

test('counts of examples that are no more are not kept', () => {
  if (update) writeFileSync(FILE, `${JSON.stringify(seen, null, 2)}\n`)
  else assert.deepEqual(Object.keys(known), Object.keys(seen))
})
