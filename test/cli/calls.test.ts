import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { storedAt } from '../../providers/values.ts'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { type Host, ROOT, simulatedHost } from './run-cli.ts'

type Counts = Record<string, number>

/**
 * The least that a plan can ask, from what the spec says.
 * No call gives the values of several features. One gives all properties of a qube, one all its tags, one all its assignments;
 * for a single property or tag there is a cheaper one.
 */
function leastOf(path: string, host: Host): Counts {
  const { manifest } = loadManifest([{ path, text: readFileSync(join(ROOT, path), 'utf8') }])
  assert.ok(manifest)
  const there = [...host.simulator.host.qubes.values()].filter(({ klass }) => klass !== 'AdminVM')
  const { desired } = resolve(manifest, { qubes: there })
  assert.ok(desired)
  const counts: Counts = {}
  const ask = (method: string, times = 1): void => {
    if (times > 0) counts[method] = (counts[method] ?? 0) + times
  }
  const oneOrAll = (wanted: number, one: string, all: string): void => {
    if (wanted > 0) ask(wanted === 1 ? one : all)
  }
  const askRecord = (): void => {
    ask('admin.vm.feature.Get')
  }
  ask('admin.vm.List')
  for (const { name } of there) {
    oneOrAll(manifest.selects.tags.length, 'admin.vm.tag.Get', 'admin.vm.tag.List')
    if (desired.qubes.has(name) || desired.name === null) continue
    askRecord()
  }
  for (const { name, settings } of desired.qubes.values()) {
    // What is not there is not asked for anything.
    if (!host.simulator.host.qubes.has(name)) continue
    const paths = [...settings.keys()]
    const stored = (store: 'feature' | 'property'): number =>
      paths.filter((of) => storedAt(of)?.store === store).length
    const [denied, assigned] = [/^usb\/denied\//, /^usb\/(?!denied\/)/].map((area) =>
      paths.some((of) => area.test(of)),
    )
    askRecord()
    ask('admin.vm.feature.Get', stored('feature'))
    oneOrAll(stored('property'), 'admin.vm.property.Get', 'admin.vm.property.GetAll')
    oneOrAll(paths.filter((of) => of.startsWith('tags/')).length, 'admin.vm.tag.Get', 'admin.vm.tag.List')
    if (assigned) ask('admin.vm.device.usb.Assigned')
    if (denied) ask('admin.vm.device.denied.List')
  }
  return counts
}

const EXAMPLES = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.yaml'))

/** Those whose first apply names a netvm. */
const LOOKED_UP = ['office.yaml', 'windows-11-template.yaml']

for (const name of EXAMPLES) {
  for (const release of ['4.3', '4.4'] as const) {
    test(`planning ${name} on ${release} makes the least calls, before an apply and after it`, async (t) => {
      const own = `examples/hosts/${name.replace('.yaml', '.json')}`
      const host = await simulatedHost(t, {
        release,
        ...(existsSync(join(ROOT, own)) ? { fixture: own } : {}),
      })
      const counted = async (...argv: string[]): Promise<Counts> => {
        host.simulator.clearLog()
        assert.equal((await host.qstate(...argv)).code, 0)
        const counts: Counts = {}
        for (const { method } of host.simulator.requests) counts[method] = (counts[method] ?? 0) + 1
        return counts
      }
      const spec = `examples/${name}`
      // What is read only to explain a plan to a person comes besides, where there is something to explain.
      const before = await counted('status', spec)
      const least = leastOf(spec, host)
      // A netvm that a change names is looked up: whether it provides network.
      if (LOOKED_UP.includes(name)) least['admin.vm.property.Get'] = (least['admin.vm.property.Get'] ?? 0) + 1
      assert.deepEqual(before, least)
      assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
      assert.deepEqual(await counted('plan', spec), leastOf(spec, host))
    })
  }
}

test('nothing is asked twice in one plan', async (t) => {
  const host = await simulatedHost(t, { fixture: 'examples/hosts/office.json' })
  await host.qstate('apply', '--yes', 'examples/office.yaml')
  host.simulator.clearLog()
  await host.qstate('plan', 'examples/office.yaml')
  const asked = host.simulator.requests.map((r) => `${r.method}+${r.arg} ${r.dest}`)
  assert.deepEqual(
    asked.filter((request, index) => asked.indexOf(request) !== index),
    [],
  )
})
