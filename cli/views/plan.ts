import { powerOf } from '../../app/inspect/index.ts'
import {
  type Change,
  type ConsentRequest,
  driftLeft,
  needsApply,
  type Plan,
  type QubePlan,
} from '../../reconciler/index.ts'
import { escapeForTerminal } from '../../spec/diagnostics/index.ts'
import { AREAS, type Value } from '../../spec/index.ts'
import { leftLines } from './drift-left.ts'
import { planSummary } from './plan-summary.ts'
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
  parts.push(planSummary(plan, style, nothing))
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
