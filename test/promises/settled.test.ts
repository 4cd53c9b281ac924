import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { explainer } from '../../reconciler/annotate/explain.ts'
import { lookAt, observeFrom } from '../../reconciler/observe/observe.ts'
import { type PlanContext } from '../../reconciler/planning/plan-context.ts'
import { standingOf } from '../../reconciler/ownership/standing.ts'
import { planObserved } from '../../reconciler/planning/plan-observed.ts'
import { references } from '../../reconciler/planning/references.ts'
import { settledPlan } from '../../reconciler/planning/settled.ts'
import { type Host } from '../../reconciler/ports/host.ts'
import { foreignWritesOf, meddle, randomHost, releases, wantedOf } from '../support/generate.ts'
import { managedVersion } from '../support/host.ts'
import { check } from '../support/property.ts'
import { RECORD } from '../support/snapshot.ts'
import { desiredState } from '../support/spec.ts'
import { ownScope } from '../support/temp.ts'

/** A qube of which a glance tells that there is nothing to do is one of which the whole comparison tells the same. */

/** What may have happened to the text of a record. */
const TAMPERINGS: Readonly<Record<string, (text: string) => string>> = {
  'left alone': (text) => text,
  'another qube’s': (text) => text.replace(/"uuid":"./, '"uuid":"f'),
  'another configuration’s': (text) => text.replace('"name":"test"', '"name":"other"'),
  'of no configuration': (text) => text.replace('"name":"test",', ''),
  'with a commit': (text) => text.replace('"at":', '"commit":"abc","at":'),
  'with a commit that is none': (text) => text.replace('"at":', '"commit":7,"at":'),
  'without a time': (text) => text.replace('"at":', '"when":'),
  'with something that was': (text) => text.replace('"set":', '"was":{"tags/x":true},"set":'),
  'with something that waits': (text) => text.replace('"set":', '"waits":{"start":"1","paths":[]},"set":'),
  'with two sets': (text) => text.replace('"set":', '"set":{},"set":'),
  'with more behind': (text) => text.replace(/\}$/, ',"was":{}}'),
  'of a later version': (text) => text.replace('"v":2', '"v":3'),
  'of the version before': (text) =>
    text.replace('"v":2', '"v":1').replace(/,"(?:free|orig)":(?:\[[^\]]*\]|\{.*?\}(?=,"))/g, ''),
  'of nobody': (text) => text.replace(/,"by":"[^"]*"/, ''),
  'without originals': (text) => text.replace(/,"orig":\{.*?\}(?=,"set")/, ''),
  'with an original that is not known': (text) => text.replace(/,"orig":\{.*?\}(?=,"set")/, ',"free":[0]'),
  'with an original of nothing': (text) => text.replace('"set":', '"free":[99],"set":'),
  'with an original that is known and is not': (text) =>
    text.replace(/,"orig":\{.*?\}(?=,"set")/, ',"free":[0],"orig":{"0":null}'),
  'with originals, and another qube': (text) => text.replace('"set":', '"orig":{},"uuid":"x","set":'),
  'with a space': (text) => text.replace('{"v"', '{ "v"'),
  'with a part that nobody knows': (text) => text.replace('"at":', '"x":1,"at":'),
  'with a key of objects': (text) => text.replace('"at":', '"__proto__":{"v":2},"at":'),
  'without an end': (text) => text.slice(0, -1),
  'with a value less': (text) => text.replace(/("set":\{)"[^"]*":(?:"[^"]*"|[^,{}]*|\{[^}]*\}),?/, '$1'),
}

const cases = fc.record({
  release: releases,
  wanted: wantedOf(),
  meddling: foreignWritesOf(1),
  tampering: fc.oneof(fc.constant('left alone'), fc.constantFrom(...Object.keys(TAMPERINGS))),
  configuration: fc.constantFrom('test', null),
})

test('what a glance tells of a settled qube, the whole comparison tells as well', async (t) => {
  const told = { glance: 0, whole: 0 }
  await check(t, cases, 150, async ({ release, wanted, meddling, tampering, configuration }) => {
    const scope = ownScope()
    try {
      const tested = await randomHost(scope, release, [])
      const desired = desiredState(wanted, configuration)
      let host: Host | undefined
      await tested.apply(desired, { wrap: (own) => (host = own) })
      assert.ok(host)
      for (const name of desired.qubes.keys()) {
        const text = tested.simulator.host.qubes.get(name)?.features.get(RECORD)
        if (text !== undefined) tested.setFeature(name, RECORD, TAMPERINGS[tampering]?.(text) ?? text)
      }
      meddle(tested, meddling)

      const qubes = await host.list()
      const context: PlanContext = {
        host,
        providers,
        qubes,
        version: managedVersion(host, qubes),
        now: '2026-02-03T04:05:06.000Z',
        commit: null,
        by: 'user@test',
        receipts: tested.receipts,
        selects: () => true,
        parallelism: 4,
      }
      for (const qube of qubes) {
        const own = desired.qubes.get(qube.name)
        if (own === undefined) continue
        const look = await lookAt(host, providers, { qube, version: context.version }, own)
        const glance = settledPlan(look, own, desired, providers)
        if (glance === undefined) {
          told.whole += 1
          continue
        }
        told.glance += 1
        const observed = await observeFrom(look, host, providers, own)
        assert.equal(observed.record.kind, 'record')
        const { record } = observed.record
        const explain = explainer(host, false)
        const standing = await standingOf(
          { qube: qube.name, uuid: qube.uuid },
          observed.recordText,
          observed.record,
          tested.receipts,
        )
        assert.deepEqual(
          glance,
          await planObserved(
            observed,
            own,
            record,
            desired,
            { ...context, explain, references: references(context) },
            standing,
          ),
        )
      }
    } finally {
      await scope.end()
    }
  })
  t.diagnostic(JSON.stringify(told))
  assert.ok(told.glance > 15 && told.whole > 15, JSON.stringify(told))
})
