import { randomUUID } from 'node:crypto'
import {
  allowedSigners,
  chosenRollout,
  directHosts,
  type FleetOptions,
  orderedSpec,
  placeOf,
  planOn,
  steadyClock,
  wayTo,
  withStore,
} from '../../app/fleet/index.ts'
import { ask, hostOf, type HostPlan, KEYS, readHostPlan, type Store } from '../../fleet/index.ts'
import { mapLimited } from '../../reconciler/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { chooseWaves } from '../../spec/fleet/index.ts'
import { type Io } from '../io.ts'
import { wantsColor, wholeNumber } from '../options.ts'
import { groupPlans, rolloutPlanView } from '../views/rollout-plan.ts'
import { makeStyle, plural } from '../views/style.ts'
import { signalExit } from './apply.ts'

export interface RolloutPlanOptions extends FleetOptions {
  readonly wait: string
}

const HOSTS_AT_ONCE = 8

/** Shows what a rollout would change on every host, the same changes together. Touches none. */
export async function rolloutPlan(
  name: string | undefined,
  options: RolloutPlanOptions,
  io: Io,
): Promise<number> {
  const { file, spec, commit } = chosenRollout(name, options, io)
  const hosts = chooseWaves(spec, file.fleet).flatMap((wave) => wave.hosts)
  const known = hosts.flatMap((host) => file.fleet.hosts.get(host) ?? [])
  const plans = new Map<string, Pick<HostPlan, 'digest' | 'changes' | 'trouble'>>()
  const agents = known.filter(({ reach }) => reach.kind === 'agent').map((host) => host.name)
  if (agents.length > 0) {
    const waitMs = wholeNumber(options.wait, '--wait', 1, 86_400) * 1000
    const answers = await withStore(file, options, io, async (store) => {
      // One that was never heard of has no agent yet, and answers nobody.
      const heard = new Set((await store.list(KEYS.reports)).map(({ key }) => hostOf(key)))
      const asked = agents.filter((host) => heard.has(host))
      io.err(
        `Waiting for ${plural(asked.length, 'agent')} to answer, for ${options.wait} seconds at most …\n`,
      )
      return askAll(store, asked, commit, waitMs, io.signal)
    })
    if (io.signal.aborted) return signalExit(io)
    for (const [host, plan] of answers) plans.set(host, plan)
  }
  const place = placeOf(file)
  await mapLimited(directHosts(known), HOSTS_AT_ONCE, async ({ name: host, reach }) => {
    const way = wayTo(reach, { folder: file.folder, stateDir: null }, options, io)
    plans.set(host, await planOn(() => orderedSpec(place, host, allowedSigners(options, io))(commit), way))
  })
  const groups = groupPlans(hosts, plans)
  const told = { rollout: spec.name, revision: spec.revision, commit, groups }
  if (options.json === true) io.out(`${JSON.stringify(told, null, 2)}\n`)
  else io.out(rolloutPlanView(told, makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)))
  return groups.some(({ kind }) => kind === 'trouble') ? EXIT.error : EXIT.done
}

/** Agents answer when they hear the question; those that are away do not, and are told as such. */
async function askAll(
  store: Store,
  hosts: readonly string[],
  commit: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, HostPlan>> {
  const id = randomUUID()
  const enough = new AbortController()
  const stop = AbortSignal.any([signal, enough.signal])
  const answers = new Map<string, HostPlan>()
  if (hosts.length === 0) return answers
  const listening = (async () => {
    for await (const { key, value } of store.watch(KEYS.plans, stop)) {
      const plan = readHostPlan(value)
      if (plan?.id === id) answers.set(hostOf(key), plan)
      if (answers.size === hosts.length) enough.abort()
    }
  })()
  await mapLimited(hosts, HOSTS_AT_ONCE, (host) => ask(store, host, id, commit))
  await steadyClock.sleep(waitMs, stop)
  enough.abort()
  await listening
  return answers
}
