import { type ChildProcess, spawn } from 'node:child_process'
import { type Call, MAX_REPLY_BYTES, MAX_REQUEST_BYTES, requestText } from './codec.ts'
import { policyLine, QubesdError, quoteForTerminal } from './errors.ts'
import { makeWatch, type Watch } from './in-flight-call.ts'
import { aborted, noFiles, oversized, stopped, tooLarge } from './socket.ts'
import { type ExchangeOptions, type Transport } from './transport.ts'

export const QREXEC_CLIENT = '/usr/bin/qrexec-client-vm'

/** Exit code of qrexec-client-vm when policy in dom0 says no. */
const EXIT_DENIED = 126

/**
 * Talks to qubesd from a management qube: `qrexec-client-vm DEST METHOD+ARG`, payload on stdin, the answer on stdout.
 * `source` is this qube's name, for the policy line in an error.
 */
export const qrexecTransport = (program: string, source: string): Transport => ({
  ...transportOf({ program, before: [], source }, program),
  ownQube: source,
})

/**
 * The same from another machine: ssh runs qrexec-client-vm in a qube there, one connection for all calls. Needs nothing there but
 * that qube and a policy for it.
 */
export const sshTransport = (host: string): Transport =>
  transportOf(
    { program: 'ssh', before: [...SSH, host, QREXEC_CLIENT], source: 'MANAGEMENT-QUBE' },
    `ssh ${host}`,
  )

const SSH = ['-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10']
  .concat('-o', 'ControlMaster=auto', '-o', 'ControlPath=~/.ssh/qstate-%C', '-o', 'ControlPersist=60')
  .concat('--')

function transportOf(client: Client, where: string): Transport {
  const watch = makeWatch()
  return {
    kind: 'qrexec',
    where,
    exchange: (call, options) => exchange(client, call, options, watch),
    stream: (call, signal) => stream(client, call, signal),
  }
}

interface Client {
  readonly program: string
  /** Arguments before qube and service. */
  readonly before: readonly string[]
  readonly source: string
}

interface Running {
  readonly child: ChildProcess
  /** The beginning of what it said on stderr so far. */
  readonly words: () => string
  /** Ends it at once, and waits for none of its children, which may keep its output open. */
  readonly kill: () => void
}

/** What qrexec carries in an argument; it turns anything else into `_`, and the call would mean another thing. */
const ARGUMENT = /^[A-Za-z0-9_.+-]*$/

function start(client: Client, call: Call): Running {
  if (!ARGUMENT.test(call.arg)) {
    const hint = 'a USB device with such a serial is assigned by its port from a management qube'
    throw new QubesdError('invalid-value', call, 'qrexec cannot carry a character of this argument', hint)
  }
  const service = call.arg === '' ? call.method : `${call.method}+${call.arg}`
  // A shell at the far end reads what ssh is given.
  if (client.before.length > 0 && !/^[A-Za-z0-9_.@:-]+$/.test(call.dest))
    throw new QubesdError('invalid-value', call, 'ssh cannot carry this name', 'rename the qube')
  let child: ChildProcess
  try {
    // In a process group of its own: Ctrl-C at the terminal is for qstate, which finishes the call under way.
    child = spawn(client.program, [...client.before, call.dest, service], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
  } catch (error) {
    throw notStarted(client, call, error)
  }
  let words = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    if (words.length < 2000) words += chunk.toString('utf8')
  })
  // A client that exits before it has read its input is told by its exit code, not by EPIPE.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(Buffer.from(call.payload, 'latin1'))
  const kill = (): void => {
    child.kill('SIGKILL')
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
  return { child, words: () => words, kill }
}

function exchange(client: Client, call: Call, options: ExchangeOptions, watch: Watch): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const bytes = requestText(call).length + client.source.length
    if (bytes > MAX_REQUEST_BYTES) {
      reject(tooLarge(call, bytes))
      return
    }
    const { signal, timeoutMs } = options
    if (signal?.aborted === true) {
      reject(aborted(call))
      return
    }
    const { child, words, kill } = start(client, call)
    const out: Buffer[] = []
    let size = 0
    let failure: QubesdError | undefined
    const stop = (error: QubesdError): void => {
      failure ??= error
      kill()
    }
    const underWay = watch(signal, timeoutMs, (why) => {
      stop(stopped(call, why, timeoutMs))
    })
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_REPLY_BYTES + 2) stop(oversized(call))
      else out.push(chunk)
    })
    child.on('error', (error) => {
      underWay.end()
      reject(failure ?? notStarted(client, call, error))
    })
    child.once('close', (status) => {
      underWay.end()
      if (failure !== undefined) reject(failure)
      else if (status === 0) resolve(Buffer.concat(out))
      else reject(exited(client, call, status, words()))
    })
  })
}

async function* stream(client: Client, call: Call, signal: AbortSignal): AsyncIterable<Buffer> {
  // A call, for TypeScript: what is false now need not stay so.
  const over = (): boolean => signal.aborted
  if (over()) return
  const { child, words, kill } = start(client, call)
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => {
      reject(notStarted(client, call, error))
    })
    child.once('close', resolve)
  })
  exit.catch(() => undefined)
  signal.addEventListener('abort', kill, { once: true })
  try {
    if (child.stdout !== null) for await (const chunk of child.stdout) yield chunk as Buffer
    const status = await exit
    if (status !== 0) throw exited(client, call, status, words())
  } catch (error) {
    if (!over()) throw error
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
  }
}

function notStarted(client: Client, call: Call, error: unknown): QubesdError {
  if (error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE'))
    return noFiles(call, error)
  const why = error instanceof Error ? error.message : String(error)
  const what = `${client.program} could not be started (${why})`
  return new QubesdError(
    'daemon-unreachable',
    call,
    what,
    'this works in a qube of Qubes OS; in dom0 the socket is used',
    error,
  )
}

function exited(client: Client, call: Call, status: number | null, words: string): QubesdError {
  if (status === EXIT_DENIED) {
    const hint = `in dom0, allow it in /etc/qubes/policy.d/30-qstate.policy:\n  ${policyLine(call, client.source)}`
    return new QubesdError('denied-by-policy', call, 'qrexec policy in dom0 does not allow it', hint)
  }
  const said = words.trim() === '' ? '' : `: ${quoteForTerminal(words.trim())}`
  const what = `qrexec-client-vm ended with ${status === null ? 'a signal' : `exit code ${status}`}${said}`
  return new QubesdError(
    'daemon-unreachable',
    call,
    what,
    'see `journalctl -u qubes-qrexec-policy-daemon` in dom0',
  )
}
