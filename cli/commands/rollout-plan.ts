import { type AskOptions, planRollout } from '../../app/fleet/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { readHostsFile } from '../../app/agent/index.ts'
import { type ControllerFlags, hostsFileOf, openFleet } from '../fleet-options.ts'
import { type Io } from '../io.ts'
import { outStyle, secondsAsMs } from '../options.ts'
import { rolloutPlanView } from '../views/rollout-plan.ts'
import { plural } from '../views/style.ts'
import { signalExit } from './run.ts'
import { jsonText } from '../json.ts'

export interface RolloutPlanFlags extends ControllerFlags {
  readonly wait: string
}

/** How long agents are waited for, and that they are. */
export function askOptions(
  { wait }: { readonly wait: string },
  io: Io,
): Pick<AskOptions, 'waitMs' | 'onAsk'> {
  const waitMs = secondsAsMs(wait, '--wait', 1)
  return {
    waitMs,
    onAsk: (agents) => {
      if (agents === 0) return
      io.err(`Waiting for ${plural(agents, 'agent')} to answer, for ${waitMs / 1000} seconds at most …\n`)
    },
  }
}

/** Shows what a rollout would change on every host, the same changes together. Touches none. */
export async function rolloutPlan(
  name: string | undefined,
  options: RolloutPlanFlags,
  io: Io,
): Promise<number> {
  const { file, context } = await openFleet(options, io)
  const policies = readHostsFile(hostsFileOf(options, io), context)
  const plan = await planRollout(name ?? null, file, { policies, ...askOptions(options, io) }, context)
  if (io.signal.aborted) return signalExit(io)
  if (options.json === true) io.out(jsonText(plan))
  else io.out(rolloutPlanView(plan, outStyle(options, io)))
  return plan.groups.some(({ kind }) => kind === 'trouble') ? EXIT.error : EXIT.done
}
