import { restartedNow } from '../../app/apply/index.ts'
import {
  countWrites,
  driftLeft,
  needsApply,
  type Plan,
  planIsEmpty,
  removedOrphans,
} from '../../reconciler/index.ts'
import { type RestartPolicy } from '../../spec/index.ts'
import { leftSummary } from './drift-left.ts'
import { harmLines } from './harm.ts'
import { fold, plural, type Style } from './style.ts'

/** What the whole plan comes down to, in the last lines. */
export function planSummary(plan: Plan, style: Style, none?: string): string {
  const changes = plan.qubes.flatMap((qube) => qube.changes)
  const blocked = plan.qubes.reduce((sum, qube) => sum + qube.blocked.length, 0)
  const held = plan.qubes.filter((qube) => qube.held !== undefined)
  const settled = plan.qubes.filter(
    (qube) =>
      !needsApply(qube) &&
      qube.blocked.length === 0 &&
      qube.held === undefined &&
      qube.differs === undefined &&
      driftLeft(qube).length === 0,
  ).length
  const restarted = restartedNow(plan)
  const lines: string[] = []
  if (planIsEmpty(plan)) {
    const all = plural(plan.qubes.length, 'qube')
    const settledText = none ?? style.green(`Nothing to do: ${all} as wanted.`)
    const isLeft = plan.qubes.some((qube) => qube.differs !== undefined || driftLeft(qube).length > 0)
    const nothing = held.length > 0 ? 'Nothing to do now.' : isLeft ? 'Nothing to do.' : settledText
    lines.push(blocked === 0 ? nothing : 'Nothing that can be done.')
  } else {
    const qubes = plan.qubes.filter(needsApply).length
    const reasons = (['new', 'changed', 'drift', 'withdrawn', 'rollback'] as const)
      .map((reason) => [reason, changes.filter((change) => change.reason === reason).length] as const)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${count} ${reason}`)
      .join(', ')
    const removed = plan.qubes.filter(({ remove }) => remove !== undefined).length
    const created = plan.qubes.filter(({ create }) => create !== undefined).length
    const orphans = removedOrphans(plan).length
    const grown = plan.qubes.flatMap(({ create, volumes = [] }) =>
      create === undefined ? volumes : [],
    ).length
    const what = [
      ...(removed === 0 ? [] : [style.red(`${plural(removed, 'qube')} TO REMOVE`)]),
      ...(created === 0 ? [] : [`${plural(created, 'qube')} to create`]),
      ...(changes.length > 0
        ? [`${plural(changes.length, 'change')} (${reasons})`]
        : created + removed + orphans + grown === 0
          ? ['no value to change, ownership to record']
          : []),
      ...(grown === 0 ? [] : [`${plural(grown, 'volume')} to grow`]),
      ...(orphans === 0 ? [] : [`${plural(orphans, 'SLIC template')} of qubes that are gone to remove`]),
    ].join(', ')
    const rest = settled === 0 ? '' : `; ${plural(settled, 'qube')} as wanted`
    const sum = `${style.bold('Plan:')} ${what}${qubes === 0 ? '' : ` in ${plural(qubes, 'qube')}`}, ${plural(countWrites(plan), 'write')}${rest}.`
    lines.push(fold(sum, style.width, ''))
    const waiting = plan.qubes.filter(
      (q) =>
        q.running &&
        q.changes.some((change) => change.effect === 'next-start') &&
        !restarted.includes(q.qube),
    )
    if (waiting.length > 0) {
      const names = waiting.map((q) => `${q.qube}${restartText(q.restart)}`).join(', ')
      lines.push(fold(`Running now, and to be restarted before all of it counts: ${names}.`, style.width, ''))
    }
  }
  const late = plan.qubes.filter(
    (qube) => qube.waiting.length > 0 && !needsApply(qube) && !restarted.includes(qube.qube),
  )
  if (late.length > 0) {
    const names = late.map((q) => `${q.qube}${restartText(q.restart)}`).join(', ')
    lines.push(fold(`To be restarted before all of it counts: ${names}.`, style.width, ''))
  }
  if (restarted.length > 0) {
    const when = planIsEmpty(plan) ? '' : ', once its values are set'
    const text = `To be restarted by the apply${when}: ${restarted.join(', ')}.`
    lines.push(style.yellow(fold(text, style.width, '')))
  }
  for (const one of plan.restarts ?? []) lines.push(...harmLines(one, style))
  if (held.length > 0) {
    const names = held.map((qube) => qube.qube).join(', ')
    lines.push(fold(`Held until it is found halted: ${names}.`, style.width, ''))
  }
  lines.push(...leftSummary(plan, style))
  if (blocked > 0)
    lines.push(
      style.red(fold(`${plural(blocked, 'thing')} cannot be planned, marked with ! above.`, style.width, '')),
    )
  return lines.join('\n')
}

/** When the spec lets a qube that waits be restarted, in brackets; nothing where it does not. */
export function restartText(policy: RestartPolicy | undefined): string {
  switch (policy) {
    case undefined:
    case 'never':
      return ''
    case 'ask':
      return ' (apply asks)'
    case 'idle-halted':
      return ' (once it has been shut down)'
    case 'now':
      return ' (by apply)'
    default:
      return ` (by apply, ${policy.window})`
  }
}
