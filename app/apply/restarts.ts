import { type Io } from '../../cli/io.ts'
import { type GlobalOptions, wholeNumber } from '../../cli/options.ts'
import { fold, type Style } from '../../cli/views/style.ts'
import { showPath } from '../../cli/views/value.ts'
import {
  type Change,
  mayRestart,
  needsApply,
  type Plan,
  type QubePlan,
  type Report,
  restartQube,
  type RestartReport,
} from '../../reconciler/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type RestartPolicy } from '../../spec/index.ts'
import { type ManagedSession } from '../host/index.ts'
import { type Care, careFor } from './restart-precheck.ts'

export interface RestartOptions {
  readonly restart?: 'never' | 'ask' | 'now'
  readonly restartTimeout: string
  readonly restartKill?: boolean
  /** Where it is a program that restarts: asks for the shutdown if it may still be. */
  readonly ifStill?: (qube: string, shutDown: () => Promise<void>) => Promise<boolean>
}

/**
 * The plan with what an apply at this time does about what waits: a flag stands above what the spec says, and the qube that
 * this runs in is not restarted. Fails where somebody is to be asked and nobody is here, before anything is done.
 */
export function withRestarts(
  plan: Plan,
  options: Partial<Pick<RestartOptions, 'restart'>> & GlobalOptions,
  io: Io,
  ownQube?: string,
): Plan {
  const flag = options.restart
  const qubes = flag === undefined ? plan.qubes : plan.qubes.map((qube) => ({ ...qube, restart: flag }))
  const restarts = qubes.flatMap((planned) => {
    if (planned.qube === ownQube) return []
    if (!planned.running || !(planned.waiting.length > 0 || planned.changes.some(isLate))) return []
    const when = mayRestartNow(planned.restart ?? 'never', io)
    if (when === 'no') return []
    return [{ qube: planned.qube, when: when === 'yes' ? ('now' as const) : when }]
  })
  if (restarts.some(({ when }) => when === 'ask')) canAsk(options, io)
  return { ...plan, qubes, ...(restarts.length === 0 ? {} : { restarts }) }
}

const isLate = ({ effect }: Change): boolean => effect === 'next-start'

function mayRestartNow(policy: RestartPolicy, io: Io): ReturnType<typeof mayRestart> {
  const now = io.now()
  return mayRestart(policy, now.getHours() * 60 + now.getMinutes())
}

/** Names of the qubes that are restarted without a question of their own. */
export const restartedNow = ({ restarts = [] }: Plan): readonly string[] =>
  restarts.flatMap(({ qube, when }) => (when === 'now' ? [qube] : []))

/** A qube with settings that count only after a restart, and whether it may have one. */
interface Candidate {
  readonly qube: string
  readonly planned: QubePlan
  readonly waiting: readonly string[]
  readonly policy: RestartPolicy
}

/** Restarts the qubes that wait for it and may be restarted, one after the other. Their reports, for those that were tried. */
export async function restartWaiting(
  plan: Plan,
  report: Report | null,
  session: ManagedSession,
  options: RestartOptions & GlobalOptions,
  io: Io,
): Promise<readonly RestartReport[]> {
  const patience = wholeNumber(options.restartTimeout, '--restart-timeout', 1, 86_400)
  const reports: RestartReport[] = []
  for (const candidate of candidates(plan, report, options)) {
    if (io.signal.aborted) break
    const may = mayRestartNow(candidate.policy, io)
    if (may === 'no' || (may === 'ask' && !canAsk(options, io))) continue
    const care = await careFor(candidate.planned, session)
    if (care.refusal !== null) {
      reports.push({ qube: candidate.qube, status: 'failed', error: care.refusal })
      continue
    }
    if (may === 'ask' && !(await agreed(candidate, care, io))) continue
    const { ifStill } = options
    const told = await restartQube(candidate.qube, {
      host: session.host,
      signal: io.signal,
      patience,
      kill: options.restartKill === true,
      ...(ifStill === undefined
        ? {}
        : { ifStill: (shutDown: () => Promise<void>) => ifStill(candidate.qube, shutDown) }),
      tick: () => io.pause(1000),
      onProgress: (qube, doing, seconds) => {
        if (io.errIsTerminal && options.json !== true) io.err(`\r\u001b[K${qube}: ${doing} … ${seconds} s`)
      },
    })
    if (io.errIsTerminal && options.json !== true) io.err('\r\u001b[K')
    const detached = HALTED.has(told.status) ? (care.byHand ?? []) : []
    reports.push(detached.length === 0 ? told : { ...told, detached })
  }
  return reports
}

/** Of these the qube has been halted at one time, and has lost what was attached to it. */
const HALTED: ReadonlySet<RestartReport['status']> = new Set([
  'restarted',
  'started, not ready',
  'stopped, not started',
])

function candidates(plan: Plan, report: Report | null, options: RestartOptions): readonly Candidate[] {
  return plan.qubes.flatMap((planned) => {
    const done = report?.qubes.find((qube) => qube.qube === planned.qube)
    // A qube whose apply went wrong is left running: what it would start with is not what was wanted.
    if (needsApply(planned) && done?.status !== 'applied') return []
    const waiting = done?.waiting ?? planned.waiting
    if (waiting.length === 0 || !planned.running) return []
    return [{ qube: planned.qube, planned, waiting, policy: options.restart ?? planned.restart ?? 'never' }]
  })
}

/** Whether someone can be asked; a flag that wants it where nobody is there is a mistake. */
function canAsk(options: Partial<Pick<RestartOptions, 'restart'>> & GlobalOptions, io: Io): boolean {
  if (io.inIsTerminal && options.json !== true) return true
  if (options.restart !== 'ask') return false
  throw new QstateError(
    problem(
      'nobody-to-ask',
      'nobody is here to be asked about a restart',
      'use --restart now or --restart never',
    ),
  )
}

async function agreed({ qube, waiting }: Candidate, { byHand }: Care, io: Io): Promise<boolean> {
  const lost =
    byHand === null
      ? 'Which devices were attached to it by hand is not known: they are not attached again.\n'
      : byHand.length > 0
        ? `Attached by hand, and not attached again: ${byHand.join(', ')}.\n`
        : ''
  const what = waiting.map(showPath).join(', ')
  const count = waiting.length === 1 ? 'counts' : 'count'
  const answer = await io.ask(`\n${lost}Restart ${qube}, so that ${what} ${count}? [y/N] `)
  return answer !== null && /^y(?:es)?$/i.test(answer.trim())
}

export function restartLines(reports: readonly RestartReport[], style: Style): string {
  return reports
    .map(({ qube, status, error, detached = [], killed = false }) => {
      const sign = status === 'restarted' ? style.green('✓') : style.red('✗')
      const lines = [`${sign} ${style.bold(qube)}  ${status}`]
      if (killed) lines.push(style.yellow('    was killed, since it had not shut down in time'))
      if (detached.length > 0) {
        const text = `was attached by hand, and is not attached again: ${detached.join(', ')}`
        lines.push(style.yellow(fold(text, style.width, '    ')))
      }
      if (error !== null) {
        lines.push(
          style.red(fold(error.message, style.width, '    ')),
          style.dim(fold(error.hint, style.width, '      ')),
        )
      }
      return `${lines.join('\n')}\n`
    })
    .join('')
}
