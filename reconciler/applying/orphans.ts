import { problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { SLIC_TABLES } from '../../spec/index.ts'
import { type OrphanTemplate, type QubeReport } from '../plan/index.ts'
import {
  type Host,
  type HostQube,
  NO_NEEDS,
  providerOf,
  type Providers,
  type QubesVersion,
  sameValue,
} from '../ports/index.ts'
import { type Journal } from './journal.ts'
import { isUnanswered, noted } from './qube-run.ts'

/** Removes a template of a qube that is gone, if it still holds what was planned. Fails with a fatal QstateError only. */
export async function removeOrphan(
  { qube: name, removes }: OrphanTemplate & { readonly removes: readonly string[] },
  version: QubesVersion,
  {
    host,
    providers,
    qubes,
    journal,
  }: {
    readonly host: Host
    readonly providers: Providers
    readonly qubes: readonly HostQube[]
    readonly journal: Journal
  },
): Promise<QubeReport> {
  const provider = providerOf(providers, SLIC_TABLES)
  const facts = { qube: { name, klass: '', state: 'Halted', uuid: null }, version }
  let [sent, writes] = [0, 0]
  const report = (status: 'applied' | 'failed', error: Problem | null, unanswered = 0): QubeReport => ({
    ...{ qube: name, status, outcomes: [{ path: SLIC_TABLES, status, error }], stale: [], error: null },
    ...{ writes, unanswered, touched: status === 'applied' || sent > 0, waiting: [] },
  })
  try {
    const seen = provider.decode(SLIC_TABLES, await host.read(name, { ...NO_NEEDS, slic: true }), facts)
    if (seen.status === 'unknown') throw new QstateError(seen.problem)
    const found = seen.status === 'present' ? seen.value : null
    if (!sameValue(found, removes) || qubes.some((qube) => qube.name === name)) throw new QstateError(CHANGED)
    const calls = provider.calls({ qube: name, path: SLIC_TABLES, before: found, after: null }, facts)
    if ('code' in calls) throw new QstateError(calls)
    for (const call of calls) {
      await noted(journal.write(name, SLIC_TABLES, 'before'))
      sent += 1
      await host.write(call)
      writes += 1
      await noted(journal.write(name, SLIC_TABLES, 'after'))
    }
    return report('applied', null)
  } catch (error) {
    if (!(error instanceof QstateError) || error.fatal) throw error
    return report('failed', error.problem, isUnanswered(error) ? 1 : 0)
  }
}

const CHANGED = problem('changed-since', 'changed since by someone else', 'plan again')
