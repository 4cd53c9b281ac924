import {
  EXIT,
  mayRestart,
  needsApply,
  type Plan,
  type Report,
  restartQube,
  type RestartReport,
} from '../reconciler/index.ts'
import { type RestartPolicy } from '../spec/index.ts'
import { type Io, UserError } from './io.ts'
import { type GlobalOptions, wholeNumber } from './options.ts'
import { type Session } from './session.ts'
import { fold, type Style } from './views/style.ts'
import { showPath } from './views/value.ts'

export interface RestartOptions {
  readonly restart?: 'never' | 'ask' | 'now'
  readonly restartTimeout: string
}

/** A qube with settings that count only after a restart, and whether it may have one. */
interface Candidate {
  readonly qube: string
  readonly waiting: readonly string[]
  readonly policy: RestartPolicy
}

/** Restarts the qubes that wait for it and may be restarted, one after the other. Their reports, for those that were tried. */
export async function restartWaiting(
  plan: Plan,
  report: Report | null,
  session: Session,
  options: RestartOptions & GlobalOptions,
  io: Io,
): Promise<readonly RestartReport[]> {
  const patience = wholeNumber(options.restartTimeout, '--restart-timeout', 1, 86_400)
  const now = io.now()
  const reports: RestartReport[] = []
  for (const candidate of candidates(plan, report, options)) {
    if (io.signal.aborted) break
    const may = mayRestart(candidate.policy, now.getHours() * 60 + now.getMinutes())
    if (may === 'no' || (may === 'ask' && !(await agreed(candidate, options, io)))) continue
    const told = await restartQube(candidate.qube, {
      host: session.host,
      signal: io.signal,
      patience,
      tick: () => io.pause(1000),
      onProgress: (qube, doing, seconds) => {
        if (io.errIsTerminal && options.json !== true) io.err(`\r\u001b[K${qube}: ${doing} … ${seconds} s`)
      },
    })
    if (io.errIsTerminal && options.json !== true) io.err('\r\u001b[K')
    reports.push(told)
  }
  return reports
}

function candidates(plan: Plan, report: Report | null, options: RestartOptions): readonly Candidate[] {
  return plan.qubes.flatMap((planned) => {
    const done = report?.qubes.find((qube) => qube.qube === planned.qube)
    // A qube whose apply went wrong is left running: what it would start with is not what was wanted.
    if (needsApply(planned) && done?.status !== 'applied') return []
    const waiting = done?.waiting ?? planned.waiting
    if (waiting.length === 0 || !planned.running) return []
    return [{ qube: planned.qube, waiting, policy: options.restart ?? planned.restart ?? 'never' }]
  })
}

async function agreed(
  candidate: Candidate,
  options: RestartOptions & GlobalOptions,
  io: Io,
): Promise<boolean> {
  if (!io.inIsTerminal || options.json === true) {
    if (options.restart !== 'ask') return false
    throw new UserError(
      EXIT.usage,
      'nobody-to-ask',
      'nobody is here to be asked about a restart',
      'use --restart now or --restart never',
    )
  }
  const what = candidate.waiting.map(showPath).join(', ')
  const answer = await io.ask(
    `\nRestart ${candidate.qube}, so that ${what} ${candidate.waiting.length === 1 ? 'counts' : 'count'}? [y/N] `,
  )
  return answer !== null && /^y(?:es)?$/i.test(answer.trim())
}

export function restartLines(reports: readonly RestartReport[], style: Style): string {
  return reports
    .map(({ qube, status, error }) => {
      const sign = status === 'restarted' ? style.green('✓') : style.red('✗')
      const lines = [`${sign} ${style.bold(qube)}  ${status}`]
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
