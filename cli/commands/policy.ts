import { connectHost } from '../../app/host/index.ts'
import { policyFor } from '../../app/policy/index.ts'
import { loadSpec } from '../../app/source/index.ts'
import { type ManagedVersion } from '../../reconciler/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { QUBE_NAME } from '../../spec/index.ts'
import { commandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { specLocation, type SpecOptions, targetOf } from '../options.ts'
import { policyText } from '../views/policy.ts'
import { jsonText } from '../json.ts'

export interface PolicyFlags extends SpecOptions {
  readonly qube: string
  readonly for?: ManagedVersion
  readonly restart?: boolean
  readonly live?: boolean
  readonly explain?: boolean
  readonly agent?: boolean
  readonly confirm?: boolean
}

/** Prints the qrexec policy that a management qube needs for a spec. */
export async function policy(paths: readonly string[], options: PolicyFlags, io: Io): Promise<number> {
  if (!QUBE_NAME.test(options.qube)) {
    const hint = 'name the qube that qstate runs in, as qvm-ls lists it'
    const message = `--qube takes the name of a qube, not “${options.qube}”`
    throw new QstateError(problem('bad-option', message, hint))
  }
  const context = await commandContext(options, io)
  const { qube, restart = false, live = false, explain = false, agent = false, confirm = false } = options
  const made = await policyFor(
    await loadSpec(specLocation(paths, options, io), context),
    { qube, version: options.for ?? null, extras: { restart, live, explain, agent, confirm } },
    () => connectHost(targetOf(options, io), context),
  )
  io.out(options.json === true ? jsonText(withAdvice(made, context)) : policyText(made))
  return EXIT.done
}
