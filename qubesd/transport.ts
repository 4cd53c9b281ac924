import { type Call } from './codec.ts'

export interface ExchangeOptions {
  /** Gives up when the answer is not whole after this long, in milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Carries bytes to qubesd and back. The only two there are open a socket (dom0) or start qrexec-client-vm (a qube). */
export interface Transport {
  readonly kind: 'socket' | 'qrexec'
  /** For people: where this goes. */
  readonly where: string
  /** The qube of this host that this runs in, where it is one. */
  readonly ownQube?: string
  /** Whole bytes of the answer; empty when the daemon refused. Fails with QubesdError. */
  exchange(call: Call, options: ExchangeOptions): Promise<Buffer>
  /** The answer as it comes, until the daemon closes it or the signal fires. Fails with QubesdError. */
  stream(call: Call, signal: AbortSignal): AsyncIterable<Buffer>
}
