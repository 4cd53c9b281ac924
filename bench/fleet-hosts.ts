import { steadyClock } from '../app/agent/clock.ts'
import { type FollowedAgent, NO_MEMORY } from '../fleet/member/member.ts'
import { runMember } from '../fleet/member/run-member.ts'
import { natsConnect } from '../fleet/nats/connect.ts'
import { bucketsOf } from '../fleet/nats/names.ts'
import { natsStore } from '../fleet/nats/store.ts'

/** Many hosts in one process, each with the code of a real one and an agent that is done at once. `node fleet-hosts.js URL COUNT` */
const [url = '', count = '0'] = process.argv.slice(2)

function instantAgent(): FollowedAgent {
  let following = 'a'.repeat(40)
  return {
    follow({ commit }) {
      following = commit
      return Promise.resolve()
    },
    status: () =>
      Promise.resolve({
        following,
        outcome: 'applied',
        commit: following,
        digest: null,
        generation: 1,
        drift: 0,
        restarts: 0,
        notRunning: [],
        check: null,
        trouble: null,
        held: null,
        unseenSince: null,
      }),
  }
}

const connection = await natsConnect({ servers: [url], host: null, keyFile: null, caFile: null })
const store = await natsStore(connection, 'bench', 1)
const wakes = new Map<string, () => void>()
// One ear for all of them: in life each has its own connection, and hears of itself alone.
connection.subscribe(`$KV.${bucketsOf('bench').control}.orders.*`, {
  callback: (_, { subject }) => wakes.get(subject.slice(subject.lastIndexOf('.') + 1))?.(),
})
const signal = new AbortController().signal
const hosts = Array.from({ length: Number(count) }, (_, index) => `h${index}`)
const plan = (): Promise<{ digest: null; changes: []; trouble: null }> =>
  Promise.resolve({ digest: null, changes: [], trouble: null })
await Promise.all(
  hosts.map((host) =>
    runMember({
      host,
      store: { ...store, isConnected: () => true, onNews: (wake) => void wakes.set(host, wake) },
      agent: { ...instantAgent(), plan },
      trust: { fleet: 'bench', keys: [] },
      memory: NO_MEMORY,
      save: () => Promise.resolve(),
      at: () => '',
      say: () => undefined,
      onStore: () => undefined,
      clock: steadyClock,
      signal,
      lookEveryMs: 600_000,
      beatEveryMs: 600_000,
    }),
  ),
)
