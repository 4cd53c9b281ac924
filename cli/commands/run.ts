import {
  removalsOf,
  restartedNow,
  type Reviewer,
  runApply,
  type RunOptions,
  type RunResult,
} from '../../app/apply/index.ts'
import { type Connection, type ManagedHost } from '../../app/host/index.ts'
import { type Plan, planIsBlocked, planIsEmpty, reportExitCode } from '../../reconciler/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type CommandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, parallelismOf, secondsAsMs, outStyle } from '../options.ts'
import { attachLines, restartLines, restartQuestion } from '../views/afterwards.ts'
import { planView } from '../views/plan.ts'
import { reportView } from '../views/report.ts'
import { fold, plural, someOf } from '../views/style.ts'
import { jsonText } from '../json.ts'

/** Options that agree to withdrawals. */
interface ConsentFlags extends GlobalOptions {
  readonly yes?: boolean
  readonly allowWithdraw?: readonly string[]
}

/** Options of every command that applies a plan. */
export interface RunFlags extends ConsentFlags {
  readonly failFast?: boolean
  readonly lockTimeout: string
  readonly parallelism: string
  /** These and the next are of commands that may restart qubes. */
  readonly restart?: 'never' | 'ask' | 'now'
  readonly restartTimeout?: string
  readonly restartKill?: boolean
  readonly live?: boolean
  readonly allowRemove?: readonly string[]
}

/** What has to be typed, and what it is for. */
export interface TypedConsent {
  readonly question: string
  readonly answer: string
}

type Run = Pick<RunOptions, 'kind' | 'undoes' | 'saved' | 'confirm'> & {
  /** What a person at a terminal types where a yes is not enough; null: it is. */
  readonly consent?: (plan: Plan) => TypedConsent | null
}

/** Shows a plan, asks, applies it, and shows what came of it. */
export async function runCommand(
  connection: Connection,
  makePlan: (host: ManagedHost) => Promise<Plan>,
  run: Run,
  options: RunFlags,
  io: Io,
  context: CommandContext,
): Promise<number> {
  const { restart, restartTimeout } = options
  const result = await runApply(
    connection,
    makePlan,
    {
      ...run,
      lockWaitMs: secondsAsMs(options.lockTimeout, '--lock-timeout', 0),
      parallelism: parallelismOf(options),
      failFast: options.failFast === true,
      allowRemove: options.allowRemove ?? [],
      restart: {
        // A command without the options restarts nothing, whatever the spec says.
        policy: restartTimeout === undefined ? 'never' : (restart ?? null),
        timeoutMs: restartTimeout === undefined ? 0 : secondsAsMs(restartTimeout, '--restart-timeout', 1),
        kill: options.restartKill === true,
        ask: canAsk(options, io) ? restartQuestion(io) : null,
      },
      attach: options.live === true,
    },
    reviewer(run, options, io),
    context,
  )
  return conclude(result, options, io, context)
}

const canAsk = (options: GlobalOptions, io: Io): boolean => io.inIsTerminal && options.json !== true

/** A person at a terminal, or --yes. */
function reviewer({ kind, confirm, consent }: Run, options: RunFlags, io: Io): Reviewer {
  const style = outStyle(options, io)
  return {
    takesTime: options.yes !== true,
    async approve(plan) {
      if (options.json !== true) io.out(planView(plan, style, NOTHING[kind]))
      const restarted = restartedNow(plan)
      if (options.yes === true || (planIsEmpty(plan) && restarted.length === 0)) return true
      const typed = consent?.(plan) ?? null
      if (typed !== null) return isTyped(typed, options, io)
      const restarts = restarted.join(', ')
      const question = planIsEmpty(plan)
        ? `Restart ${restarts}?`
        : restarted.length === 0
          ? 'Apply this?'
          : `Apply this, and restart ${restarts}?`
      if (!(await isConfirmed(question, options, io))) return false
      const withdrawals = asksConsent(options, io) ? typedForConsent(plan) : []
      for (const one of [...withdrawals, ...typedForRemovals(plan)])
        if (!(await isTyped(one, options, io))) return false
      return true
    },
    applied(applied, plan) {
      if (options.json === true || planIsEmpty(plan)) return
      io.out(`\n${reportView(applied, style)}`)
      // One that waits to be confirmed says so itself, and no other run undoes it.
      if (applied.generation === null || confirm !== undefined) return
      const back = removalsOf(plan).length > 0 ? ', but brings no removed qube back' : ''
      const text = `Generation ${applied.generation}: \`qstate rollback\` undoes it${back}.`
      io.out(`${style.dim(fold(text, style.width, ''))}\n`)
    },
  }
}

/** What an empty plan says, where that is not that all is as wanted. */
const NOTHING: Readonly<Partial<Record<Run['kind'], string>>> = {
  rollback: 'Nothing to do.',
  withdraw: 'Nothing to give back: qstate owns nothing here.',
}

function requireTerminal(options: GlobalOptions, io: Io): void {
  if (canAsk(options, io)) return
  const message = 'confirmation needed, but stdin is not a terminal'
  throw new QstateError(problem('needs-yes', message, 'review what it would do, and add --yes'))
}

export async function isTyped(
  { question, answer }: TypedConsent,
  options: GlobalOptions,
  io: Io,
): Promise<boolean> {
  requireTerminal(options, io)
  if ((await io.ask(`\n${question}`))?.trim() === answer) return true
  io.err('Nothing was changed.\n')
  return false
}

async function isConfirmed(question: string, options: RunFlags, io: Io): Promise<boolean> {
  requireTerminal(options, io)
  const answer = await io.ask(`\n${question} [y/N] `)
  if (answer !== null && /^y(?:es)?$/i.test(answer.trim())) return true
  io.err('Nothing was changed.\n')
  return false
}

/** Whether a person is there to agree to withdrawals; else flags do, and what they do not allow is left out of the plan. */
export const asksConsent = (options: ConsentFlags, io: Io): boolean =>
  options.yes !== true && (options.allowWithdraw ?? []).length === 0 && canAsk(options, io)

/** What a person at a terminal types to agree to withdrawals: the qube where it is one, else how many values. */
export function typedForWithdrawals(names: readonly string[], count: number): TypedConsent {
  const [only = '', ...others] = names
  const [what, answer] = others.length === 0 ? ['the qube’s name', only] : ['that number', String(count)]
  const question = `${plural(count, 'value')} of ${someOf(names)} will be withdrawn. Type ${what} to continue: `
  return { question, answer }
}

const typedForConsent = ({ consent }: Plan): readonly TypedConsent[] =>
  consent === undefined
    ? []
    : [
        typedForWithdrawals(
          consent.qubes.map(({ qube }) => qube),
          consent.withdrawals.length,
        ),
      ]

/** A person at a terminal types the name of each qube that is to go. */
const typedForRemovals = (plan: Plan): readonly TypedConsent[] =>
  removalsOf(plan).map((qube) => ({
    question: `${qube} is removed with all its data. Type its name to continue: `,
    answer: qube,
  }))

function conclude(
  { plan, applied, restarts, attached }: RunResult,
  options: RunFlags,
  io: Io,
  context: CommandContext,
): number {
  if (applied === null) return io.signal.aborted ? signalExit(io) : EXIT.error
  const exitCode = exitCodeOf(plan, applied, restarts, attached)
  if (options.json === true) {
    const answer = { ...applied, live: attached, restarts, exitCode }
    io.out(jsonText(withAdvice(answer, context)))
  } else {
    const style = outStyle(options, io)
    io.out(restartLines(restarts, style) + attachLines(attached, style))
  }
  return io.signal.aborted ? signalExit(io) : exitCode
}

/** A qube that could not be restarted, or a device that could not be attached, leaves the run done in part. */
function exitCodeOf(
  plan: Plan,
  applied: NonNullable<RunResult['applied']>,
  restarts: RunResult['restarts'],
  attached: RunResult['attached'],
): number {
  const code = planIsEmpty(plan) ? (planIsBlocked(plan) ? EXIT.error : EXIT.done) : reportExitCode(applied)
  const isPartial =
    restarts.some(({ status, error }) => status !== 'restarted' || error !== null) ||
    attached.some(({ status }) => status === 'failed')
  return code === EXIT.done && isPartial ? EXIT.partial : code
}

export const signalExit = (io: Io): number => (io.signal.reason === 'SIGTERM' ? 143 : 130)
