/** One document as it is stored. */
export interface Entry {
  readonly key: string
  /** Null where what is there is no JSON that is read. */
  readonly value: unknown
  /** Why it is not. */
  readonly fault?: string
  /** Rises with each writing of the key. */
  readonly revision: number
  /** When it was written, by the store's clock: for people, nothing is decided by it. */
  readonly at: string | null
}

/**
 * Where a fleet's documents are. All that is asked of an engine is this: a document is replaced only by whoever has seen the last
 * one, and what is written is told. Nothing is deleted: what is over is written as over.
 *
 * Keys are words, or a group and a word, as in `orders/laptop-7`. All of them fail with QstateError where the store cannot be reached; a write that failed so may
 * have been done all the same.
 */
export interface Store {
  /** For people. */
  readonly where: string
  get(key: string): Promise<Entry | null>
  /** Writes over the revision that was seen; 0: nothing was there. The new revision, or null where another is there. */
  put(key: string, value: object, over: number): Promise<number | null>
  /** All documents of a group, which is named with its `/`. */
  list(group: string): Promise<readonly Entry[]>
  /**
   * All documents of a group, and then each that is written: not every one, but the last of each key at last. One may come twice.
   * Ends when the signal fires.
   */
  watch(group: string, signal: AbortSignal): AsyncIterable<Entry>
  close(): Promise<void>
}

/** The store as one host may use it. */
export interface MemberStore extends Pick<Store, 'get' | 'put' | 'close'> {
  /** Calls whenever an order may have been written; now and then nothing tells of one. */
  onNews(wake: () => void): void
  /** False: it is away, and what is asked of it fails until it is back. */
  isConnected(): boolean
}

export const KEYS = {
  leader: 'leader',
  rollout: 'rollout',
  orders: 'orders/',
  reports: 'reports/',
  asks: 'asks/',
  plans: 'plans/',
  consents: 'consents/',
  history: 'history/',
} as const

export const hostOf = (key: string): string => key.slice(key.indexOf('/') + 1)
