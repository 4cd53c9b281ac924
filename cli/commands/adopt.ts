import { connect } from '../../app/host/index.ts'
import { planSpec } from '../../app/plan/index.ts'
import { loadSpec, tablesOf } from '../../app/source/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { specLocation, targetOf } from '../options.ts'
import { type ApplyFlags } from './apply.ts'
import { planOptions } from './plan-flags.ts'
import { runCommand } from './run.ts'

/** Takes ownership of settings that already match. No value changes; what differs is left for an apply. */
export async function adopt(paths: readonly string[], options: ApplyFlags, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const spec = await loadSpec(specLocation(paths, options, io), context)
  const settings = { ...planOptions(options), mode: 'adopt' } as const
  return runCommand(
    connect(targetOf(options, io), context, tablesOf(spec)),
    (host) => planSpec(spec, host, settings, context),
    { kind: 'adopt' },
    options,
    io,
    context,
  )
}
