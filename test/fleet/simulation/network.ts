import { type Entry, type Store } from '../../../fleet/store/store.ts'
import { problem, QstateError } from '../../../spec/diagnostics/index.ts'
import { type Scheduler } from './scheduler.ts'

/** The store of a simulated fleet, as it truly is. */
export interface Server {
  readonly documents: Map<string, Entry>
  /** Gone: nothing arrives. */
  down: boolean
  readonly onPut: (entry: Entry, before: Entry | null) => void
  readonly watchers: Set<(entry: Entry) => void>
}

/** One machine's way to the server. */
export interface Link {
  /** Nothing arrives, and nothing comes back. */
  cut: boolean
  /** The same, for a reason of the machine's own. */
  readonly isSilenced: () => boolean
  /** The process is dead: whatever comes back, nobody is there. */
  dead: boolean
  /** The machine sleeps until then: what comes, comes when it wakes. */
  asleepUntil: number
}

/** Something that reaches a machine: now, when it wakes, or never. */
export function reach(link: Link, scheduler: Scheduler, work: () => void): void {
  if (link.dead) return
  const sleeps = link.asleepUntil - scheduler.nowMs()
  if (sleeps <= 0) work()
  else
    scheduler.after(sleeps, () => {
      reach(link, scheduler, work)
    })
}

const isCut = ({ cut, isSilenced }: Link): boolean => cut || isSilenced()

/** How often what goes wrong, in a hundred. */
export interface Weather {
  lost: number
  doubled: number
}

/**
 * The store as it is seen from one machine: what is asked arrives at some time or never, once or twice, and the answer comes at
 * some time or never. What is watched comes late, and old news may come again.
 */
export function linkedStore(server: Server, link: Link, weather: Weather, scheduler: Scheduler): Store {
  const { random } = scheduler
  const soon = (work: () => void): void => {
    scheduler.soon(work)
  }
  const ask = <T>(work: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const fail = (): void => {
        soon(() => {
          reach(link, scheduler, () => {
            reject(new QstateError(problem('store-unreachable', 'lost', 'wait')))
          })
        })
      }
      const arrive = (isLast: boolean) => (): void => {
        if (server.down || isCut(link) || random.below(100) < weather.lost) {
          if (isLast) fail()
          return
        }
        const answer = work()
        if (!isLast) return
        soon(() => {
          if (isCut(link) || random.below(100) < weather.lost) fail()
          else
            reach(link, scheduler, () => {
              resolve(answer)
            })
        })
      }
      if (random.below(100) < weather.doubled) soon(arrive(false))
      soon(arrive(true))
    })
  return {
    where: 'simulated',
    get: (key) => ask(() => server.documents.get(key) ?? null),
    put: (key, value, over) => ask(() => put(server, key, value, over)),
    list: (prefix) => ask(() => [...server.documents.values()].filter(({ key }) => key.startsWith(prefix))),
    watch: (prefix, signal) => watch(prefix, signal),
    close: () => Promise.resolve(),
  }

  async function* watch(prefix: string, signal: AbortSignal): AsyncIterable<Entry> {
    const queue: Entry[] = [...server.documents.values()].filter(({ key }) => key.startsWith(prefix))
    let wake: () => void = () => undefined
    const hear = (entry: Entry): void => {
      if (!entry.key.startsWith(prefix)) return
      soon(() => {
        if (isCut(link)) return
        reach(link, scheduler, () => {
          queue.push(entry)
          if (random.below(100) < weather.doubled) soon(() => void queue.push(entry))
          wake()
        })
      })
    }
    server.watchers.add(hear)
    signal.addEventListener('abort', () => {
      server.watchers.delete(hear)
    })
    while (!signal.aborted) {
      for (const entry of queue.splice(0)) yield entry
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
}

export function put(server: Server, key: string, value: object, over: number): number | null {
  const there = server.documents.get(key) ?? null
  if ((there?.revision ?? 0) !== over) return null
  // As text, as it would travel: nobody shares an object with anybody.
  const entry: Entry = {
    key,
    value: JSON.parse(JSON.stringify(value)) as unknown,
    revision: over + 1,
    at: null,
  }
  server.documents.set(key, entry)
  server.onPut(entry, there)
  for (const watcher of server.watchers) watcher(entry)
  return entry.revision
}
