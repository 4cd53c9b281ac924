import { readFileSync } from 'node:fs'
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node'
import { StoreError } from './store.ts'

export interface NatsAccess {
  readonly servers: readonly string[]
  /** Who connects: a host's name, or null for those who are in charge. */
  readonly host: string | null
  /** File with the private key; null: the servers ask for none. */
  readonly keyFile: string | null
  /** File with the certificates that the servers' are signed with; null: those that the system trusts. */
  readonly caFile: string | null
}

/** Connects outwards. Once connected it comes back by itself; until then, what is asked fails. Fails with StoreError. */
export async function natsConnect({ servers, host, keyFile, caFile }: NatsAccess): Promise<NatsConnection> {
  const seed = keyFile === null ? null : readSeed(keyFile)
  const isTls = servers.some((server) => server.startsWith('tls:'))
  try {
    return await connect({
      // The client decides by the option, whatever the URL says.
      servers: servers.map((server) => server.replace(/^(?:tls|nats):\/\//, '')),
      name: host ?? 'qstate',
      inboxPrefix: inboxOf(host),
      maxReconnectAttempts: -1,
      // A key that was taken out may be put in again.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: 1000,
      reconnectJitter: 1000,
      timeout: 10_000,
      // What one server says of others is not followed: the fleet's file names them.
      ignoreClusterUpdates: true,
      ...(seed === null ? {} : { authenticator: nkeyAuthenticator(seed) }),
      ...(isTls ? { tls: caFile === null ? {} : { caFile } } : {}),
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StoreError(
      /auth/i.test(why) ? 'store-refused' : 'store-unreachable',
      `no server of ${servers.join(', ')} took the connection: ${why}`,
      'see to network, certificate and key',
      error,
    )
  }
}

/** Answers come back under a name of one's own, where no one else listens. */
export const inboxOf = (host: string | null): string => `_INBOX_${host ?? 'qstate'}`

function readSeed(path: string): Uint8Array {
  const seed = readFileSync(path, 'utf8').trim()
  if (/^SU[A-Z2-7]{56}$/.test(seed)) return new TextEncoder().encode(seed)
  throw new StoreError('store-refused', `${path} holds no private key`, 'make one with `qstate fleet key`')
}
