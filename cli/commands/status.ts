import { openManaged, type PlanOptions, planSpec, tablesOf } from '../../app/host/index.ts'
import { agentState, findSpec, isNoSpec, type SpecOptions } from '../../app/source/index.ts'
import { needsApply, type Plan, planIsBlocked, planIsEmpty, type QubePlan } from '../../reconciler/index.ts'
import { EXIT, QstateError } from '../../spec/diagnostics/index.ts'
import { type RestartPolicy } from '../../spec/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { agentView } from '../views/agent.ts'
import { restartText } from '../views/plan.ts'
import { fold, makeStyle, padTo, plural, type Style, widthOf } from '../views/style.ts'
import { showPath } from '../views/value.ts'

/**
 * What the agent of this host knows, where there is one; then a line for each qube: as wanted or not, drifted, blocked, waiting
 * for a restart. Writes nothing.
 */
export async function status(
  paths: readonly string[],
  options: GlobalOptions & PlanOptions & SpecOptions,
  io: Io,
): Promise<number> {
  const agent = await agentState(options, io)
  const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
  // Before the host is asked: where it does not answer, that is what there is to say.
  if (agent !== null && options.json !== true) io.out(`${agentView(agent, style)}\n`)
  const known = agent === null ? {} : { agent: { ...agent.memory, running: agent.running?.pid ?? null } }
  const print = (told: object): void => {
    io.out(`${JSON.stringify({ ...told, ...known }, null, 2)}\n`)
  }
  try {
    const spec = await findSpec(paths, options, io, () => Promise.resolve(agent))
    const session = await openManaged(options, io, tablesOf(spec))
    const plan = await planSpec(spec, session, { ...options, explain: false }, io)
    const rows = plan.qubes.map(summaryOf)
    if (options.json === true) print({ spec: plan.spec, host: plan.host, qubes: rows })
    else io.out(table(rows, plan, planOf(paths, options), style))
    return planIsBlocked(plan) ? EXIT.error : EXIT.done
  } catch (error) {
    if (agent === null) throw error
    if (isNoSpec(error)) {
      if (options.json === true) print({})
      return EXIT.error
    }
    if (options.json !== true || !(error instanceof QstateError)) throw error
    const { code, message, hint } = error
    print({ error: { code, message, hint } })
    return EXIT.error
  }
}

interface Summary {
  readonly qube: string
  readonly running: boolean
  readonly state:
    | 'as wanted'
    | 'to be changed'
    | 'to be created'
    | 'to be removed'
    | 'to be taken over'
    | 'drifted'
    | 'held'
    | 'blocked'
  readonly changes: number
  readonly drift: readonly string[]
  readonly blocked: readonly string[]
  /** Settings that count after the next start. */
  readonly waiting: readonly string[]
  /** Settings that are made once the qube is found halted. */
  readonly held: readonly string[]
  /** When the spec lets the qube be restarted for what waits. */
  readonly restart: RestartPolicy
}

function summaryOf(qube: QubePlan): Summary {
  const drift = qube.changes.filter((change) => change.reason === 'drift').map((change) => change.path)
  const blocked = qube.blocked.map((entry) => entry.path ?? entry.why)
  return {
    qube: qube.qube,
    running: qube.running,
    state: stateOf(qube, drift.length, blocked.length),
    changes: qube.changes.length,
    drift,
    blocked,
    waiting: qube.waiting,
    held: (qube.held ?? []).map((entry) => entry.path ?? entry.why),
    restart: qube.restart ?? 'never',
  }
}

function stateOf(qube: QubePlan, drift: number, blocked: number): Summary['state'] {
  if (blocked > 0) return 'blocked'
  if (qube.remove !== undefined) return 'to be removed'
  if (qube.create !== undefined) return 'to be created'
  if (drift > 0) return 'drifted'
  if (!needsApply(qube)) return qube.held === undefined ? 'as wanted' : 'held'
  return qube.changes.length === 0 ? 'to be taken over' : 'to be changed'
}

/** The same spec, planned. */
const planOf = (paths: readonly string[], { config = [], fromGit }: SpecOptions): string =>
  [
    ...['qstate', 'plan', ...(fromGit === undefined ? [] : ['--from-git', fromGit])],
    ...(paths.length > 0 ? paths : config),
  ].join(' ')

function table(rows: readonly Summary[], plan: Plan, planned: string, style: Style): string {
  const width = Math.max(4, ...rows.map((row) => row.qube.length))
  const lines = rows.map((row) => {
    const color =
      row.state === 'as wanted'
        ? style.green
        : row.state.startsWith('to be') || row.state === 'held'
          ? style.yellow
          : style.red
    const more = [
      row.changes > 0 ? plural(row.changes, 'change') : '',
      row.drift.length > 0 ? `drift in ${row.drift.map(showPath).join(', ')}` : '',
      row.blocked.length > 0 ? row.blocked.join(', ') : '',
      row.waiting.length > 0
        ? style.yellow(
            `waits for its next start${restartText(row.restart)}: ${row.waiting.map(showPath).join(', ')}`,
          )
        : '',
      row.held.length > 0
        ? style.yellow(`held until it is found halted: ${row.held.map(showPath).join(', ')}`)
        : '',
    ].filter((text) => text !== '')
    const head = `${padTo(style.bold(row.qube), width)}  ${padTo(row.running ? 'running' : 'halted', 7)}  ${padTo(color(row.state), 16)}`
    const whole = `${head}  ${more.join('; ')}`.trimEnd()
    if (widthOf(whole) <= style.width) return whole
    return [head.trimEnd(), ...more.map((text) => fold(text, style.width, '    '))].join('\n')
  })
  const settled =
    planIsEmpty(plan) && !planIsBlocked(plan) && rows.every((row) => row.held.length === 0)
      ? style.green('All as wanted.')
      : fold(`See \`${planned}\` for what is to be done.`, style.width, '')
  return `${[...lines, '', settled].join('\n')}\n`
}
