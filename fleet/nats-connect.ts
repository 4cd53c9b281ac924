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
    if (/auth/i.test(why))
      throw keyFile === null
        ? new StoreError('store-refused', 'the servers ask for a key', NO_KEY, error)
        : new StoreError('store-refused', `the servers do not know the key in ${keyFile}`, UNKNOWN_KEY, error)
    throw new StoreError(
      'store-unreachable',
      `no server of ${servers.join(', ')} took the connection: ${why}`,
      'see to network and certificate',
      error,
    )
  }
}

const NO_KEY = 'name one: --key FILE, or QSTATE_FLEET_KEY; `key` under `fleet` of an agent’s own file'
const UNKNOWN_KEY =
  'its public key has to be in the fleet’s file, and in the servers’ configuration, made anew since'

/** Answers come back under a name of one's own, where no one else listens. */
export const inboxOf = (host: string | null): string => `_INBOX_${host ?? 'qstate'}`

function readSeed(path: string): Uint8Array {
  const seed = readFileSync(path, 'utf8').trim()
  if (/^SU[A-Z2-7]{56}$/.test(seed)) return new TextEncoder().encode(seed)
  throw new StoreError('store-refused', `${path} holds no private key`, 'make one with `qstate fleet key`')
}
