import { readHostsFile, type Say } from '../../app/agent/index.ts'
import { readAllowedWithdrawals } from '../../app/apply/index.ts'
import {
  countOf,
  type FleetFile,
  notAllowed,
  rolloutHistory as readHistory,
  rolloutStatus as readStatus,
  type RolloutWithdrawals,
  runFleetController,
  startRolloutOn,
  type StartOptions,
  tellRollout as tell,
  watchRollout,
} from '../../app/fleet/index.ts'
import { type RolloutState } from '../../documents/fleet/index.ts'
import { type Instruction, isEnded } from '../../fleet/index.ts'
import { type HostPolicies } from '../../spec/agent/index.ts'
import { EXIT, type Problem, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type CommandContext, withAdvice } from '../context.ts'
import { type ControllerFlags, type FleetFlags, hostsFileOf, openFleet } from '../fleet-options.ts'
import { type Io } from '../io.ts'
import { outStyle } from '../options.ts'
import { consentFlag, namesOf, rolloutConsentView } from '../views/rollout-consent.ts'
import { plural, someOf } from '../views/style.ts'
import { rolloutHistoryView, rolloutLog, rolloutView } from '../views/rollout.ts'
import { askOptions } from './rollout-plan.ts'
import { asksConsent, isTyped, signalExit, typedForWithdrawals } from './run.ts'
import { jsonText } from '../json.ts'

export interface RolloutStartFlags extends ControllerFlags {
  readonly detach?: boolean
  readonly wait: string
  readonly allowWithdraw?: readonly string[]
}

/** Begins a rollout. Without servers it is carried out from here, until it has ended. */
export async function startCommand(
  name: string | undefined,
  options: RolloutStartFlags,
  io: Io,
): Promise<number> {
  const { file, context } = await openFleet(options, io)
  const isHere = file.fleet.servers === null && options.detach !== true
  const policies = readHostsFile(hostsFileOf(options, io), context)
  const agree = agreement(options, io)
  const start = { policies, ...askOptions(options, io), agree }
  const started = await startRolloutOn(name ?? null, file, start, context)
  if (started === null) return io.signal.aborted ? signalExit(io) : EXIT.error
  const { state, isUnpushed } = started
  if (isHere) return carryOut(file, policies, options, io, context)
  if (isUnpushed) context.warn(notPushed(state.commit))
  show(state, options, io, context)
  if (options.json !== true)
    io.err('Begun: it goes on where a controller runs (`qstate fleet controller`).\n')
  return EXIT.done
}

const NAMES = 'desk:win7,laptop:win8'

/** A person at a terminal types what `apply` would have them type; else the flag has to agree to everything. */
function agreement(options: RolloutStartFlags, io: Io): StartOptions['agree'] {
  const allowed = readAllowedWithdrawals(options.allowWithdraw ?? [], NAMES)
  return async (needed) => {
    const names = namesOf(needed.hosts)
    if (asksConsent(options, io)) {
      io.out(rolloutConsentView(needed, outStyle(options, io)))
      return isTyped(typedForWithdrawals(names, countOf(needed.hosts)), options, io)
    }
    const missing = notAllowed(needed, allowed)
    if (missing.length > 0) throw new QstateError(notAgreed(needed, missing))
    return true
  }
}

function notAgreed(needed: RolloutWithdrawals, missing: readonly string[]): Problem {
  const count = plural(countOf(needed.hosts), 'value')
  const message = `the rollout was not started: it withdraws ${count}, and there is no consent for ${someOf(missing)}`
  const hint = `\`qstate rollout plan\` shows them; restore their lines, or add ${consentFlag(needed)}`
  return problem('withdrawal-not-allowed', message, hint)
}

const notPushed = (commit: string): Problem =>
  problem(
    'not-pushed',
    `${commit.slice(0, 12)} is in no branch of a remote that is known here`,
    'agents find it once it is pushed to where they fetch from',
  )

async function carryOut(
  file: FleetFile,
  policies: HostPolicies,
  options: FleetFlags,
  io: Io,
  context: CommandContext,
): Promise<number> {
  const say = tellPlainly(options, io)
  const log = rolloutLog((line) => {
    say('info', line)
  })
  const onRollout = (state: RolloutState): boolean => {
    log(state)
    return isEnded(state)
  }
  await runFleetController(file, { policies, say, onRollout }, context)
  const state = await readStatus(file)
  show(state, options, io, context)
  return io.signal.aborted ? signalExit(io) : exitOf(state)
}

/** For who sits before it. */
const tellPlainly =
  (options: FleetFlags, io: Io): Say =>
  (level, message) => {
    if (options.json !== true && (level !== 'debug' || options.verbose === true)) io.err(`${message}\n`)
  }

/** Done, done in part, or not; what is still under way is no error. */
function exitOf({ phase }: RolloutState): number {
  if (phase === 'partial') return EXIT.partial
  return phase === 'aborted' || phase === 'rolled-back' ? EXIT.error : EXIT.done
}

/** Shows where a rollout stands. */
export async function rolloutStatus(
  options: FleetFlags & { readonly watch?: boolean },
  io: Io,
): Promise<number> {
  const { file, context } = await openFleet(options, io)
  if (options.watch !== true) {
    const state = await readStatus(file)
    show(state, options, io, context)
    return exitOf(state)
  }
  let isFirst = true
  const onState = (state: RolloutState): void => {
    if (!isFirst && options.json !== true) io.out('\n')
    isFirst = false
    show(state, options, io, context)
  }
  const last = await watchRollout(file, onState, context)
  return isEnded(last) ? exitOf(last) : signalExit(io)
}

/** Approve, pause, resume, abort, rollback. */
export async function tellRollout(what: Instruction, options: FleetFlags, io: Io): Promise<number> {
  const { file, context } = await openFleet(options, io)
  show(await tell(what, file, context), options, io, context)
  if (file.fleet.servers === null && options.json !== true)
    io.err('It goes on where a controller runs: `qstate fleet controller`, or the start of it.\n')
  return EXIT.done
}

/** Rollouts of the past, and the one that is current, the newest first. */
export async function rolloutHistory(options: FleetFlags, io: Io): Promise<number> {
  const { file } = await openFleet(options, io)
  const all = await readHistory(file)
  if (options.json === true) {
    const rollouts = all.map(
      ({ serial, name, revision, commit, phase, why, problem: cause, startedAt, said }) => ({
        ...{ serial, name, revision, commit, phase, why, problem: cause ?? null, startedAt, said },
      }),
    )
    io.out(jsonText({ rollouts }))
  } else io.out(rolloutHistoryView(all, outStyle(options, io)))
  return EXIT.done
}

function show(state: RolloutState, options: FleetFlags, io: Io, context: CommandContext): void {
  if (options.json === true) io.out(jsonText(withAdvice(state, context)))
  else io.out(rolloutView(state, outStyle(options, io)))
}
