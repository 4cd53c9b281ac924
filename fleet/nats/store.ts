import { gzipSync } from 'node:zlib'
import { JetStreamApiError, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { type KV, type KvEntry, Kvm, type KvWatchEntry } from '@nats-io/kv'
import { errors, type NatsConnection } from '@nats-io/transport-node'
import { parseBytes } from '../../documents/read/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Entry, KEYS, maxBytesOf, parsedValue, type Store } from '../store/index.ts'
import { bucketsOf, subjectOf } from './names.ts'

const WRONG_LAST_SEQUENCE: readonly number[] = [10071, 10164]
const NO_STREAM = 10059
/** A rollout of many hosts is much of the same; a server takes no more than 1 MiB at once. */
const PACK_FROM_BYTES = 64 * 1024
const HOST_MESSAGE_BYTES = 512 * 1024

/**
 * Documents in JetStream, for those who are in charge: two key-value buckets, since hosts write into one of them. That one takes no
 * message that replaces others (`Nats-Rollup`), so that a host that may write its own report can wipe out nothing else.
 */
export async function natsStore(connection: NatsConnection, fleet: string, replicas: number): Promise<Store> {
  const { control, hosts } = bucketsOf(fleet)
  const manager = await guarded(() => jetstreamManager(connection))
  await guarded(() => ensure(manager, control, replicas, null))
  await guarded(() => ensure(manager, hosts, replicas, HOST_MESSAGE_BYTES))
  const kvm = new Kvm(connection)
  const [own, theirs] = await Promise.all([kvm.open(control, READS), kvm.open(hosts, READS)])
  const bucket = (key: string): KV => (isOfHosts(key) ? theirs : own)
  return {
    where: connection.getServer(),
    get: (key) => get(bucket(key), key),
    put: (key, value, over) => put(bucket(key), key, value, over),
    list: (group) => list(bucket(group), group),
    watch: (group, signal) => watch(bucket(group), group, signal),
    close: () => connection.close(),
  }
}

/** Read from the leader of the stream: what was written is seen. */
const READS = { allow_direct: false }

export const isOfHosts = (key: string): boolean => key.startsWith(KEYS.reports) || key.startsWith(KEYS.plans)

async function ensure(
  manager: JetStreamManager,
  bucket: string,
  replicas: number,
  maxBytes: number | null,
): Promise<void> {
  const name = `KV_${bucket}`
  try {
    await manager.streams.info(name)
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.code === NO_STREAM)) throw error
    await manager.streams.add({
      name,
      subjects: [`$KV.${bucket}.>`],
      max_msgs_per_subject: 1,
      allow_direct: true,
      allow_rollup_hdrs: false,
      deny_delete: true,
      deny_purge: true,
      num_replicas: replicas,
      ...(maxBytes === null ? {} : { max_msg_size: maxBytes }),
    })
  }
}

export async function get(bucket: KV, key: string): Promise<Entry | null> {
  const entry = await guarded(() => bucket.get(subjectOf(key)))
  return entry === null ? null : entryOf(entry)
}

export async function put(bucket: KV, key: string, value: object, over: number): Promise<number | null> {
  const bytes = Buffer.from(JSON.stringify(value))
  const packed = bytes.length < PACK_FROM_BYTES ? bytes : gzipSync(bytes, { level: 1 })
  try {
    return await bucket.put(subjectOf(key), packed, { previousSeq: over })
  } catch (error) {
    if (error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.includes(error.code)) return null
    throw asStoreError(error)
  }
}

async function list(bucket: KV, group: string): Promise<readonly Entry[]> {
  return guarded(async () => {
    const missing = new Set<string>()
    for await (const key of await bucket.keys(patternOf(group))) missing.add(key)
    const found = new Map<string, Entry>()
    if (missing.size === 0) return []
    for await (const entry of await bucket.watch({ key: patternOf(group) })) {
      missing.delete(entry.key)
      found.set(entry.key, entryOf(entry))
      if (missing.size === 0) break
    }
    return [...found.values()]
  })
}

async function* watch(bucket: KV, group: string, signal: AbortSignal): AsyncGenerator<Entry> {
  const watching = await guarded(() => bucket.watch({ key: patternOf(group) }))
  const stop = (): void => {
    watching.stop()
  }
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  for await (const entry of watching) yield entryOf(entry)
  if (!signal.aborted)
    throw new QstateError(
      problem('store-unreachable', 'the server stopped telling what changes', 'it is asked again'),
    )
}

const patternOf = (group: string): string => subjectOf(`${group}*`)

function entryOf(entry: KvEntry | KvWatchEntry): Entry {
  const key = entry.key.replaceAll('.', '/')
  return {
    key,
    ...parsedValue(parseBytes(entry.value, maxBytesOf(key))),
    revision: entry.revision,
    at: entry.created.toISOString(),
  }
}

export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asStoreError(error)
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof errors.PermissionViolationError || error instanceof errors.AuthorizationError

function asStoreError(error: unknown): unknown {
  if (error instanceof QstateError || !(error instanceof Error)) return error
  if (isRefusal(error) || isRefusal(error.cause))
    return new QstateError(
      problem(
        'store-refused',
        `the servers do not let this key do that: ${error.message}`,
        'a controller’s key is one of those under `store: controllers`; a host’s speaks for that host alone',
      ),
      { cause: error },
    )
  return new QstateError(
    problem(
      'store-unreachable',
      `the store does not answer: ${error.message}`,
      'see to network and servers; nothing is lost',
    ),
    { cause: error },
  )
}
