import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { SLIC_TABLES } from '../../spec/index.ts'
import { type OrphanTemplate, type Outcome, type QubeReport } from '../plan/index.ts'
import {
  type Host,
  NO_NEEDS,
  providerOf,
  type Providers,
  type QubesVersion,
  sameValue,
} from '../ports/index.ts'
import { type Journal } from './journal.ts'
import { noted } from './qube-run.ts'

/** Removes a template of a qube that is gone, if it still holds what was planned. Fails with a fatal QstateError only. */
export async function removeOrphan(
  { qube: name, removes }: OrphanTemplate & { readonly removes: readonly string[] },
  version: QubesVersion,
  {
    host,
    providers,
    journal,
  }: { readonly host: Host; readonly providers: Providers; readonly journal: Journal },
): Promise<QubeReport> {
  const provider = providerOf(providers, SLIC_TABLES)
  const facts = { qube: { name, klass: '', state: 'Halted', uuid: null }, version }
  const report = (status: QubeReport['status'], outcome: Outcome, writes: number): QubeReport => ({
    ...{ qube: name, status, outcomes: [outcome], stale: [], error: null },
    ...{ writes, touched: status === 'applied' || writes > 0, waiting: [] },
  })
  let sent = 0
  try {
    const seen = provider.decode(SLIC_TABLES, await host.read(name, { ...NO_NEEDS, slic: true }), facts)
    if (seen.status === 'unknown') throw new QstateError(seen.problem)
    const found = seen.status === 'present' ? seen.value : null
    if (!sameValue(found, removes)) throw new QstateError(CHANGED)
    const calls = provider.calls({ qube: name, path: SLIC_TABLES, before: found, after: null }, facts)
    if ('code' in calls) throw new QstateError(calls)
    for (const call of calls) {
      await noted(journal.write(name, SLIC_TABLES, 'before'))
      sent += 1
      await host.write(call)
      await noted(journal.write(name, SLIC_TABLES, 'after'))
    }
    return report('applied', { path: SLIC_TABLES, status: 'applied', error: null }, sent)
  } catch (error) {
    if (!(error instanceof QstateError) || error.fatal) throw error
    return report('failed', { path: SLIC_TABLES, status: 'failed', error: error.problem }, sent)
  }
}

const CHANGED = problem('changed-since', 'changed since by someone else', 'plan again')
