import { rolloutStateDocument, type RolloutState } from '../../documents/fleet/index.ts'
import {
  archive,
  instruct,
  type Instruction,
  isEnded,
  KEYS,
  mayBeReplaced,
  pastRollouts,
  readEntry,
  startRollout,
  type Store,
} from '../../fleet/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { chooseWaves } from '../../spec/fleet/index.ts'
import { type Context } from '../index.ts'
import { chosenRollout, type FleetFile, isPushed } from './fleet-file.ts'
import { type RolloutWithdrawals, storeConsents } from './consents.ts'
import { signingKey } from './keys.ts'
import { withStore } from './open-store.ts'
import { askHosts, type AskOptions } from './rollout-plan.ts'

export interface StartedRollout {
  readonly state: RolloutState
  /** Agents fetch the commit from a remote, and none that is known here has it. */
  readonly isUnpushed: boolean
}

export interface StartOptions extends AskOptions {
  /** Whether someone agrees to what hosts would withdraw. It is only called where there is some of that. */
  readonly agree: (withdrawals: RolloutWithdrawals) => Promise<boolean>
}

/**
 * Begins a rollout: a controller carries it out. `name` null: the only one of the fleet. Hosts are asked first, and nothing is stored
 * before there is consent to the mass withdrawals that they list; null: there is none.
 */
export async function startRolloutOn(
  name: string | null,
  file: FleetFile,
  { agree, ...options }: StartOptions,
  context: Context,
): Promise<StartedRollout | null> {
  const { spec, commit } = chosenRollout(name, file)
  const waves = chooseWaves(spec, file.fleet)
  await withStore(file, replaceable)
  const hosts = waves.flatMap((wave) => wave.hosts)
  const { consent } = await askHosts(hosts, commit, file, options, context)
  if (context.signal.aborted || (consent.hosts.length > 0 && !(await agree(consent)))) return null
  const { actor: by, now } = context
  const key = signingKey(file, context)
  return withStore(file, async (store) => {
    const { state: before, revision } = await replaceable(store)
    if (before !== null) await archive(store, before)
    const serial = (before?.serial ?? 0) + 1
    const at = now().toISOString()
    await storeConsents(consent, { fleet: file.fleet.name, rollout: serial, commit, by, at, key }, store)
    const consented = new Set(consent.hosts.map(({ host }) => host))
    const state = startRollout({ serial, spec, waves, commit, consented, by, at })
    if ((await store.put(KEYS.rollout, state, revision)) === null) {
      const hint = 'see what they did: `qstate rollout status`'
      throw new QstateError(problem('rollout-under-way', 'someone else began one at this moment', hint))
    }
    return { state, isUnpushed: file.fleet.servers !== null && !isPushed(commit, file.folder) }
  })
}

/** The rollout that another may take the place of; null: there has been none. Fails with `rollout-under-way`. */
async function replaceable(store: Store): ReturnType<typeof currentRollout> {
  const current = await currentRollout(store)
  if (current.state !== null && !mayBeReplaced(current.state)) throw underWay(current.state)
  return current
}

function underWay({ serial, name, phase }: RolloutState): QstateError {
  const hint =
    phase === 'running' || phase === 'paused'
      ? 'wait for its end, or end it: `qstate rollout abort`'
      : 'wait for its end; it goes on where a controller runs: `qstate fleet controller`'
  const message = `rollout ${serial} (${name}) is ${phase.replaceAll('-', ' ')}`
  return new QstateError(problem('rollout-under-way', message, hint))
}

/** Approve, pause, resume, abort, rollback: a person's word, from which the controller continues. */
export function tellRollout(
  what: Instruction,
  file: FleetFile,
  { actor, now }: Context,
): Promise<RolloutState> {
  return withStore(file, async (store) => {
    for (;;) {
      const { state, revision } = await currentRollout(store)
      if (state === null) throw noRollout()
      const next = instruct(state, { what, by: actor, at: now().toISOString() })
      if (!next.ok) throw new QstateError(next.problem)
      // A controller may have stored a step at the same moment: then it is said again, of what is there now.
      if ((await store.put(KEYS.rollout, next.value, revision)) !== null) return next.value
    }
  })
}

/** Where the current rollout stands. Fails with `no-rollout` where the fleet has had none. */
export function rolloutStatus(file: FleetFile): Promise<RolloutState> {
  return withStore(file, async (store) => {
    const { state } = await currentRollout(store)
    if (state === null) throw noRollout()
    return state
  })
}

const WATCH_EVERY_MS = 1000

/** The same, and again whenever it has changed, until it has ended or the signal fires. Where it stood last. */
export function watchRollout(
  file: FleetFile,
  onState: (state: RolloutState) => void,
  { pause, signal }: Context,
): Promise<RolloutState> {
  return withStore(file, async (store) => {
    let last = 0
    for (;;) {
      const { state, revision } = await currentRollout(store)
      if (state === null) throw noRollout()
      if (revision !== last) onState(state)
      last = revision
      if (isEnded(state) || signal.aborted) return state
      await pause(WATCH_EVERY_MS)
    }
  })
}

/** Rollouts of the past, and the one that is current, the newest first. */
export function rolloutHistory(file: FleetFile): Promise<readonly RolloutState[]> {
  return withStore(file, async (store) => {
    const { state } = await currentRollout(store)
    const past = (await pastRollouts(store)).filter(({ serial }) => serial !== state?.serial)
    return [...(state === null ? [] : [state]), ...past]
  })
}

async function currentRollout(
  store: Store,
): Promise<{ readonly state: RolloutState | null; readonly revision: number }> {
  const entry = await store.get(KEYS.rollout)
  if (entry === null) return { state: null, revision: 0 }
  const read = readEntry(rolloutStateDocument, entry)
  if (read.ok) return { state: read.value, revision: entry.revision }
  throw new QstateError({ ...read.problem, message: `${store.where}: ${read.problem.message}` })
}

const noRollout = (): QstateError =>
  new QstateError(
    problem('no-rollout', 'this fleet has had no rollout yet', 'begin one: `qstate rollout start`'),
  )
