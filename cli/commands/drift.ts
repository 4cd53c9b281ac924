import { connect, listManaged } from '../../app/host/index.ts'
import { blockedIn, driftIn } from '../../app/inspect/index.ts'
import { planSpec } from '../../app/plan/index.ts'
import { agentState, findSpec, tablesOf } from '../../app/source/index.ts'
import { planIsBlocked } from '../../reconciler/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { commandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { specLocation, type SpecOptions, targetOf, outStyle } from '../options.ts'
import { driftView } from '../views/drift.ts'
import { planOptions, type PlanFlags } from './plan-flags.ts'
import { jsonText } from '../json.ts'

/** What changed on the host since qstate last set it. Writes nothing. */
export async function drift(
  paths: readonly string[],
  options: SpecOptions & PlanFlags,
  io: Io,
): Promise<number> {
  const context = await commandContext(options, io)
  const target = targetOf(options, io)
  const findAgent = (): ReturnType<typeof agentState> => agentState(connect(target, context), context)
  const spec = await findSpec(specLocation(paths, options, io), context, findAgent)
  const host = await listManaged(connect(target, context, tablesOf(spec)))
  const plan = await planSpec(spec, host, { ...planOptions(options), explain: 'no' }, context)
  const memory = options.json === true ? ((await findAgent())?.memory ?? null) : null
  const found = driftIn(plan, memory)
  if (options.json === true) {
    const told = { spec: plan.spec, host: plan.host, drift: found, blocked: blockedIn(plan) }
    io.out(jsonText(withAdvice(told, context)))
  } else io.out(driftView(plan, outStyle(options, io)))
  // What could not be looked at may have drifted: that there is none is only said where all was seen.
  if (found.length > 0) return EXIT.changes
  return planIsBlocked(plan) ? EXIT.error : EXIT.done
}
