import { existsSync } from 'node:fs'
import { holdsStill, type Memory, openStore } from '../../agent/index.ts'
import { type Io } from '../../cli/io.ts'
import { type GlobalOptions } from '../../cli/options.ts'
import { type Holder, lockHolder } from '../../journal/index.ts'
import { agentPlace } from '../agent/index.ts'
import { type Sources } from './sources.ts'

/** What the agent of a host knows, and whether it is at work. */
export interface AgentState {
  readonly memory: Memory
  readonly running: Holder | null
  readonly mirror: string
}

/** Null where no agent has ever kept this host. Asks the host nothing. */
export async function agentState(options: GlobalOptions, io: Io): Promise<AgentState | null> {
  const { folder, mirror } = await agentPlace(options, io)
  if (!existsSync(folder)) return null
  const store = openStore(folder)
  const [{ memory }, orders] = [await store.load(), await store.orders()]
  if (memory.updatedAt === '') return null
  // What has been ordered counts from now on, whether or not the agent has come by it yet.
  return {
    memory: { ...memory, suspended: holdsStill(orders.suspended, io.now()) ? orders.suspended : null },
    running: (await lockHolder(folder)) ?? null,
    mirror,
  }
}

/** The spec that the agent keeps the host by; null where no commit is in force. */
export async function sourcesInForce({ memory, mirror }: AgentState): Promise<Sources | null> {
  if (memory.inForce === null) return null
  const [{ fleetLayout, pathsLayout }, { sourcesOf }] = await Promise.all([
    import('../../git/index.ts'),
    import('./git-sources.ts'),
  ])
  const { paths, fleet } = memory
  const layout = fleet === null ? pathsLayout(paths) : fleetLayout({ files: paths, host: fleet.host })
  return sourcesOf(layout(mirror, memory.inForce.commit))
}
