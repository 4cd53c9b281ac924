import { warnUnconfirmed } from '../../app/apply/index.ts'
import { connect, listManaged } from '../../app/host/index.ts'
import { findUnattached, statusOf } from '../../app/inspect/index.ts'
import { planSpec } from '../../app/plan/index.ts'
import { agentState, findSpec, isNoSpec, tablesOf } from '../../app/source/index.ts'
import { planIsBlocked } from '../../reconciler/index.ts'
import { EXIT, exitCodeOf, QstateError } from '../../spec/diagnostics/index.ts'
import { commandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { specLocation, type SpecOptions, targetOf, outStyle } from '../options.ts'
import { agentJson, agentView } from '../views/agent.ts'
import { errorJson } from '../views/error.ts'
import { statusView } from '../views/status.ts'
import { planOptions, type PlanFlags } from './plan-flags.ts'
import { jsonText } from '../json.ts'

/**
 * What the agent of this host knows, where there is one; then a line for each qube: whether it matches the spec, has drifted, is
 * blocked, or waits for a restart. Writes nothing.
 */
export async function status(
  paths: readonly string[],
  options: SpecOptions & PlanFlags,
  io: Io,
): Promise<number> {
  const context = await commandContext(options, io)
  const target = targetOf(options, io)
  const connection = connect(target, context)
  await warnUnconfirmed(connection.stateFolder, context)
  const agent = await agentState(connection, context)
  const style = outStyle(options, io)
  // Before the host is asked: where it does not answer, that is what there is to say.
  if (agent !== null && options.json !== true) io.out(`${agentView(agent, style)}\n`)
  const known = agent === null ? {} : { agent: agentJson(agent) }
  const print = (told: object): void => {
    io.out(jsonText(withAdvice({ ...told, ...known }, context)))
  }
  try {
    const spec = await findSpec(specLocation(paths, options, io), context, () => Promise.resolve(agent))
    const host = await listManaged(connect(target, context, tablesOf(spec)))
    const plan = await planSpec(spec, host, { ...planOptions(options), explain: 'no' }, context)
    // From a management qube it takes policy lines that no plan needs.
    const isRead = options.explain === true || !host.host.hasPolicy
    const rows = statusOf(plan, isRead ? await findUnattached(plan, host) : [])
    if (options.json === true) print({ spec: plan.spec, host: plan.host, qubes: rows })
    else io.out(statusView(rows, plan, planCommand(paths, options), style))
    return planIsBlocked(plan) ? EXIT.error : EXIT.done
  } catch (error) {
    if (agent === null) throw error
    if (isNoSpec(error)) {
      if (options.json === true) print({})
      return EXIT.error
    }
    if (options.json !== true || !(error instanceof QstateError)) throw error
    const { problem, diagnostics } = error
    print(errorJson(problem, diagnostics))
    return exitCodeOf(problem.code)
  }
}

/** The same spec, planned. */
const planCommand = (paths: readonly string[], { config = [], fromGit }: SpecOptions): string =>
  [
    ...['qstate', 'plan', ...(fromGit === undefined ? [] : ['--from-git', fromGit])],
    ...(paths.length > 0 ? paths : config),
  ].join(' ')
