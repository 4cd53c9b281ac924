/** How a host is reached, and what is kept of it on this machine. */
export interface HostTarget {
  /** Null: the socket of dom0 where there is one, else qrexec. */
  readonly transport: HostTransport | null
  /** Folder that stands in for `/` of dom0 where SLIC is concerned; null: where the transport leads. */
  readonly slicRoot: string | null
  /** Folder that locks, histories and memories of all hosts are kept in. */
  readonly stateDir: string
  /** Calls in flight at once. */
  readonly concurrency: number
  /** How long a call may take. */
  readonly timeoutMs: number
}

export type HostTransport =
  | { readonly kind: 'socket'; readonly path: string }
  /** `client`: the qrexec-client-vm to use; null: that of Qubes. */
  | { readonly kind: 'qrexec'; readonly client: string | null }
  /** A qube of another machine that has qrexec-client-vm, as ssh names it. */
  | { readonly kind: 'ssh'; readonly destination: string }
