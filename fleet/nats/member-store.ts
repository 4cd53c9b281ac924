import { Kvm } from '@nats-io/kv'
import { type NatsConnection } from '@nats-io/transport-node'
import { KEYS, type MemberStore } from '../store/index.ts'
import { bucketsOf, subjectOf } from './names.ts'
import { get, guarded, isOfHosts, put } from './store.ts'

/**
 * The same documents for a host, by what little it may do: read its own by subject, write its own, and hear when its orders are
 * written. It makes no consumer and asks no stream for anything, since neither can be confined to one host.
 */
export async function natsMemberStore(
  connection: NatsConnection,
  fleet: string,
  host: string,
): Promise<MemberStore> {
  const { control, hosts } = bucketsOf(fleet)
  const kvm = new Kvm(connection)
  const [orders, own] = await guarded(() =>
    Promise.all([kvm.open(control, { allow_direct: true }), kvm.open(hosts, { allow_direct: true })]),
  )
  const bucket = (key: string): typeof own => (isOfHosts(key) ? own : orders)
  let isConnected = true
  return {
    isConnected: () => isConnected,
    get: (key) => get(bucket(key), key),
    put: (key, value, over) => put(bucket(key), key, value, over),
    // What comes is a reason to read the document, and never believed itself: anybody in the account may have sent it.
    onNews(wake) {
      for (const group of [KEYS.orders, KEYS.asks])
        connection.subscribe(`$KV.${control}.${subjectOf(group + host)}`, { callback: wake })
      void (async () => {
        for await (const { type } of connection.status()) {
          if (type === 'disconnect') isConnected = false
          if (type !== 'reconnect') continue
          isConnected = true
          wake()
        }
      })()
    },
    close: () => connection.close(),
  }
}
