import { generationJournal, takeLock } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import {
  applyPlan,
  EXIT,
  exitCodeOf,
  type Plan,
  planIsBlocked,
  planIsEmpty,
  type Report,
} from '../../reconciler/index.ts'
import { type Io, UserError } from '../io.ts'
import { type GlobalOptions, wantsColor, wholeNumber } from '../options.ts'
import { isPlanFile, readPlanFile } from '../plan-file.ts'
import {
  loadSpec,
  openSession,
  type PlanOptions,
  planSpec,
  type Session,
  stateFolder,
  tablesOf,
} from '../session.ts'
import { tellUnfinished } from '../unfinished.ts'
import { planView } from '../views/plan.ts'
import { qubeLines, reportView } from '../views/report.ts'
import { makeStyle } from '../views/style.ts'

export interface ApplyOptions extends GlobalOptions, PlanOptions {
  readonly yes?: boolean
  readonly failFast?: boolean
  readonly lockTimeout: string
}

/** Makes the host as the spec wants it, or does what a saved plan says. */
export async function apply(paths: readonly string[], options: ApplyOptions, io: Io): Promise<number> {
  const [first] = paths
  if (paths.length === 1 && first !== undefined && isPlanFile(first, io))
    return applySaved(first, options, io)
  const spec = loadSpec(paths, options, io)
  const session = await openSession(options, io, tablesOf(spec))
  return locked(session, options, io, async () => {
    const plan = await planSpec(spec, session, options, io)
    return confirmAndApply(plan, session, options, io, false)
  })
}

async function applySaved(path: string, options: ApplyOptions, io: Io): Promise<number> {
  const { plan, tables } = readPlanFile(path, io)
  const session = await openSession(options, io, tables)
  return locked(session, options, io, () => confirmAndApply(plan, session, options, io, true))
}

/** Shows, asks, applies, reports. `saved`: the plan is not fresh, and all its guards are looked at before the first write. */
export async function confirmAndApply(
  plan: Plan,
  session: Session,
  options: ApplyOptions,
  io: Io,
  saved: boolean,
): Promise<number> {
  const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
  if (options.json !== true) io.out(planView(plan, style))
  if (planIsEmpty(plan)) {
    if (options.json === true) printJson(await run(plan, session, options, io, false), io)
    return planIsBlocked(plan) ? EXIT.error : EXIT.done
  }
  const asked = options.yes !== true
  if (asked && !(await confirmed(options, io))) return EXIT.error
  const report = await run(plan, session, options, io, saved || asked)
  if (options.json === true) printJson(report, io)
  else io.out(`\n${reportView(report, style)}`)
  return io.signal.aborted ? signalExit(io) : exitCodeOf(report)
}

async function run(
  plan: Plan,
  session: Session,
  options: ApplyOptions,
  io: Io,
  recheck: boolean,
): Promise<Report> {
  const live = io.errIsTerminal && options.json !== true && plan.qubes.length >= 8
  const style = makeStyle(wantsColor(options, io, io.errIsTerminal), io.columns)
  return applyPlan(plan, {
    host: session.host,
    providers,
    qubes: session.qubes,
    parallelism: wholeNumber(options.parallelism, '--parallelism', 1, 64),
    failFast: options.failFast === true,
    recheck,
    journal: generationJournal(stateFolder(options, io, session), {
      who: whoOf(io),
      at: io.now().toISOString(),
      pid: process.pid,
    }),
    signal: io.signal,
    onQube: (qube, done, total) => {
      if (live) io.err(`${style.dim(`[${done}/${total}]`)} ${qubeLines(qube, plan, 0, style)[0] ?? ''}\n`)
    },
  })
}

async function confirmed(options: ApplyOptions, io: Io): Promise<boolean> {
  if (!io.inIsTerminal || options.json === true) {
    throw new UserError(
      EXIT.usage,
      'needs-yes',
      'nobody is here to say yes',
      'add --yes, or save the plan (`qstate plan -o FILE`) and apply that with --yes',
    )
  }
  const answer = await io.ask('\nApply this? [y/N] ')
  if (answer !== null && /^y(?:es)?$/i.test(answer.trim())) return true
  io.err('Nothing was changed.\n')
  return false
}

/** Holds the host's lock around some work, waiting for another run as long as --lock-timeout says. */
export async function locked(
  session: Session,
  options: Pick<ApplyOptions, 'lockTimeout'> & GlobalOptions,
  io: Io,
  work: () => Promise<number>,
): Promise<number> {
  const folder = stateFolder(options, io, session)
  const patience = wholeNumber(options.lockTimeout, '--lock-timeout', 0, 86_400) * 1000
  const begun = io.now().getTime()
  let told = false
  const lock = await takeLock(folder, {
    who: whoOf(io),
    now: io.now().toISOString(),
    again: async (holder) => {
      if (io.now().getTime() - begun >= patience || io.signal.aborted) return false
      if (!told) io.err(`Waiting for ${holder.who} (process ${holder.pid}, since ${holder.since}) …\n`)
      told = true
      await io.pause(100)
      return true
    },
  })
  if (lock.kind === 'busy') {
    const { who, pid, since } = lock.holder
    throw new UserError(
      EXIT.locked,
      'locked',
      `another run holds this host: ${who}, process ${pid}, since ${since}`,
      'wait for it (--lock-timeout SECONDS), or see what it does',
    )
  }
  try {
    await tellUnfinished(folder, io)
    return await work()
  } finally {
    await lock.release()
  }
}

export const whoOf = (io: Io): string => `${io.username}@${io.hostname}`

export const signalExit = (io: Io): number => (io.signal.reason === 'SIGTERM' ? 143 : 130)

function printJson(report: Report, io: Io): void {
  io.out(`${JSON.stringify({ ...report, exitCode: exitCodeOf(report) }, null, 2)}\n`)
}
