import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Holder } from '../../documents/host/index.ts'
import { holdsStill, type Memory, openStore } from '../../agent/state/index.ts'
import { lockHolder, safeFolder } from '../../journal/index.ts'
import { type Context } from '../context.ts'
import { type Connection } from '../host/index.ts'
import { sourcesOf } from './git-sources.ts'
import { type Sources } from './sources.ts'

/** Where the agent of a host keeps what it knows. Fails with QstateError where others may write there. */
export const agentFolder = ({ stateFolder }: Pick<Connection, 'stateFolder'>): string =>
  safeFolder(stateFolder, 'agent')

export const mirrorIn = (folder: string): string => join(folder, 'mirror.git')

/** What the agent of a host knows, and whether it is at work. */
export interface AgentState {
  readonly memory: Memory
  readonly running: Holder | null
  /** Its copy of the repository. */
  readonly mirror: string
}

/** Null where no agent has ever kept this host. Asks the host nothing. */
export async function agentState(
  connection: Pick<Connection, 'stateFolder'>,
  { now, warn }: Context,
): Promise<AgentState | null> {
  const folder = agentFolder(connection)
  if (!existsSync(folder)) return null
  const store = openStore(folder)
  const [{ memory, problem }, orders] = [await store.load(), await store.orders()]
  for (const unread of [...(problem === null ? [] : [problem]), ...orders.problems]) warn(unread)
  if (memory.updatedAt === '') return null
  return {
    // A suspension takes effect at once, whether or not the agent has come by it yet.
    memory: { ...memory, suspended: holdsStill(orders.suspended, now()) ? orders.suspended : null },
    running: (await lockHolder(folder)) ?? null,
    mirror: mirrorIn(folder),
  }
}

/** The spec that the agent keeps the host by; null where no commit is active. */
export async function activeSources({ memory, mirror }: AgentState): Promise<Sources | null> {
  if (memory.inForce === null) return null
  const { paths, fleet } = memory
  // What reads files of fleets is loaded only here: no other source of a spec needs it.
  const { fleetLayout, pathsLayout } = await import('../../git/layout/index.ts')
  const layout = fleet === null ? pathsLayout(paths) : fleetLayout({ files: paths, host: fleet.host })
  return sourcesOf(layout(mirror, memory.inForce.commit))
}
