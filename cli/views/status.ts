import { isDrift, type QubeStatus } from '../../app/inspect/index.ts'
import { type Blocked, type Plan, planIsBlocked, planIsEmpty } from '../../reconciler/index.ts'
import { escapeForTerminal, type Problem } from '../../spec/diagnostics/index.ts'
import { restartText } from './plan-summary.ts'
import { fold, padTo, plural, type Style, widthOf } from './style.ts'
import { differenceText, showPath, showProblem } from './value.ts'

/** A line for each qube, and what to run to see more. */
export function statusView(rows: readonly QubeStatus[], plan: Plan, planned: string, style: Style): string {
  const width = Math.max(4, ...rows.map((row) => row.qube.length))
  const powerWidth = Math.max(7, ...rows.map((row) => row.power.length))
  const lines = rows.map((row) => {
    const color =
      row.state === 'as wanted'
        ? style.green
        : row.state.startsWith('to be') || row.state === 'held' || row.state === 'differs'
          ? style.yellow
          : style.red
    const more = [
      row.changes > 0 ? plural(row.changes, 'change') : '',
      row.drift.length > 0 ? `drift in ${row.drift.map(showPath).join(', ')}` : '',
      row.blocked.length > 0 ? row.blocked.map(blockedText).join(', ') : '',
      row.differs.length > 0 ? style.yellow(row.differs.map(differenceText).join('; ')) : '',
      row.waiting.length > 0
        ? style.yellow(
            `waits for its next start${restartText(row.restart)}: ${row.waiting.map(showPath).join(', ')}`,
          )
        : '',
      row.held.length > 0
        ? style.yellow(`held until it is found halted: ${row.held.map(heldText).join(', ')}`)
        : '',
      ...row.devices.map(({ path, problem }) => style.yellow(deviceText(path, problem))),
      ...row.hindered.map((problem) => style.yellow(`${showProblem(problem)}: ${problem.hint}`)),
    ].filter((text) => text !== '')
    const head = `${padTo(style.bold(row.qube), width)}  ${padTo(escapeForTerminal(row.power), powerWidth)}  ${padTo(color(row.state), 16)}`
    const whole = `${head}  ${more.join('; ')}`.trimEnd()
    if (widthOf(whole) <= style.width) return whole
    return [head.trimEnd(), ...more.map((text) => fold(text, style.width, '    '))].join('\n')
  })
  const settled =
    planIsEmpty(plan) &&
    !planIsBlocked(plan) &&
    rows.every(
      ({ held, drift, hindered, differs, devices }) =>
        held.length + drift.length + hindered.length + differs.length === 0 && !devices.some(isDrift),
    )
      ? style.green('All as wanted.')
      : fold(`See \`${planned}\` for what is to be done.`, style.width, '')
  return `${[...lines, '', settled].join('\n')}\n`
}

const blockedText = ({ path, problem }: Blocked): string => path ?? showProblem(problem)

const deviceText = (path: string, problem: Problem): string =>
  `${showPath(path)} ${escapeForTerminal(problem.message)}${problem.hint === '' ? '' : `: ${problem.hint}`}`

const heldText = ({ path, problem }: Blocked): string =>
  path === null ? showProblem(problem) : showPath(path)
