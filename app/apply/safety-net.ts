import { bootId, claimMark, type MarkContent, secondsSinceBoot, writeMark } from '../../journal/index.ts'
import { type Plan, planIsEmpty, type RestartReport } from '../../reconciler/index.ts'
import { type Problem, problem } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { type ManagedHost } from '../host/index.ts'
import { unconfirmed, untriedText } from './confirmation.ts'
import { type Applied } from './execute.ts'
import { type LockedRun } from './lock.ts'
import { type RestartOptions, restartedNow } from './restarts.ts'
import { type RevertCommand, startTimer, stopTimer } from './revert-timer.ts'
import { requireOutside, requireReversible, untriedOf } from './reversible.ts'

/** An apply that is taken back unless it is confirmed. */
export interface ConfirmOptions {
  /** Time to confirm it. */
  readonly seconds: number
  readonly command: RevertCommand
  /** The unit that takes it back at the next boot looks into the folder of this run. */
  readonly isSeenAtBoot: boolean
}

/** What takes an apply back: it is there before the first write, and its time begins anew after the last. */
export interface SafetyNet {
  /** Marks the generation and starts the timer. Fails with QstateError, with nothing of it left. */
  readonly begun: (generation: number) => Promise<void>
  /** The same options, with each restart noted before its shutdown. */
  readonly restart: (options: RestartOptions) => RestartOptions
  /** The apply has come to its end: from now on there is time to confirm it. */
  readonly settle: (applied: Applied, restarts: readonly RestartReport[]) => Promise<void>
}

/** Fails where the plan is none that can be taken back from here. Warns of what the time to confirm it does not try. */
export async function openSafetyNet(
  plan: Plan,
  host: ManagedHost,
  { seconds, command, isSeenAtBoot, live }: ConfirmOptions & { readonly live: boolean },
  { who, at }: LockedRun,
  { now, warn }: Context,
): Promise<SafetyNet> {
  requireReversible(plan)
  await requireOutside(plan, host)
  if (!planIsEmpty(plan)) for (const warning of warningsOf(plan, host, isSeenAtBoot)) warn(warning)
  const { stateFolder } = host
  const boot = await bootId()
  let mark: MarkContent | null = null
  const write = async (next: Omit<MarkContent, 'boot' | 'deadline' | 'seconds'>): Promise<void> => {
    mark = { ...next, boot, seconds, deadline: secondsSinceBoot() + seconds }
    await writeMark(stateFolder, mark)
  }
  return {
    async begun(generation) {
      const unit = `qstate-revert-${generation}`
      const commit = committed(plan)
      await write({ generation, who, at, unit, commit, live, restarted: [], untried: untriedOf(plan, []) })
      try {
        await startTimer(unit, seconds, command(generation))
      } catch (error) {
        await claimMark(stateFolder, 'confirmed')
        throw error
      }
    },
    restart: (options) => ({
      ...options,
      async ifStill(qube, shutDown) {
        if (mark !== null) await write({ ...mark, restarted: [...mark.restarted, qube] })
        return (await options.ifStill?.(qube, shutDown)) ?? shutDown().then(() => true)
      },
    }),
    async settle({ generation }, restarts) {
      if (mark === null) return
      if (generation === null) {
        await claimMark(stateFolder, 'confirmed')
        await stopTimer(mark.unit)
        return
      }
      const restarted = restarts.filter(({ status }) => status === 'restarted').map(({ qube }) => qube)
      await write({ ...mark, untried: untriedOf(plan, restarted) })
      warn(unconfirmed(mark, seconds, now()))
    },
  }
}

/** Of files that differ from their commit no agent has the same. */
const committed = ({ spec: { commit } }: Plan): string | null =>
  commit?.endsWith('+') === true ? null : commit

function warningsOf(plan: Plan, { host }: ManagedHost, isSeenAtBoot: boolean): readonly Problem[] {
  const untried = untriedOf(plan, restartedNow(plan))
  const { ownQube } = host
  const [where, hint] =
    ownQube === null
      ? [
          'the folder of this run is not the one that is looked into when this machine starts',
          'run it as root, without --state-dir',
        ]
      : [
          `qstate runs in ${ownQube}: while that is shut down nothing takes the apply back`,
          'start it again, or apply from dom0',
        ]
  return [
    ...(untried.length === 0
      ? []
      : [
          problem(
            'not-tried',
            `not tried by this: ${untriedText(untried)}`,
            'they take effect at the next start: --restart now',
          ),
        ]),
    ...(isSeenAtBoot && ownQube === null ? [] : [problem('not-at-boot', where, hint)]),
  ]
}
