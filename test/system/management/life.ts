import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { providers } from '../../../providers/index.ts'
import { type HostCall } from '../../../reconciler/ports/host.ts'
import { providerOf } from '../../../reconciler/ports/provider.ts'
import { type DesiredState, type Value } from '../../../spec/vocabulary/desired-state.ts'
import { SLIC_TABLES } from '../../../spec/vocabulary/paths.ts'
import { canBeAbsent } from '../../../spec/vocabulary/settings.ts'
import { act, requestBytes } from '../../support/requests.ts'
import { applyOutside, emptied, exampleState, type Run } from './in-process.ts'
import { type World } from './world.ts'

/** One thing that happens to a host on which a spec is kept, and the apply that follows. */
export interface Step {
  readonly name: string
  /** What others do first. */
  readonly meddle: (world: World) => void
  readonly apply: (world: World) => Promise<Run>
}

/**
 * All that a spec goes through: it is applied to qubes of which nothing is set, each of its values is changed by someone else, and
 * in the end everything is dropped from it, and goes back to what was before.
 */
export function lifeOf(world: World, example: string): readonly Step[] {
  const state = exampleState(world, example)
  const nothing = (): void => undefined
  const haltAll = (w: World): void => {
    for (const qube of state.qubes.keys()) halt(w, qube)
  }
  const again = (w: World): Promise<Run> => applyOutside(w, state)
  return [
    { name: 'new', meddle: unset(state), apply: again },
    ...[...state.qubes].flatMap(([qube, { settings }]) =>
      [...settings.values()].flatMap(({ path, value }) =>
        driftsOf(world, qube, path, value).map((drift, index): Step => ({
          name: `drift ${qube} ${path} ${index}`,
          meddle: drift,
          apply: again,
        })),
      ),
    ),
    { name: 'everything is dropped', meddle: nothing, apply: (w) => applyOutside(w, emptied(state)) },
    {
      name: 'shut down, nothing waits any more',
      meddle: haltAll,
      apply: (w) => applyOutside(w, emptied(state)),
    },
  ]
}

/** Qubes as Qubes makes them: what a spec sets is not set there. */
const unset =
  ({ qubes }: DesiredState) =>
  ({ host }: World): void => {
    const { release: version } = host.simulator.host
    for (const { name, settings } of qubes.values()) {
      const facts = { qube: { name, klass: '', state: '', uuid: null }, version }
      for (const { path, value } of settings.values()) {
        if (path === SLIC_TABLES || !canBeAbsent(path)) continue
        const calls = providerOf(providers, path).calls(
          { qube: name, path, before: value, after: null },
          facts,
        )
        // What is not set to begin with cannot be taken away, and the answer says so.
        for (const call of 'code' in calls ? [] : calls) host.simulator.act(requestBytes(call))
      }
    }
  }

function halt({ host }: World, qube: string): void {
  const state = host.simulator.host.qubes.get(qube)?.state
  if (state !== 'Halted')
    act(host.simulator, { dest: qube, method: 'admin.vm.Shutdown', arg: '', payload: '' })
}

function driftsOf(
  world: World,
  qube: string,
  path: string,
  value: Value | null,
): readonly ((w: World) => void)[] {
  if (path === SLIC_TABLES) return [removeTemplate(qube)]
  const { release: version } = world.host.simulator.host
  const facts = { qube: { name: qube, klass: '', state: '', uuid: null }, version }
  const calls = (before: Value | null, after: Value | null): readonly HostCall[] => {
    const made = providerOf(providers, path).calls({ qube, path, before, after }, facts)
    return 'code' in made ? [] : made
  }
  const drift = (made: readonly HostCall[]) => (w: World) => {
    for (const call of made) act(w.host.simulator, call)
  }
  const gone = drift(calls(value, null))
  if (!path.startsWith('usb/') || path.startsWith('usb/denied/')) return [gone]
  return [gone, drift(calls(value, { mode: 'required' }))]
}

const removeTemplate =
  (qube: string) =>
  ({ host }: World): void => {
    rmSync(join(`${host.socket}.dom0`, 'etc/qubes/templates/libvirt/xen/by-name', `${qube}.xml`))
  }
