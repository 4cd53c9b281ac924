import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { connectManaged, type PlanningHost, type Tables } from './connect.ts'
import { requireManaged } from './managed.ts'
import { readHostState, recordedHost } from './snapshot/index.ts'
import { type HostTarget } from './target.ts'

const MAX_BYTES = 64 * 1024 * 1024

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
  const full = resolve(cwd, path)
  const found = statSync(full, { throwIfNoEntry: false })
  if (found?.isFile() !== true) throw refused(path, 'there is no such file')
  if (found.size > MAX_BYTES) throw refused(path, 'it is larger than 64 MiB')
  const state = readHostState(readFileSync(full, 'utf8'))
  if ('problem' in state) throw refused(path, state.problem)
  const host = recordedHost(state)
  const qubes = await host.list()
  return requireManaged({ host, qubes, version: host.version(qubes), stateFolder: null })
}

const refused = (path: string, why: string): QstateError =>
  new QstateError(
    problem('bad-host-state', `${path} is refused: ${why}`, 'make one with `qstate record -o FILE`'),
  )
