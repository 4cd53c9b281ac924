/** A commit that this host is to have, as its fleet has ordered. */
export interface Ordered {
  /** Names the order: the same commit may be ordered again. */
  readonly id: string
  readonly commit: string
  /** The host has had it, and returns to it: it need not come after the one in force. */
  readonly back: boolean
}
