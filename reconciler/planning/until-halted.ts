import { type Blocked } from '../plan/index.ts'
import { type Host, isRunning, providerOf, type Providers, type QubeFacts } from '../ports/index.ts'
import { type Difference } from './diff.ts'

/** Why a change cannot be made yet: the qube runs, and this release takes it from a halted one only. */
export async function untilHalted(
  { path, after }: Pick<Difference, 'path' | 'after'>,
  facts: QubeFacts,
  { providers, host }: { readonly providers: Providers; readonly host: Host },
): Promise<Blocked | undefined> {
  const provider = providerOf(providers, path)
  const on = (release: QubeFacts['release']): ReturnType<NonNullable<typeof provider.haltedOnly>> =>
    provider.haltedOnly?.(path, after, { ...facts, release })
  // Which release it is exactly is asked only where it matters.
  if (!isRunning(facts.qube) || on('4.4') === undefined) return undefined
  const need = provider.need(path)
  const property = need.kind === 'property' ? need.name : ''
  const refusal = on(facts.release) ?? on(await host.exactRelease(facts.qube.name, property))
  return refusal === undefined ? undefined : { path, why: refusal.refused, hint: refusal.hint }
}
