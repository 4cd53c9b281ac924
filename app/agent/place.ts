import { join } from 'node:path'
import { type Io } from '../../cli/io.ts'
import { type GlobalOptions } from '../../cli/options.ts'
import { connect, type Connection, stateFolder, type Tables } from '../host/index.ts'

/** Where the agent of a host keeps what it knows. The host is asked nothing. */
export async function agentPlace(
  options: GlobalOptions,
  io: Io,
  tables?: Tables,
): Promise<{ readonly connection: Connection; readonly folder: string; readonly mirror: string }> {
  const connection = await connect(options, io, tables)
  const folder = join(stateFolder(options, io, connection), 'agent')
  return { connection, folder, mirror: join(folder, 'mirror.git') }
}
