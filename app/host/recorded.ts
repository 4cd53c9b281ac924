import { resolve } from 'node:path'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { connectManaged, type PlanningHost, type Tables } from './connect.ts'
import { requireManaged } from './managed.ts'
import { readSnapshot, recordedHost } from './snapshot/index.ts'
import { type HostTarget } from './target.ts'

/** The host that answers or, where a snapshot of one is named, that. */
export function openHost(
  target: HostTarget,
  snapshot: string | null,
  context: Context,
  tables?: Tables,
): Promise<PlanningHost> {
  return snapshot === null ? connectManaged(target, context, tables) : openSnapshot(snapshot, context)
}

async function openSnapshot(path: string, { cwd }: Context): Promise<PlanningHost> {
  const snapshot = await readSnapshot(resolve(cwd, path), path)
  if (snapshot === undefined) throw refused(path, 'there is no such file')
  if (!snapshot.ok) throw new QstateError(snapshot.problem)
  const host = recordedHost(snapshot.value)
  const qubes = await host.list()
  return requireManaged({ host, qubes, version: host.version(qubes), stateFolder: null })
}

const refused = (path: string, why: string): QstateError =>
  new QstateError(
    problem('bad-host-state', `${path} is refused: ${why}`, 'make one with `qstate record -o FILE`'),
  )
