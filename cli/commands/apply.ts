import {
  attachNow,
  isPlanFile,
  liveLines,
  type LiveReport,
  readPlanFile,
  type RemovalOptions,
  removalsConfirmed,
  removesQubes,
  requireAllowed,
  restartedNow,
  restartLines,
  type RestartOptions,
  restartWaiting,
  tellUnfinished,
  withholdRemovals,
  withRestarts,
} from '../../app/apply/index.ts'
import {
  connect,
  type Connection,
  listManaged,
  loadSpec,
  type ManagedSession,
  type PlanOptions,
  planSpec,
  stateFolder,
  tablesOf,
} from '../../app/host/index.ts'
import { generationJournal, type RunKind, takeLock } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import {
  applyPlan,
  type Plan,
  planIsBlocked,
  planIsEmpty,
  type Report,
  reportExitCode,
  type RestartReport,
} from '../../reconciler/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor, wholeNumber } from '../options.ts'
import { planView } from '../views/plan.ts'
import { qubeLines, reportView } from '../views/report.ts'
import { makeStyle, type Style } from '../views/style.ts'
import { showTime } from '../views/value.ts'

export interface ApplyOptions extends GlobalOptions, PlanOptions, RestartOptions, RemovalOptions {
  readonly yes?: boolean
  readonly failFast?: boolean
  readonly live?: boolean
  readonly lockTimeout: string
}

/** Makes the host as the spec wants it, or does what a saved plan says. */
export async function apply(paths: readonly string[], options: ApplyOptions, io: Io): Promise<number> {
  const [first] = paths
  if (paths.length === 1 && first !== undefined && isPlanFile(first, io))
    return applySaved(first, options, io)
  const spec = loadSpec(paths, options, io)
  const connection = await connect(options, io, tablesOf(spec))
  return locked(connection, options, io, async (session) => {
    const plan = withholdRemovals(await planSpec(spec, session, options, io), options)
    return confirmAndApply(plan, session, options, io, { kind: 'apply' })
  })
}

async function applySaved(path: string, options: ApplyOptions, io: Io): Promise<number> {
  const { plan, tables } = readPlanFile(path, io)
  const connection = await connect(options, io, tables)
  return locked(connection, options, io, (session) =>
    confirmAndApply(plan, session, options, io, { kind: 'apply', saved: true }),
  )
}

/** What is applied, as the journal remembers it. */
export interface Run {
  readonly kind: RunKind
  /** Of a rollback: generations. */
  readonly undoes?: readonly number[]
  /** The plan is not fresh, and all its guards are looked at before the first write. */
  readonly saved?: boolean
}

/** Shows, asks, applies, reports. */
export async function confirmAndApply(
  made: Plan,
  session: ManagedSession,
  options: ApplyOptions,
  io: Io,
  { saved = false, ...what }: Run,
): Promise<number> {
  const plan = withRestarts(made, options, io, session.client.transport.ownQube)
  const restarted = restartedNow(plan)
  const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
  requireAllowed(plan, options)
  const nothing = what.kind === 'rollback' ? 'Nothing to do.' : undefined
  if (options.json !== true) io.out(planView(plan, style, nothing))
  if (planIsEmpty(plan)) {
    const question = `Restart ${restarted.join(', ')}?`
    if (restarted.length > 0 && options.yes !== true && !(await confirmed(question, options, io)))
      return io.signal.aborted ? signalExit(io) : EXIT.error
    const after = await afterwards(plan, null, session, options, io)
    if (options.json === true) printJson(await run(plan, session, options, io, what), after, io)
    else io.out(afterwardsLines(after, style))
    return withAfterwards(planIsBlocked(plan) ? EXIT.error : EXIT.done, after)
  }
  const asked = options.yes !== true
  const question = restarted.length === 0 ? 'Apply this?' : `Apply this, and restart ${restarted.join(', ')}?`
  if (asked && !((await confirmed(question, options, io)) && (await removalsConfirmed(plan, io))))
    return io.signal.aborted ? signalExit(io) : EXIT.error
  // A person may have taken an hour to say yes.
  const now = asked ? await listManaged(session) : session
  const report = await run(plan, now, options, io, { ...what, saved: saved || asked })
  if (options.json !== true) {
    io.out(`\n${reportView(report, style)}`)
    if (report.generation !== null) {
      const back = removesQubes(plan) ? ', but brings no removed qube back' : ''
      io.out(style.dim(`Generation ${report.generation}: \`qstate rollback\` undoes it${back}.\n`))
    }
  }
  const after = report.interrupted === null ? await afterwards(plan, report, session, options, io) : NOTHING
  if (options.json === true) printJson(report, after, io)
  else io.out(afterwardsLines(after, style))
  return io.signal.aborted ? signalExit(io) : withAfterwards(reportExitCode(report), after)
}

/** What is done with running qubes once their values are set, and only if the spec or a flag says so. */
interface Afterwards {
  readonly live: readonly LiveReport[]
  readonly restarts: readonly RestartReport[]
}

const NOTHING: Afterwards = { live: [], restarts: [] }

async function afterwards(
  plan: Plan,
  report: Report | null,
  session: ManagedSession,
  options: ApplyOptions,
  io: Io,
): Promise<Afterwards> {
  // A qube that is restarted gets its devices at its start: so that comes first, and the rest is attached now.
  const restarts = await restartWaiting(plan, report, session, options, io)
  const live = options.live === true ? await attachNow(plan, withoutRestarted(report, restarts), session) : []
  return { live, restarts }
}

/** Nothing waits any more on a qube that has been restarted. */
function withoutRestarted(report: Report | null, restarts: readonly RestartReport[]): Report | null {
  if (report === null) return null
  const done = new Set(restarts.filter(({ status }) => status === 'restarted').map(({ qube }) => qube))
  return {
    ...report,
    qubes: report.qubes.map((qube) => (done.has(qube.qube) ? { ...qube, waiting: [] } : qube)),
  }
}

const afterwardsLines = ({ live, restarts }: Afterwards, style: Style): string =>
  restartLines(restarts, style) + liveLines(live, style)

/** A qube that could not be restarted, or a device that could not be attached, leaves the run done in part. */
function withAfterwards(code: number, { live, restarts }: Afterwards): number {
  const amiss =
    restarts.some(({ status }) => status !== 'restarted') || live.some(({ status }) => status === 'failed')
  return code === EXIT.done && amiss ? EXIT.partial : code
}

/** A report, and the generation under which it is remembered. */
type Applied = Report & { readonly generation: number | null }

async function run(
  plan: Plan,
  session: ManagedSession,
  options: ApplyOptions,
  io: Io,
  { saved = false, ...what }: Run,
): Promise<Applied> {
  const live = io.errIsTerminal && options.json !== true && plan.qubes.length >= MANY_QUBES
  let generation: number | null = null
  const style = makeStyle(wantsColor(options, io, io.errIsTerminal), io.columns)
  const report = await applyPlan(plan, {
    host: session.host,
    providers,
    qubes: session.qubes,
    parallelism: wholeNumber(options.parallelism, '--parallelism', 1, 64),
    failFast: options.failFast === true,
    recheck: saved,
    journal: generationJournal(
      stateFolder(options, io, session),
      { ...what, who: whoOf(io), at: io.now().toISOString(), pid: process.pid },
      (number) => {
        generation = number
      },
    ),
    signal: io.signal,
    onQube: (qube, done, total) => {
      if (live) io.err(`${style.dim(`[${done}/${total}]`)} ${qubeLines(qube, plan, 0, style)[0] ?? ''}\n`)
    },
  })
  return { ...report, generation }
}

/** From this many on, qubes are told one by one as they come out. */
const MANY_QUBES = 8

async function confirmed(question: string, options: ApplyOptions, io: Io): Promise<boolean> {
  if (!io.inIsTerminal || options.json === true) {
    throw new QstateError(
      problem('needs-yes', 'nobody is here to say yes', 'look at what it would do, then add --yes'),
    )
  }
  const answer = await io.ask(`\n${question} [y/N] `)
  if (answer !== null && /^y(?:es)?$/i.test(answer.trim())) return true
  io.err('Nothing was changed.\n')
  return false
}

/**
 * Holds the host's lock around some work, waiting for another run as long as --lock-timeout says. The qubes are listed
 * once the lock is held: what the other run did is seen.
 */
export async function locked(
  connection: Connection,
  options: Pick<ApplyOptions, 'lockTimeout'> & GlobalOptions,
  io: Io,
  work: (session: ManagedSession) => Promise<number>,
): Promise<number> {
  const folder = stateFolder(options, io, connection)
  const patience = wholeNumber(options.lockTimeout, '--lock-timeout', 0, 86_400) * 1000
  const begun = io.now().getTime()
  let told = false
  const lock = await takeLock(folder, {
    who: whoOf(io),
    now: io.now().toISOString(),
    again: async (holder) => {
      if (io.now().getTime() - begun >= patience || io.signal.aborted) return false
      if (!told)
        io.err(`Waiting for ${holder.who} (process ${holder.pid}, since ${showTime(holder.since)}) …\n`)
      told = true
      await io.pause(100)
      return true
    },
  })
  if (lock.kind === 'busy') {
    const { who, pid, since } = lock.holder
    throw new QstateError(
      problem(
        'locked',
        `another run holds this host: ${who}, process ${pid}, since ${showTime(since)}`,
        'wait for it (--lock-timeout SECONDS), or see what it does',
      ),
    )
  }
  try {
    await tellUnfinished(folder, io, 'alone')
    return await work(await listManaged(connection))
  } finally {
    await lock.release()
  }
}

export const whoOf = (io: Io): string => `${io.username}@${io.hostname}`

export const signalExit = (io: Io): number => (io.signal.reason === 'SIGTERM' ? 143 : 130)

function printJson(report: Applied, after: Afterwards, io: Io): void {
  const exitCode = withAfterwards(reportExitCode(report), after)
  io.out(`${JSON.stringify({ ...report, ...after, exitCode }, null, 2)}\n`)
}
