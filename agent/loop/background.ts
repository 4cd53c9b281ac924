/** What takes minutes and what the loop does not wait for: a fetch, a restart. One of each kind at a time. */
export interface Background {
  /** Begins some work; false where there is some of the kind already. */
  begin(kind: Kind, work: () => Promise<void>): boolean
  isBusy(kind: Kind): boolean
  /** Rejects when some of it goes wrong in a way that nobody foresaw. */
  readonly broken: Promise<never>
  /** Resolves once all of it is over. */
  ended(): Promise<void>
}

type Kind = 'look' | 'restart' | 'listen'

export function openBackground(): Background {
  const busy = new Map<Kind, Promise<void>>()
  let fail: (error: unknown) => void = () => undefined
  const broken = new Promise<never>((_, reject) => {
    fail = reject
  })
  // Whoever waits for the loop is told.
  broken.catch(() => undefined)
  return {
    broken,
    begin(kind, work) {
      if (busy.has(kind)) return false
      const done = work()
        .catch(fail)
        .finally(() => busy.delete(kind))
      busy.set(kind, done)
      return true
    },
    isBusy: (kind) => busy.has(kind),
    async ended() {
      await Promise.all(busy.values())
    },
  }
}
