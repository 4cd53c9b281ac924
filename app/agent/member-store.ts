import { type MemberStore } from '../../fleet/index.ts'
import { type AgentFleet } from '../../spec/agent/index.ts'

/** The store as one host uses it. Fails with QstateError, or as reading its files does. */
export async function connectMember(
  { name, servers, key, ca }: AgentFleet,
  host: string,
): Promise<MemberStore> {
  const { natsConnect, natsMemberStore } = await import('../../fleet/nats/index.ts')
  const connection = await natsConnect({ servers, host, keyFile: key, caFile: ca })
  return closeOnFailure(connection, () => natsMemberStore(connection, name, host))
}

/** A connection of which nothing comes would keep the process. */
export async function closeOnFailure<T>(
  connection: { close(): Promise<void> },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await connection.close()
    throw error
  }
}
