import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type Fault } from '../../simulator/wire/faults.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { foreignWritesOf, meaningsIn, meddle, randomHost, releases, wantedOf } from '../support/generate.ts'
import { reportOf, type TestHost } from '../support/host.ts'
import { check } from '../support/property.ts'
import { act } from '../support/requests.ts'
import { textIn } from '../support/settings.ts'
import { desiredState, type Wanted } from '../support/spec.ts'
import { ownScope } from '../support/temp.ts'

/**
 * Promise 6, the second half: of a running qube that waits, and nothing else, which is set otherwise than the qube was
 * found, whatever was cut off or taken back meanwhile.
 */

const QUBE = 'win-run'

const cases = fc.record({
  release: releases,
  initial: foreignWritesOf(6, [QUBE]),
  steps: fc.array(
    fc.record({
      wanted: wantedOf([QUBE]),
      doing: fc.constantFrom('apply', 'apply', 'rollback'),
      cut: fc.option(
        fc.tuple(
          fc.constantFrom('refuse', 'drop-before', 'drop-after', 'die-before', 'die-after'),
          fc.nat(6),
        ),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
})

test('what is said to wait is set otherwise than the running qube was found, and all that is waits', async (t) => {
  await check(t, cases, 40, async ({ release, initial, steps }) => {
    const scope = ownScope()
    try {
      const host = await randomHost(scope, release, initial)
      const start = host.snapshot()
      const began = meaningsIn(start)
      const late = new Set<string>()
      let last: Plan | null = null
      let before: Wanted = {}
      for (const { wanted, doing, cut } of steps) {
        const desired = desiredState(wanted)
        const faults: Fault[] =
          cut === null ? [] : [{ match: { writesOnly: true }, after: cut[1], times: 1, do: cut[0] }]
        host.simulator.setFaults(faults)
        try {
          last = (
            doing === 'apply' || last === null ? await host.apply(desired) : await host.rollback([last])
          ).plan
        } catch (error) {
          assert.ok(error instanceof QstateError, String(error))
        }
        host.simulator.setFaults([])
        await host.simulator.restart()
        for (const { path, effect } of last?.qubes.flatMap(({ changes }) => changes) ?? [])
          if (effect === 'next-start') late.add(path)

        const found = host.snapshot()
        const now = meaningsIn(found)
        const differs = (path: string): boolean => now.get(`${QUBE} ${path}`) !== began.get(`${QUBE} ${path}`)
        // Of a step that was cut off, its own spec asks for what is not done, and the one before finds that right.
        for (const asked of [wanted, before]) {
          const qube = (await host.plan(desiredState(asked))).qubes.find((one) => one.qube === QUBE)
          for (const path of qube?.waiting ?? [])
            assert.notEqual(textIn(found, QUBE, path), textIn(start, QUBE, path), `${path} does not wait`)
          const open = new Set([...(qube?.changes ?? []), ...(qube?.blocked ?? [])].map(({ path }) => path))
          for (const path of Object.keys(asked[QUBE] ?? {})) {
            if (!late.has(path) || open.has(path) || !differs(path)) continue
            assert.ok(qube?.waiting.includes(path), `${path} waits`)
          }
        }
        before = wanted
      }
    } finally {
      await scope.end()
    }
  })
})

test('a value that a cut-off run was to replace waits still, and whoever asks for it is told', async (t) => {
  const path = 'qube/properties/kernelopts'
  const asking = (settings: Wanted[string]): ReturnType<typeof desiredState> =>
    desiredState({ [QUBE]: settings })
  const cases = [
    { left: asking({ [path]: 'nopat' }), next: asking({ [path]: 'nopat' }), doing: 'rollback' },
    { left: asking({ [path]: 'nopat' }), next: asking({ [path]: 'quiet' }), doing: 'apply' },
  ]
  for (const { left, next, doing } of cases) {
    const host = await randomHost(t, '4.3', [{ qube: QUBE, path, text: 'debug' }])
    await host.apply(asking({ [path]: 'quiet' }))
    const cutOff = (): void => {
      host.simulator.setFaults([
        { match: { writesOnly: true, arg: 'kernelopts' }, times: 1, do: 'die-before' },
      ])
    }
    if (doing === 'apply') cutOff()
    const { plan } = await host.apply(left)
    if (doing === 'rollback') {
      cutOff()
      await host.rollback([plan])
    }
    host.simulator.setFaults([])
    await host.simulator.restart()

    const asked = (await host.plan(next)).qubes.find((one) => one.qube === QUBE)
    assert.deepEqual([asked?.changes, asked?.waiting], [[], [path]])
  }
})

test('what waits is looked at though nobody asks for it or owns it, and waits no longer once it is as it was', async (t) => {
  const path = 'qube/properties/kernelopts'
  const [quiet, nothing] = [desiredState({ [QUBE]: { [path]: 'quiet' } }), desiredState({ [QUBE]: {} })]
  const left = { ...nothing.qubes.get(QUBE)!, unmanaged: new Set([path]) }
  const unmanaged = { ...nothing, qubes: new Map([[QUBE, left]]) }
  const host = await randomHost(t, '4.3', [{ qube: QUBE, path, text: 'debug' }])
  const waiting = async (): Promise<unknown> =>
    (await host.plan(nothing)).qubes.find((one) => one.qube === QUBE)?.waiting

  // Never set: what gave it up is undone, and that again.
  host.simulator.setFaults([{ match: { writesOnly: true, arg: 'kernelopts' }, times: 1, do: 'die-before' }])
  await host.apply(quiet)
  host.simulator.setFaults([])
  await host.simulator.restart()
  const given = await host.apply(nothing)
  const taken = await host.rollback([given.plan])
  assert.deepEqual([reportOf(taken, QUBE).waiting, await waiting()], [[], []])
  await host.rollback([taken.plan])
  assert.deepEqual(await waiting(), [])

  // Given up while it waits, and set back by someone else.
  await host.apply(quiet)
  await host.apply(unmanaged)
  assert.deepEqual(await waiting(), [path])
  meddle(host, [{ qube: QUBE, path, text: 'debug' }])
  assert.deepEqual(await waiting(), [])
})

test('what is given back to someone else waits wherever the run is cut off', async (t) => {
  const path = 'qube/properties/kernelopts'
  const [quiet, nothing] = [desiredState({ [QUBE]: { [path]: 'quiet' } }), desiredState({ [QUBE]: {} })]
  for (const doing of ['withdrawal', 'rollback']) {
    const host = await randomHost(t, '4.3', [{ qube: QUBE, path, text: 'debug' }])
    const { plan } = await host.apply(quiet)
    restarted(host)
    const cut: Fault = { match: { writesOnly: true, arg: 'kernelopts' }, times: 1, do: 'die-after' }
    host.simulator.setFaults([cut])
    await (doing === 'withdrawal' ? host.apply(nothing) : host.rollback([plan]))
    host.simulator.setFaults([])
    await host.simulator.restart()
    assert.equal(textIn(host.snapshot(), QUBE, path), 'debug', doing)

    const asked = async (): Promise<unknown> =>
      (await host.plan(nothing)).qubes.find((one) => one.qube === QUBE)?.waiting
    assert.deepEqual(await asked(), [path], doing)
    await host.apply(nothing)
    assert.deepEqual(await asked(), [path], doing)
    restarted(host)
    assert.deepEqual(await asked(), [], doing)
  }
})

/** By someone else: what was set before counts. */
function restarted({ simulator }: TestHost): void {
  for (const method of ['admin.vm.Shutdown', 'admin.vm.Start'])
    act(simulator, { dest: QUBE, method, arg: '', payload: '' })
}
