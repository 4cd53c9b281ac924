import { located, type Problem } from '../../spec/diagnostics/index.ts'
import { type Blocked } from '../plan/index.ts'
import {
  type Host,
  isRunning,
  providerOf,
  type Providers,
  type QubeFacts,
  QUBES_VERSIONS,
  type QubesVersion,
} from '../ports/index.ts'
import { type Difference } from './diff.ts'

/** Why a change cannot be made yet: the qube runs, and this version takes it from a halted one only. */
export async function untilHalted(
  { path, after, at }: Pick<Difference, 'path' | 'after' | 'at'>,
  facts: QubeFacts,
  { providers, host }: { readonly providers: Providers; readonly host: Host },
): Promise<Blocked | undefined> {
  const provider = providerOf(providers, path)
  const on = (version: QubesVersion): Problem | undefined =>
    provider.haltedOnly?.(path, after, { ...facts, version })
  // Which version it is exactly is asked only where it matters.
  if (!isRunning(facts.qube) || !QUBES_VERSIONS.some(on)) return undefined
  const need = provider.need(path)
  const property = need.kind === 'property' ? need.name : ''
  const refusal = on(facts.version) ?? on(await host.exactVersion(facts.qube.name, property))
  return refusal === undefined ? undefined : { path, problem: located(refusal, at) }
}
