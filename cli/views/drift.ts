import { driftLeft, type Plan, type QubePlan } from '../../reconciler/index.ts'
import { leftLines } from './drift-left.ts'
import { blockedLines, changesOf, header, qubeLine } from './plan.ts'
import { fold, plural, type Style } from './style.ts'

/** Only what has drifted, as a plan shows it; what could not be looked at; and one line that sums it up. */
export function driftView(plan: Plan, style: Style): string {
  const drifted = plan.qubes.map((qube) => ({
    ...qube,
    changes: qube.changes.filter(({ reason }) => reason === 'drift'),
  }))
  const parts = drifted
    .filter((qube) => countOf(qube) > 0 || qube.blocked.length > 0)
    .map((qube) =>
      [
        qubeLine(qube, style),
        ...changesOf(qube, style),
        ...leftLines(qube, style),
        ...blockedLines(qube, style),
      ].join('\n'),
    )
  const count = drifted.reduce((sum, qube) => sum + countOf(qube), 0)
  const blocked = plan.qubes.reduce((sum, qube) => sum + qube.blocked.length, 0)
  const qubes = drifted.filter((qube) => countOf(qube) > 0).length
  const all = plural(plan.qubes.length, 'qube')
  const sum =
    count > 0
      ? style.yellow(
          `Drift: ${plural(count, 'setting')} in ${plural(qubes, 'qube')} of ${plan.qubes.length}.`,
        )
      : blocked > 0
        ? `No drift in what could be looked at, of ${all}.`
        : style.green(`No drift: ${all} as qstate left ${plan.qubes.length === 1 ? 'it' : 'them'}.`)
  const more =
    blocked === 0
      ? []
      : [style.red(`${plural(blocked, 'thing')} could not be looked at, marked with ! above.`)]
  const sums = [sum, ...more].map((line) => fold(line, style.width, '')).join('\n')
  return `${[header(plan, style), ...parts, sums].join('\n\n')}\n`
}

const countOf = (qube: QubePlan): number => qube.changes.length + driftLeft(qube).length
