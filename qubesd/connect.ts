import { existsSync } from 'node:fs'
import { type Call } from './codec.ts'
import { QubesdError } from './errors.ts'
import { QREXEC_CLIENT, qrexecTransport, sshTransport } from './qrexec.ts'
import { QUBESD_SOCKET, socketTransport } from './socket.ts'
import { type Transport } from './transport.ts'

export interface ConnectOptions {
  /** A socket named by the user. */
  readonly socket?: string | undefined
  /** A qrexec-client-vm named by the user. */
  readonly qrexecClient?: string | undefined
  /** A qube of another machine, as ssh names it. */
  readonly ssh?: string | undefined
  /** This machine's name, which in a qube is the qube's. */
  readonly hostname: string
}

const NOWHERE: Call = { dest: 'dom0', method: 'admin.vm.List', arg: '', payload: '' }

/** Finds the way to qubesd: what the user named, else dom0's socket, else qrexec. */
export function findTransport(options: ConnectOptions): Transport {
  if (options.socket !== undefined) return socketTransport(options.socket)
  if (options.ssh !== undefined) return sshTransport(options.ssh)
  if (options.qrexecClient !== undefined) return qrexecTransport(options.qrexecClient, options.hostname)
  if (existsSync(QUBESD_SOCKET)) return socketTransport(QUBESD_SOCKET)
  if (existsSync(QREXEC_CLIENT)) return qrexecTransport(QREXEC_CLIENT, options.hostname)
  throw new QubesdError(
    'daemon-unreachable',
    NOWHERE,
    `this machine has neither ${QUBESD_SOCKET} (dom0) nor ${QREXEC_CLIENT} (a qube)`,
    'run this in dom0 or in a management qube; to try it anywhere, start `qstate simulator --socket /tmp/qubesd.sock` and add --socket /tmp/qubesd.sock',
  )
}
