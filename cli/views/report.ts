import { type Plan, type QubeReport, type Report } from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { RECORD_FEATURE } from '../../spec/index.ts'
import { fold, layRow, padTo, plural, type Style } from './style.ts'
import { showPath, showProblem, showValue } from './value.ts'

const SIGN: Readonly<Record<QubeReport['status'], string>> = {
  applied: '✓',
  unchanged: '·',
  blocked: '!',
  stale: '!',
  skipped: '-',
  failed: '✗',
}

/** What an apply did, qube by qube. Qubes that were as wanted are only counted. */
export function reportView(report: Report, style: Style): string {
  const told = report.qubes.filter((qube) => qube.status !== 'unchanged')
  const width = Math.max(0, ...told.map((qube) => qube.qube.length))
  const lines = told.flatMap((qube) => qubeLines(qube, report.plan, width, style))
  return `${[...lines, ...(lines.length > 0 ? [''] : []), ...summary(report, style)].join('\n')}\n`
}

/** One qube's line, as it comes out. */
export function qubeLines(qube: QubeReport, plan: Plan, width: number, style: Style): string[] {
  const left = plan.qubes.find((one) => one.qube === qube.qube)?.blocked ?? []
  const isWhole = qube.status === 'applied' && left.length === 0
  const color = isWhole ? style.green : qube.status === 'skipped' ? style.dim : style.red
  const sign = qube.status === 'applied' && !isWhole ? SIGN.blocked : SIGN[qube.status]
  const head = `${color(sign)} ${padTo(style.bold(qube.qube), width)}`
  const lines = [layRow([head, describe(qube, plan)], style.width, '    ')]
  const explain = (problem: Problem, before = ''): void => {
    const what = before + showProblem(problem)
    lines.push(
      style.red(fold(what, style.width, '    ')),
      style.dim(fold(problem.hint, style.width, '      ')),
    )
  }
  // What the plan said that cannot be done, and was not; of a single one the first line has told.
  if (qube.status !== 'blocked' || left.length > 1)
    for (const { path, problem } of left)
      explain(problem, path === null ? '' : `not done: ${showPath(path)}: `)
  if (qube.error !== null) explain(qube.error)
  for (const stale of qube.stale) {
    const { path, planned, found } = stale
    const text =
      path === RECORD_FEATURE
        ? 'another run has written to this qube'
        : `${showPath(path)} was ${showValue(path, planned)}, is ${showValue(path, found)}`
    lines.push(style.red(fold(text, style.width, '    ')))
  }
  for (const outcome of qube.outcomes) {
    if (outcome.error !== null) explain(outcome.error, `${showPath(outcome.path)}: `)
  }
  if (qube.waiting.length > 0) {
    const isNext = plan.restarts?.some((one) => one.qube === qube.qube && one.when === 'now') === true
    const when = isNext ? 'counts after its restart, which comes now' : 'waits for its next start'
    lines.push(style.yellow(fold(`${when}: ${qube.waiting.map(showPath).join(', ')}`, style.width, '    ')))
  }
  return lines
}

function describe(qube: QubeReport, plan: Plan): string {
  const done = qube.outcomes.filter((outcome) => outcome.status === 'applied').length
  const all = qube.outcomes.length
  const planned = plan.qubes.find((p) => p.qube === qube.qube)
  switch (qube.status) {
    case 'applied':
      if (planned?.remove !== undefined) return 'removed'
      if (planned?.create !== undefined) return all === 0 ? 'created' : `created, ${plural(done, 'change')}`
      if (all > 0) return plural(done, 'change')
      if ((planned?.volumes?.length ?? 0) > 0) return 'volumes grown'
      return planned?.record.after === null ? 'given up' : 'taken over'
    case 'stale':
      return 'changed since the plan: nothing written'
    case 'failed':
      if (all === 0) return 'failed'
      return `${wasStopped(qube) ? 'stopped' : 'failed'}: ${done} of ${plural(all, 'change')} done`
    case 'skipped':
      return 'not begun'
    case 'blocked':
      return planned?.blocked.length === 1
        ? (planned.blocked[0]?.problem.message ?? 'blocked')
        : `${plural(planned?.blocked.length ?? 0, 'setting')} not possible`
    case 'unchanged':
      return 'as wanted'
  }
}

/** Nothing went wrong with it: the run ended before the rest was begun. */
const wasStopped = (qube: QubeReport): boolean =>
  qube.error === null && qube.stale.length === 0 && qube.outcomes.every((outcome) => outcome.error === null)

function summary(report: Report, style: Style): string[] {
  const count = (status: QubeReport['status']): number =>
    report.qubes.filter((qube) => qube.status === status).length
  const writes = report.qubes.reduce((sum, qube) => sum + qube.writes, 0)
  const silent = report.qubes.reduce((sum, qube) => sum + qube.unanswered, 0)
  const unanswered = silent === 0 ? '' : `, and ${silent} without an answer, which may have been done`
  const blocked = report.plan.qubes.reduce((sum, qube) => sum + qube.blocked.length, 0)
  const amiss = count('failed') + count('stale') + count('skipped') + blocked
  const parts = [
    [count('applied'), 'applied'],
    [count('failed'), 'failed'],
    [count('stale'), 'changed since the plan'],
    [blocked, 'not possible, as planned'],
    [count('skipped'), 'not begun'],
    [count('unchanged'), 'as wanted'],
  ] as const
  const text = parts.filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}`)
  const head = amiss === 0 ? style.green('Done:') : style.red('Not all done:')
  const sum = `${head} ${text.join(', ')}; ${plural(writes, 'write')}${unanswered}.`
  const lines = [fold(sum, style.width, '')]
  if (report.interrupted !== null) lines.push(style.red(fold(report.interrupted.message, style.width, '')))
  if (count('stale') > 0) lines.push(style.dim('Plan again to see what it takes now.'))
  else if (amiss > 0) lines.push(style.dim('The next run goes on from what is there.'))
  return lines
}
