import { providers } from '../../providers/index.ts'
import { makeReleasePlan, type Plan } from '../../reconciler/index.ts'
import { type Context } from '../context.ts'
import { type ManagedHost, findQube } from '../host/index.ts'

/** A plan that gives up what qstate owns on some qubes. No value changes. */
export function planRelease(
  names: readonly string[],
  connected: ManagedHost,
  { now }: Context,
): Promise<Plan> {
  const { host, version } = connected
  const qubes = names.map((name) => findQube(name, connected))
  return makeReleasePlan(qubes, { host, providers, version, now: now().toISOString() })
}
