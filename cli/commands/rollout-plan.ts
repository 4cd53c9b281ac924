import { planRollout } from '../../app/fleet/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { type FleetFlags, openFleet } from '../fleet-options.ts'
import { type Io } from '../io.ts'
import { outStyle, secondsAsMs } from '../options.ts'
import { rolloutPlanView } from '../views/rollout-plan.ts'
import { plural } from '../views/style.ts'
import { signalExit } from './run.ts'
import { jsonText } from '../json.ts'

export interface RolloutPlanFlags extends FleetFlags {
  readonly wait: string
}

/** Shows what a rollout would change on every host, the same changes together. Touches none. */
export async function rolloutPlan(
  name: string | undefined,
  options: RolloutPlanFlags,
  io: Io,
): Promise<number> {
  const { file, context } = await openFleet(options, io)
  const waitMs = secondsAsMs(options.wait, '--wait', 1)
  const onAsk = (agents: number): void => {
    io.err(`Waiting for ${plural(agents, 'agent')} to answer, for ${waitMs / 1000} seconds at most …\n`)
  }
  const plan = await planRollout(name ?? null, file, { waitMs, onAsk }, context)
  if (io.signal.aborted) return signalExit(io)
  if (options.json === true) io.out(jsonText(plan))
  else io.out(rolloutPlanView(plan, outStyle(options, io)))
  return plan.groups.some(({ kind }) => kind === 'trouble') ? EXIT.error : EXIT.done
}
