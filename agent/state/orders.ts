/** A commit that this host is to have, as its fleet has ordered. */
export interface Ordered {
  /** Names the order: the same commit may be ordered again. */
  readonly id: string
  readonly commit: string
  /** The host had this commit before and returns to it: it need not descend from the active one. */
  readonly back: boolean
}
