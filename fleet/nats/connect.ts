import { X509Certificate } from 'node:crypto'
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node'
import { readBytes } from '../../documents/read/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { readKey } from '../store/index.ts'

export interface NatsAccess {
  readonly servers: readonly string[]
  /** Who connects: a host's name, or null for those who are in charge. */
  readonly host: string | null
  /** File with the private key; null: the servers ask for none. */
  readonly keyFile: string | null
  /** File with the certificates that the servers' are signed with; null: those that the system trusts. */
  readonly caFile: string | null
}

/** Connects outwards. Once connected it comes back by itself; until then, what is asked fails. Fails with QstateError. */
export async function natsConnect({ servers, host, keyFile, caFile }: NatsAccess): Promise<NatsConnection> {
  const seed = keyFile === null ? null : readSeed(keyFile)
  if (caFile !== null) readable(caFile, NO_CA)
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
      ...(isTls ? { tls: tlsFor(servers, caFile) } : {}),
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    if (/auth/i.test(why))
      throw keyFile === null
        ? new QstateError(problem('store-refused', 'the servers ask for a key', NO_KEY), { cause: error })
        : new QstateError(
            problem('store-refused', `the servers do not know the key in ${keyFile}`, UNKNOWN_KEY),
            { cause: error },
          )
    throw new QstateError(
      problem(
        'store-unreachable',
        `no server of ${servers.join(', ')} took the connection: ${why}`,
        hintFor(why, caFile),
      ),
      { cause: error },
    )
  }
}

/**
 * A certificate counts that is for one of the servers. The client has it compared with no name at all where a server is told by
 * its address: the system takes `localhost` for it then.
 */
function tlsFor(servers: readonly string[], caFile: string | null): object {
  const names = servers.map((server) => new URL(server).hostname.replace(/^\[(.*)\]$/, '$1'))
  return {
    ...(caFile === null ? {} : { caFile }),
    checkServerIdentity(_: string, { raw }: { readonly raw: Buffer }) {
      const certificate = new X509Certificate(raw)
      const isFor = (name: string): boolean =>
        (ADDRESS.test(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined
      if (names.some(isFor)) return undefined
      return new Error(`its certificate is for ${certificate.subjectAltName ?? 'no name at all'}`)
    },
  }
}

const ADDRESS = /^[0-9.]+$|:/

/** What TLS says of a certificate tells nobody whose it is, or where to look. */
function hintFor(why: string, caFile: string | null): string {
  if (/unable to (?:verify|get)|self.signed/i.test(why))
    return caFile === null ? NO_CA : `the server’s certificate is signed with none of those in ${caFile}`
  if (/expired|not yet valid/i.test(why))
    return 'give the server a certificate that is valid today; or it is the clock of this machine that is wrong'
  if (/certificate is for/.test(why))
    return 'name the server as its certificate does, or give it a certificate with the name that is used here'
  return 'see to the network, and whether a server runs there'
}

/** What is in a file that somebody has named. Fails with QstateError. */
function readable(path: string, hint: string): string {
  const refused = (why: string, cause?: unknown): QstateError =>
    new QstateError(problem('store-refused', `${path}: ${why}`, hint), { cause })
  try {
    const found = readBytes(path)
    if (found === undefined) throw refused('there is no such file')
    if ('fault' in found) throw refused(found.fault)
    return found.bytes.toString('utf8')
  } catch (error) {
    if (error instanceof QstateError) throw error
    const { code = '' } = error as NodeJS.ErrnoException
    throw refused(FILE_SAYS[code] ?? String(error), error)
  }
}

const FILE_SAYS: Readonly<Record<string, string>> = {
  EACCES: 'no permission to read it',
  EISDIR: 'it is a folder',
}

const NO_KEY = 'name one: --key FILE, or QSTATE_FLEET_KEY; `key` under `fleet` of an agent’s own file'
const NO_CA =
  'name the certificates that the servers’ are signed with: --ca FILE, or QSTATE_FLEET_CA; `ca` under `fleet` of an agent’s own file'
const UNKNOWN_KEY =
  'its public key has to be in the fleet’s file, and in the servers’ configuration, made anew since'

/** Answers come back under a name of one's own, where no one else listens. */
export const inboxOf = (host: string | null): string => `_INBOX_${host ?? 'qstate'}`

function readSeed(path: string): Uint8Array {
  const key = readKey(readable(path, NO_KEY))
  if (key !== null) return new TextEncoder().encode(key.seed)
  throw new QstateError(
    problem('store-refused', `${path} holds no private key`, '`qstate fleet key --out FILE` makes one'),
  )
}
