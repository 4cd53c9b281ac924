import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type SimulatedVersion } from '../../simulator/host/release.ts'
import { type Simulator } from '../../simulator/index.ts'
import { windowsHost } from '../support/fixtures.ts'
import { reportOf, startHost, statuses } from '../support/host.ts'
import { check } from '../support/property.ts'
import { ownedIn } from '../support/snapshot.ts'
import { desiredState, type Wanted } from '../support/spec.ts'
import { ownScope } from '../support/temp.ts'

/** USB devices that move: qubesd lets two qubes have one device, so that qstate has to see to it that none ever do. */

const NAMES = ['win-a', 'win-b', 'win-c', 'win-d'] as const
const PORTS = ['2-1', '2-2', '3-1'] as const
const AUTO = { mode: 'auto-attach' } as const
const device = (port: string): string => `usb/sys-usb+${port}:*`
const hostOf = (release: SimulatedVersion): ReturnType<typeof windowsHost> =>
  windowsHost(
    NAMES.map((name) => ({ name })),
    release,
  )

/** Ports that more than one qube held at any moment, told by every event of the daemon. */
function watchForTwoHolders(simulator: Simulator): readonly string[] {
  const seen: string[] = []
  simulator.host.listeners.add(() => {
    const holders = new Map<string, string[]>()
    for (const qube of simulator.host.qubes.values()) {
      for (const { port } of qube.assignments.values())
        holders.set(port, [...(holders.get(port) ?? []), qube.name])
    }
    for (const [port, names] of holders) if (names.length > 1) seen.push(`${port}: ${names.join(' and ')}`)
  })
  return seen
}

/** Who gets which port: each at most one qube. */
type Places = Readonly<Record<string, (typeof NAMES)[number] | undefined>>

const wantedBy = (places: Places): Wanted =>
  Object.fromEntries(
    NAMES.map((name) => [
      name,
      Object.fromEntries(PORTS.filter((port) => places[port] === name).map((port) => [device(port), AUTO])),
    ]),
  )

const places: fc.Arbitrary<Places> = fc.record(
  Object.fromEntries(PORTS.map((port) => [port, fc.option(fc.constantFrom(...NAMES), { nil: undefined })])),
)

const MOVES: readonly { readonly what: string; readonly from: Places; readonly to: Places }[] = [
  { what: 'a device moves', from: { '2-1': 'win-a' }, to: { '2-1': 'win-b' } },
  { what: 'a device moves back in the alphabet', from: { '2-1': 'win-d' }, to: { '2-1': 'win-a' } },
  {
    what: 'two qubes swap their devices',
    from: { '2-1': 'win-a', '2-2': 'win-b' },
    to: { '2-1': 'win-b', '2-2': 'win-a' },
  },
  {
    what: 'three devices go round three qubes',
    from: { '2-1': 'win-a', '2-2': 'win-b', '3-1': 'win-c' },
    to: { '2-1': 'win-b', '2-2': 'win-c', '3-1': 'win-a' },
  },
]

for (const { what, from, to } of MOVES) {
  for (const parallelism of [1, 4]) {
    test(`${what}, ${parallelism} at once: no two qubes ever hold one device, on any release`, async () => {
      for (const release of ['4.3', '4.4'] as const) {
        const scope = ownScope()
        try {
          const host = await startHost(scope, { fixture: hostOf(release) })
          await host.apply(desiredState(wantedBy(from)), { parallelism })
          const twice = watchForTwoHolders(host.simulator)
          const applied = await host.apply(desiredState(wantedBy(to)), { parallelism })
          assert.equal(applied.code, 0, JSON.stringify(applied.report.qubes))
          assert.deepEqual(twice, [])
          host.simulator.clearLog()
          await host.apply(desiredState(wantedBy(to)), { parallelism })
          assert.equal(host.simulator.writes(), 0)
        } finally {
          await scope.end()
        }
      }
    })
  }
}

test('whatever moves where, and whichever write is refused or cut off, no two qubes ever hold one device', async (t) => {
  const cases = fc.record({
    release: fc.constantFrom<SimulatedVersion[]>('4.3', '4.4'),
    from: places,
    to: places,
    fault: fc.constantFrom('refuse', 'drop-before', 'drop-after', 'die-before', 'die-after', 'garbage'),
    nth: fc.nat(8),
    parallelism: fc.constantFrom(1, 4),
  })
  await check(t, cases, 40, async ({ release, from, to, fault, nth, parallelism }) => {
    const scope = ownScope()
    try {
      const host = await startHost(scope, { fixture: hostOf(release) })
      await host.apply(desiredState(wantedBy(from)), { parallelism })
      const twice = watchForTwoHolders(host.simulator)
      host.simulator.setFaults([{ match: { writesOnly: true }, after: nth, times: 1, do: fault }])
      await host.apply(desiredState(wantedBy(to)), { parallelism })
      host.simulator.setFaults([])
      await host.simulator.restart()
      const again = await host.apply(desiredState(wantedBy(to)), { parallelism })
      assert.equal(again.code, 0, JSON.stringify(again.report.qubes))
      assert.deepEqual(twice, [])
      for (const port of PORTS) {
        const holders = [...host.simulator.host.qubes.values()].filter((qube) =>
          [...qube.assignments.values()].some((assignment) => assignment.port === port),
        )
        assert.deepEqual(
          holders.map(({ name }) => name),
          to[port] === undefined ? [] : [to[port]],
        )
      }
      await host.apply(desiredState({}))
      assert.deepEqual(ownedIn(host.snapshot()), {})
    } finally {
      await scope.end()
    }
  })
})

test('a device that its qube does not give up is not given to another, and everything else is done', async (t) => {
  const host = await startHost(t, { fixture: hostOf('4.3') })
  await host.apply(desiredState(wantedBy({ '2-1': 'win-a' })))
  host.simulator.setFaults([{ match: { method: 'admin.vm.device.usb.Unassign' }, do: 'refuse' }])
  const applied = await host.apply(
    desiredState({ 'win-a': {}, 'win-b': { [device('2-1')]: AUTO, 'tags/office': true } }),
  )
  assert.deepEqual(statuses(applied), { 'win-a': 'failed', 'win-b': 'failed' })
  assert.deepEqual(
    reportOf(applied, 'win-b').outcomes.map(({ path, status, error }) => [path, status, error?.code]),
    [
      ['tags/office', 'applied', undefined],
      [device('2-1'), 'failed', 'device-in-use'],
    ],
  )
  assert.equal(applied.code, 3)
  assert.deepEqual(Object.keys(ownedIn(host.snapshot())).sort(), [
    `win-a ${device('2-1')}`,
    'win-b tags/office',
  ])
})

test('a giver that has changed since the plan keeps its device, and the taker does not get it', async (t) => {
  const host = await startHost(t, { fixture: hostOf('4.3') })
  await host.apply(desiredState(wantedBy({ '2-1': 'win-a' })))
  const twice = watchForTwoHolders(host.simulator)
  const applied = await host.apply(desiredState(wantedBy({ '2-1': 'win-b' })), {
    between: () => {
      const record = host.simulator.host.qubes.get('win-a')?.features.get('qstate.applied') ?? ''
      host.setFeature('win-a', 'qstate.applied', `${record} `)
    },
  })
  const { 'win-a': giver, 'win-b': taker } = statuses(applied)
  assert.deepEqual([giver, taker], ['stale', 'failed'])
  assert.deepEqual(twice, [])
})
