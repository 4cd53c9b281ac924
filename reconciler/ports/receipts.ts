import { type Value } from '../../spec/index.ts'

/**
 * What this installation wrote last on a qube. A record on a qube can be written by anyone who may set a feature there, so that
 * it is proven only where it is, byte for byte, a text that is accepted here.
 */
export interface Receipt {
  /** Texts of the record that this installation has put there, or may have; null: none. */
  readonly accepted: readonly (string | null)[]
  /**
   * A run has not come to its end. Until one has, values of ours are not only those that the record names: `was` has, by path,
   * those that the run replaces, and `base` is the record as the last finished run left it.
   */
  readonly open: boolean
  readonly was: Readonly<Record<string, readonly (Value | null)[]>>
  readonly base: string | null
  /** The name that the qube had. */
  readonly qube?: string
  /**
   * Digests of the `match` of each `select` entry that gave settings to the qube: one that gave them and does not any more, though the
   * spec still has it, has lost the qube by a change of the host. Without it: none did.
   */
  readonly matched?: readonly string[]
}

/** Receipts of one host, by the UUID of the qube; of a qube that is being created, by `creationKey`. */
export interface Receipts {
  /** Undefined where there is none, or it was damaged: nothing is proven then. */
  read(key: string): Promise<Receipt | undefined>
  /**
   * Once it returns, the receipt survives a power cut. One that `narrows` accepts no more than the last one of this run: it survives
   * the end of this process, and a power cut may leave that last one.
   */
  write(key: string, receipt: Receipt, narrows?: boolean): Promise<void>
  remove(key: string): Promise<void>
  /** Gives a receipt another key, at one stroke: at no moment it has both, or neither. Does nothing where there is none. */
  move(from: string, to: string): Promise<void>
  /** By UUID, qubes that have a receipt and had one of these names when it was written. Reads all of them. */
  ofNames(names: ReadonlySet<string>): Promise<ReadonlyMap<string, string>>
  /** Keys of receipts that are open: known without reading those of all qubes. */
  open(): Promise<ReadonlySet<string>>
  /** Digest of which entries match which qubes, if all receipts say so: known without reading one. Null: not known. */
  matched(): Promise<string | null>
  setMatched(digest: string | null): Promise<void>
}

/** Names a qube that has no UUID yet. */
export const creationKey = (qube: string): string => `new-${qube}`
