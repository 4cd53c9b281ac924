import { restartedNow } from '../../app/apply/index.ts'
import { powerOf } from '../../app/inspect/index.ts'
import {
  type Change,
  type ConsentRequest,
  countWrites,
  driftLeft,
  needsApply,
  type Plan,
  planIsEmpty,
  type QubePlan,
  removedOrphans,
} from '../../reconciler/index.ts'
import { escapeForTerminal } from '../../spec/diagnostics/index.ts'
import { AREAS, type RestartPolicy, type Value } from '../../spec/index.ts'
import { leftLines, leftSummary } from './drift-left.ts'
import { harmLines } from './harm.ts'
import { fold, padTo, plural, type Style, widthOf } from './style.ts'
import {
  belowArea,
  differenceText,
  showCommits,
  showPath,
  showProblem,
  showSize,
  showValue,
} from './value.ts'
import { VERSIONS } from '../../app/host/index.ts'

/**
 * A plan for people: what changes where, why, and when it counts; then one line that sums it up. `nothing`: what an empty plan
 * comes to, where that is not that all is as wanted.
 */
export function planView(plan: Plan, style: Style, nothing?: string): string {
  const parts = [header(plan, style)]
  const busy = plan.qubes.filter((qube) => needsApply(qube) || qube.blocked.length > 0 || worthTelling(qube))
  for (const qube of busy) parts.push(qubeView(qube, style))
  for (const orphan of plan.orphans ?? []) parts.push(style.yellow(orphanText(orphan, style)))
  if (plan.orphansUnknown !== undefined) {
    const { message, hint } = plan.orphansUnknown
    const text = `· whether SLIC templates of qubes that are gone are left in dom0 is not known: ${message}`
    parts.push(style.dim(`${fold(text, style.width, '')}\n${fold(hint, style.width, '  ')}`))
  }
  for (const { what, problem } of plan.untold ?? []) {
    const text = `· ${what} is not told: ${problem.message}`
    const hint = '`qstate policy --explain` prints the policy lines for it; nothing is blocked by it'
    parts.push(style.dim(`${fold(text, style.width, '')}\n${fold(hint, style.width, '  ')}`))
  }
  parts.push(summary(plan, style, nothing))
  if (plan.consent !== undefined) parts.push(style.red(fold(consentText(plan.consent), style.width, '')))
  return `${parts.join('\n\n')}\n`
}

/** The last line, since a line of the spec may have been lost by mistake. */
function consentText({ qubes, withdrawals }: ConsentRequest): string {
  const names = qubes.map(({ qube, isWhole }) => (isWhole ? `${qube} (all that qstate owns there)` : qube))
  const flag = qubes.length > 3 ? `=${withdrawals.length}` : qubes.map(({ qube }) => qube).join(',')
  return `Consent needed: ${plural(withdrawals.length, 'value')} of ${names.join(', ')} will be withdrawn, since the spec no longer names them. \`qstate apply\` asks for it; without a terminal, add --allow-withdraw ${flag}.`
}

const WHEN: Readonly<Record<Change['effect'], string>> = {
  now: ', at once',
  'next-start': ', at its next start',
  'set-back': ', before it ever counted',
}

/** Longer names, of devices mostly, get a line of their own. */
const WIDEST_NAME = 28

/** The file is keyed by the qube's name, and nothing carries it along when the qube is renamed or removed. */
const orphanText = ({ qube, path, removes }: NonNullable<Plan['orphans']>[number], style: Style): string => {
  const file = escapeForTerminal(path)
  const text =
    removes === undefined
      ? `${qube} is not there any more, and its SLIC template is: remove ${file}, and /var/lib/qstate/acpi/${qube}.bin if there is one`
      : `${qube} does not exist any more, and its SLIC template will be removed: ${file}`
  return fold(text, style.width, '')
}

/** Which host, which commit. */
export function header(plan: Plan, style: Style): string {
  const { label, endOfLife } = VERSIONS[plan.host.release]
  const version = endOfLife === null ? `${label} or later` : label
  const commits = showCommits(plan.spec)
  const commit = commits === '' ? '' : ` · commit ${commits}`
  const name = plan.spec.name === null ? '' : `${plan.spec.name} · `
  return style.dim(`${name}${plan.host.where} · ${version}${commit}`)
}

const worthTelling = (qube: QubePlan): boolean =>
  qube.differs !== undefined ||
  qube.notes.length > 0 ||
  qube.hindered !== undefined ||
  qube.waiting.length > 0 ||
  qube.held !== undefined ||
  driftLeft(qube).length > 0

/** The line that a qube begins with. */
export function qubeLine(qube: QubePlan, style: Style): string {
  const kind = qube.klass === '' ? '' : style.dim(` ${qube.klass}, ${escapeForTerminal(powerOf(qube))}`)
  if (qube.create !== undefined) return creationLine(qube, style)
  return qube.remove !== undefined
    ? `${style.bold(qube.qube)} ${style.red('WILL BE REMOVED, with all its data')}:${kind}`
    : `${style.bold(qube.qube)}${kind}`
}

function qubeView(qube: QubePlan, style: Style): string {
  const lines = [qubeLine(qube, style)]
  if (qube.remove !== undefined)
    lines.push(style.dim(`  an apply removes it only with --allow-remove ${qube.qube}`))
  if (qube.create === undefined) {
    for (const { name, size } of qube.volumes ?? [])
      lines.push(
        style.yellow(
          `  the ${name} volume will be grown to ${showSize(size)}, for good: no volume is made smaller`,
        ),
      )
  }
  lines.push(...changesOf(qube, style), ...leftLines(qube, style), ...blockedLines(qube, style))
  const isRestarted = qube.restart === 'now'
  for (const held of qube.held ?? []) {
    const what = held.path === null ? '' : `${showPath(held.path)} `
    const to = held.path === null || held.after === undefined ? '' : `→ ${showValue(held.path, held.after)} `
    const text = `· ${what}${to}is held until the qube is ${isRestarted ? 'shut down by the restart' : 'found halted'}: ${showProblem(held.problem)}`
    lines.push(style.yellow(fold(text, style.width, '  ')))
  }
  for (const difference of qube.differs ?? [])
    lines.push(style.yellow(fold(`· ${differenceText(difference)}`, style.width, '  ')))
  if (qube.waiting.length > 0) {
    const text = `· set already, and waiting for its next start: ${qube.waiting.map(showPath).join(', ')}`
    lines.push(style.yellow(fold(text, style.width, '  ')))
  }
  for (const problem of qube.hindered ?? []) {
    lines.push(
      style.yellow(fold(`· ${showProblem(problem)}`, style.width, '  ')),
      style.dim(fold(problem.hint, style.width, '    ')),
    )
  }
  lines.push(...noteLines(qube, style))
  return lines.join('\n')
}

/** A qube's changes, area by area. */
export function changesOf(qube: QubePlan, style: Style): string[] {
  const lines: string[] = []
  const names = qube.changes.map((change) => belowArea(change.path))
  const nameWidth = Math.max(
    12,
    ...names.map((name) => name.length).filter((length) => length <= WIDEST_NAME),
  )
  for (const area of AREAS) {
    const changes = qube.changes.filter((change) => change.path.startsWith(`${area}/`))
    if (changes.length === 0) continue
    lines.push(`  ${area}`)
    for (const change of changes) lines.push(...changeLines(change, qube, nameWidth, style))
  }
  return lines
}

/** What of a qube cannot be planned, and what would help. */
export function blockedLines(qube: QubePlan, style: Style): string[] {
  return qube.blocked.flatMap(({ path, problem }) => [
    style.red(
      fold(`! ${path === null ? '' : `${showPath(path)}: `}${showProblem(problem)}`, style.width, '  '),
    ),
    style.dim(fold(problem.hint, style.width, '    ')),
  ])
}

function creationLine({ qube, create, volumes }: QubePlan, style: Style): string {
  const template = create?.template ?? null
  const parts = [
    `${create?.klass ?? ''}${template === null ? '' : ` of ${template}`}`,
    create?.label ?? '',
    ...(volumes ?? []).map(({ name, size }) => `${name} ${showSize(size)}`),
  ]
  return `${style.bold(qube)} ${style.green('will be created')}: ${parts.join(', ')}`
}

function changeLines(change: Change, qube: QubePlan, nameWidth: number, style: Style): string[] {
  const { path, before, after, reason } = change
  const sign = before === null ? style.green('+') : after === null ? style.red('-') : style.yellow('~')
  const name = belowArea(path)
  const from = change.inherited === undefined ? '' : ` (${inheritedText(change, change.inherited)})`
  const whence = reason === 'withdrawn' ? ', as before qstate' : ''
  const values =
    after === null
      ? `${showValue(path, before)} → ${style.bold(`${showValue(path, after)}${from}`)}${whence}`
      : `${showValue(path, before)}${from} → ${style.bold(showValue(path, after))}${whence}`
  const when = qube.running ? WHEN[change.effect] : ''
  const why = style.dim(`${reason}${when}`)
  const start = `    ${sign} ${padTo(name, nameWidth)}  `
  const line = `${start}${padTo(values, 34)}  ${why}`
  const lines =
    widthOf(line) <= style.width && name.length <= WIDEST_NAME
      ? [line]
      : widthOf(start) + widthOf(values) <= style.width && name.length <= WIDEST_NAME
        ? [`${start}${values}`, `        ${why}`]
        : [`    ${sign} ${name}`, ...sideBySide(`        ${values}`, why, style)]
  return [
    ...lines,
    ...change.remarks.map((remark) => style.yellow(fold(remark, style.width, '        '))),
    ...diffLines(change.diff ?? [], '        ', style),
  ]
}

/** The default of a property, or what the template gives for a feature. */
function inheritedText({ path }: Change, inherited: Value): string {
  const isFeature = showValue(path, null) === 'inherited'
  return `${showValue(path, inherited)}${isFeature ? ' from its template' : ''}`
}

/** Lines of a difference are never folded: they are text of a file. */
export const diffLines = (diff: readonly string[], indent: string, style: Style): string[] =>
  diff.map((line) => {
    const paint = line.startsWith('-') ? style.red : line.startsWith('+') ? style.green : style.dim
    return indent + paint(escapeForTerminal(line))
  })

/** Two texts on one line where they fit, else below each other. */
function sideBySide(left: string, right: string, style: Style): string[] {
  return widthOf(left) + widthOf(right) + 2 <= style.width
    ? [`${left}  ${right}`]
    : [left, `        ${right}`]
}

function noteLines(qube: QubePlan, style: Style): string[] {
  // What creates a qube is right as soon as it is there.
  const adopted = qube.create === undefined ? qube.notes.filter((note) => note.kind === 'adopted') : []
  const others = qube.notes.filter((note) => note.kind !== 'adopted')
  const lines = others.map((note) =>
    style.dim(
      fold(
        `· ${note.path === null ? '' : `${showPath(note.path)}: `}${escapeForTerminal(note.text)}`,
        style.width,
        '  ',
      ),
    ),
  )
  if (adopted.length > 0) {
    const text = `· ${plural(adopted.length, 'setting')} as wanted already: qstate takes ${adopted.length === 1 ? 'it' : 'them'} over`
    lines.push(style.dim(fold(text, style.width, '  ')))
  }
  return lines
}

function summary(plan: Plan, style: Style, none?: string): string {
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
    lines.push(
      `${style.bold('Plan:')} ${what}${qubes === 0 ? '' : ` in ${plural(qubes, 'qube')}`}, ${plural(countWrites(plan), 'write')}${rest}.`,
    )
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
    lines.push(style.red(`${plural(blocked, 'thing')} cannot be planned, marked with ! above.`))
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
