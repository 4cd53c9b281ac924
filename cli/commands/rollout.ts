import {
  chosenRollout,
  type FleetFile,
  type FleetOptions,
  isPushed,
  readFleetFile,
  runHere,
  tellPlainly,
  withStore,
} from '../../app/fleet/index.ts'
import {
  archive,
  instruct,
  type Instruction,
  isEnded,
  KEYS,
  mayBeReplaced,
  pastRollouts,
  readRollout,
  type RolloutState,
  startRollout,
  type Store,
} from '../../fleet/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { chooseWaves } from '../../spec/fleet/index.ts'
import { type Io } from '../io.ts'
import { wantsColor } from '../options.ts'
import { phaseText, rolloutView } from '../views/rollout.ts'
import { makeStyle, padTo } from '../views/style.ts'
import { showTime } from '../views/value.ts'
import { signalExit, whoOf } from './apply.ts'

export interface RolloutStartOptions extends FleetOptions {
  readonly detach?: boolean
}

/** Begins a rollout. Without servers it is carried out from here, until it has ended. */
export async function startCommand(
  name: string | undefined,
  options: RolloutStartOptions,
  io: Io,
): Promise<number> {
  const { file, spec, commit } = chosenRollout(name, options, io)
  return withStore(file, options, io, async (store) => {
    const [entry, there] = await currentRollout(store)
    if (there !== null && !mayBeReplaced(there)) {
      throw new QstateError(
        problem(
          'rollout-under-way',
          `rollout ${there.serial} (${there.name}) is ${phaseText(there)}`,
          there.phase === 'running' || there.phase === 'paused'
            ? 'wait for its end, or end it: `qstate rollout abort`'
            : 'wait for its end; it goes on where a controller runs: `qstate fleet controller`',
        ),
      )
    }
    if (there !== null) await archive(store, there)
    const state = startRollout({
      serial: (there?.serial ?? 0) + 1,
      spec,
      waves: chooseWaves(spec, file.fleet),
      commit,
      by: whoOf(io),
      at: io.now().toISOString(),
    })
    if ((await store.put(KEYS.rollout, state, entry?.revision ?? 0)) === null) {
      const hint = 'see what they did: `qstate rollout status`'
      throw new QstateError(problem('rollout-under-way', 'someone else began one at this moment', hint))
    }
    const isHere = file.fleet.servers === null && options.detach !== true
    if (!isHere) {
      show(state, options, io)
      if (options.json !== true)
        io.err('Begun: it goes on where a controller runs (`qstate fleet controller`).\n')
      if (file.fleet.servers !== null && !isPushed(commit, file.folder)) {
        const hint = 'agents find it once it is pushed to where they fetch from'
        io.err(`warning: ${commit.slice(0, 12)} is in no branch of a remote that is known here\n  ${hint}\n`)
      }
      return EXIT.done
    }
    return await carryOut(store, file, options, io)
  })
}

async function carryOut(store: Store, file: FleetFile, options: FleetOptions, io: Io): Promise<number> {
  await runHere(store, file, options, io, { enough: isEnded, say: tellPlainly(options, io) })
  const [, state] = await currentRollout(store)
  if (state === null) return EXIT.error
  show(state, options, io)
  return io.signal.aborted ? signalExit(io) : exitOf(state)
}

/** Done, done in part, or not; what is still under way is no error. */
function exitOf({ phase }: RolloutState): number {
  if (phase === 'partial') return EXIT.partial
  return phase === 'aborted' || phase === 'rolled-back' ? EXIT.error : EXIT.done
}

/** Shows where a rollout stands. */
export async function rolloutStatus(
  options: FleetOptions & { readonly watch?: boolean },
  io: Io,
): Promise<number> {
  const file = readFleetFile(options, io)
  return withStore(file, options, io, async (store) => {
    let last = -1
    for (;;) {
      const [entry, state] = await currentRollout(store)
      if (state === null) throw noRollout()
      if (entry?.revision !== last) {
        if (last !== -1 && options.json !== true) io.out('\n')
        show(state, options, io)
      }
      last = entry?.revision ?? -1
      if (options.watch !== true || isEnded(state)) return exitOf(state)
      if (io.signal.aborted) return signalExit(io)
      await io.pause(1000)
    }
  })
}

/** Approve, pause, resume, abort, rollback: a person's word, which the controller goes on from. */
export async function tellRollout(what: Instruction, options: FleetOptions, io: Io): Promise<number> {
  const file = readFleetFile(options, io)
  return withStore(file, options, io, async (store) => {
    for (;;) {
      const [entry, state] = await currentRollout(store)
      if (state === null) throw noRollout()
      const next = instruct(state, { what, by: whoOf(io), at: io.now().toISOString() })
      if ('refused' in next)
        throw new QstateError(problem('not-now', `${state.name}: ${next.refused}`, next.hint))
      // A controller may have stored a step at the same moment: then it is said again, of what is there now.
      if ((await store.put(KEYS.rollout, next, entry?.revision ?? 0)) === null) continue
      show(next, options, io)
      if (file.fleet.servers === null && options.json !== true)
        io.err('It goes on where a controller runs: `qstate fleet controller`, or the start of it.\n')
      return EXIT.done
    }
  })
}

/** Rollouts of the past, and the one that is current, the newest first. */
export async function rolloutHistory(options: FleetOptions, io: Io): Promise<number> {
  const file = readFleetFile(options, io)
  return withStore(file, options, io, async (store) => {
    const [, current] = await currentRollout(store)
    const past = (await pastRollouts(store)).filter(({ serial }) => serial !== current?.serial)
    const all = [...(current === null ? [] : [current]), ...past]
    if (options.json === true) {
      const rollouts = all.map(({ serial, name, revision, commit, phase, why, startedAt, said }) => ({
        ...{ serial, name, revision, commit, phase, why, startedAt, said },
      }))
      io.out(`${JSON.stringify({ rollouts }, null, 2)}\n`)
      return EXIT.done
    }
    const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
    const lines = all.map((state) => {
      const by = state.said[0]?.by ?? ''
      const what = `${padTo(style.bold(state.name), 16)}  ${state.commit.slice(0, 12)}  ${padTo(phaseText(state), 19)}`
      return `${String(state.serial).padStart(4)}  ${what}  ${showTime(state.startedAt)}  ${by}`
    })
    io.out(lines.length === 0 ? 'No rollout yet.\n' : `${lines.join('\n')}\n`)
    return EXIT.done
  })
}

async function currentRollout(
  store: Store,
): Promise<readonly [Awaited<ReturnType<Store['get']>>, RolloutState | null]> {
  const entry = await store.get(KEYS.rollout)
  if (entry === null) return [null, null]
  const state = readRollout(entry.value)
  if (state !== null) return [entry, state]
  throw new QstateError(
    problem(
      'unreadable-rollout',
      `the rollout in ${store.where} cannot be read`,
      'it is of a later version, or damaged: use the newest qstate everywhere',
    ),
  )
}

const noRollout = (): QstateError =>
  new QstateError(
    problem('no-rollout', 'this fleet has had no rollout yet', 'begin one: `qstate rollout start`'),
  )

function show(state: RolloutState, options: FleetOptions, io: Io): void {
  if (options.json === true) io.out(`${JSON.stringify(state, null, 2)}\n`)
  else io.out(rolloutView(state, makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)))
}
