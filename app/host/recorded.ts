import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Io } from '../../cli/io.ts'
import { type GlobalOptions } from '../../cli/options.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { openManaged, type PlanningHost, type Tables } from './connect.ts'
import { readHostState, recordedHost } from './snapshot/index.ts'
import { requireManaged } from './managed.ts'

const MAX_BYTES = 64 * 1024 * 1024

export interface RecordedOptions {
  /** A file of `qstate record`, instead of the host. */
  readonly hostState?: string
}

/** The host that answers, or the one that was recorded. */
export function openHost(
  options: GlobalOptions & RecordedOptions,
  io: Io,
  tables?: Tables,
): Promise<PlanningHost> {
  return options.hostState === undefined
    ? openManaged(options, io, tables)
    : openRecorded(options.hostState, io)
}

async function openRecorded(path: string, io: Io): Promise<PlanningHost> {
  const full = resolve(io.cwd, path)
  const found = statSync(full, { throwIfNoEntry: false })
  if (found?.isFile() !== true) throw refused(path, 'there is no such file')
  if (found.size > MAX_BYTES) throw refused(path, 'it is larger than 64 MiB')
  const state = readHostState(readFileSync(full, 'utf8'))
  if ('problem' in state) throw refused(path, state.problem)
  const host = recordedHost(state)
  const qubes = await host.list()
  return requireManaged({ client: null, host, qubes, version: host.version(qubes) })
}

const refused = (path: string, why: string): QstateError =>
  new QstateError(
    problem('bad-host-state', `${path} is refused: ${why}`, 'make one with `qstate record -o FILE`'),
  )
