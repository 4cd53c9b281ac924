import { type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { buildHost } from './build.ts'
import { defaultFixture } from './default-fixture.ts'
import {
  type Host,
  type HostEvent,
  type HostFixture,
  type Listener as EventListener,
  type PowerState,
  type Qube,
  type SimulatedVersion,
} from './host/index.ts'
import { halt, isWrite } from './methods/index.ts'
import { notifyTools } from './reactions/index.ts'
import { loadState, saveState } from './state-file.ts'
import {
  decodeRequest,
  dispatch,
  encodeEvent,
  type Fault,
  type FaultAction,
  faultsInTurn,
  listen,
  type Listener,
} from './wire/index.ts'

/**
 * A qubesd that runs anywhere: the Admin API of 4.3 or 4.4 over a Unix socket, on a host that is
 * in memory. It answers as the real daemon does, down to the text of errors and the order of events.
 * It knows nothing of qstate, of policy (whoever reaches the socket is dom0), or of Xen: starting and
 * stopping take no time, of volumes there are only their sizes, and pools, firewalls, notes and backups are not there.
 *
 * What the recordings do not show is as in the source of the daemon, of libvirt and of Xen:
 * | what | from |
 * |---|---|
 * | refusals of a sound model | libvirt: conf/domain_conf.c, libxl/libxl_domain.c |
 * | a template that names a table which is not there: libxl fails, and libvirt does not say over what | libvirt: libxl/libxl_domain.c |
 * | a qube starts though its audio qube is halted (QubesOS/qubes-issues#9540 is of the stubdomain, after that) | qubesd: ext/audio.py |
 * | a qube with the tag backup-restore-in-progress does not start | qubesd: ext/backup_restore.py |
 * | devices of a USB qube that ends are attached no longer, and what was assigned comes back with it | qubesd: ext/utils.py |
 * | disposables are kept ready, within the request instead of after it, with no memory to run short of | qubesd: vm/dispvm.py, vm/mix/dvmtemplate.py |
 * | a crashed or suspended qube counts as running: it is killed, not started, and no request to shut down reaches its guest | qubesd: vm/qubesvm.py |
 * | `Shutdown+wait` of a guest that does not end fails at once | qubesd: vm/qubesvm.py |
 *
 * A rename is a clone and a removal, as qvm-clone and qvm-remove make them; a restored qube is one of the
 * fixture with another UUID. Of the events of a start only those are sent that the older recordings have.
 */

export { defaultFixture }

export interface SimulatorOptions {
  /** Where to listen. A socket nobody listens on is replaced; one that answers is an error. */
  readonly socket: string
  readonly fixture?: HostFixture
  /** Instead of the fixture's. */
  readonly release?: SimulatedVersion
  /** Loaded if it exists, before the fixture; written after every write. */
  readonly stateFile?: string
  readonly faults?: readonly Fault[]
  /** Where the files of dom0 are: a qube whose template names a table that is not there does not start. */
  readonly dom0Files?: string
}

interface RecordedRequest {
  readonly method: string
  readonly arg: string
  readonly dest: string
  /** Latin-1: one char, one byte. */
  readonly payload: string
  /** Whether a request of this name changes the host, even if this one failed. */
  readonly write: boolean
}

export interface Simulator {
  readonly socket: string
  /** What came over the socket, in order; not what has no shape of a request. */
  readonly requests: readonly RecordedRequest[]
  writes(): number
  clearLog(): void
  setFaults(faults: readonly Fault[]): void
  readonly host: Host
  /** Carries out one request without the socket, faults or a record, as another writer on the host would. */
  act(bytes: Buffer): Buffer
  /** What happens when the Windows Tools of a running qube announce themselves. */
  notifyTools(qube: string): void
  /** The guest ends by itself: it shut down, or rebooted. */
  powerOff(qube: string): void
  /** Makes libvirt refuse to start the qube, in the given words; `null` ends that. */
  failStart(qube: string, reason: string | null): void
  /** What happens beside requests: the host suspends, or the guest crashes. */
  setState(qube: string, state: PowerState): void
  /** Whether the guest ignores requests to shut down. */
  ignoreShutdown(qube: string, ignores: boolean): void
  /** Listens again after a `die` fault; the host is as it was. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { socket, stateFile } = options
  const saved = stateFile === undefined ? undefined : loadState(stateFile)
  const fixture = saved ?? options.fixture ?? defaultFixture()
  const host = buildHost(fixture, options.release ?? fixture.release, options.dom0Files)
  const requests: RecordedRequest[] = []
  const stop = new AbortController()
  let strike = faultsInTurn(options.faults ?? [])
  let listener: Listener | undefined

  const save = (): void => {
    if (stateFile !== undefined) saveState(stateFile, host)
  }
  const die = (): void => void shut()
  const shut = async (): Promise<void> => {
    const last = listener
    listener = undefined
    await last?.close()
  }
  const onRequest = (bytes: Buffer, connection: Socket): void => {
    const request = decodeRequest(bytes)
    if (!request) {
      connection.end()
      return
    }
    const { method, arg, dest, payload } = request
    const record = { method, arg, dest, payload: payload.toString('latin1'), write: isWrite(method) }
    requests.push(record)
    void misbehave(strike(record), {
      connection,
      die,
      signal: stop.signal,
      answer: () => answerOn(host, bytes, connection, save),
    })
  }

  listener = await listen(socket, onRequest)
  return {
    socket,
    requests,
    host,
    writes: () => requests.filter((request) => request.write).length,
    clearLog: () => {
      requests.length = 0
    },
    setFaults: (faults) => {
      strike = faultsInTurn(faults)
    },
    act: (bytes) => {
      const request = decodeRequest(bytes)
      const answer = request && dispatch(host, request, save)
      if (answer?.kind === 'events') throw new Error('an event stream needs the socket')
      return answer?.bytes ?? Buffer.alloc(0)
    },
    notifyTools: (name) => {
      notifyTools(host, qubeOf(host, name))
      save()
    },
    powerOff: (name) => {
      halt(host, qubeOf(host, name))
      save()
    },
    failStart: (name, reason) => {
      if (reason === null) host.startErrors.delete(name)
      else host.startErrors.set(name, reason)
    },
    setState: (name, state) => {
      qubeOf(host, name).state = state
      save()
    },
    ignoreShutdown: (name, ignores) => {
      if (ignores) host.ignoringShutdown.add(name)
      else host.ignoringShutdown.delete(name)
    },
    restart: async () => {
      listener ??= await listen(socket, onRequest)
    },
    close: async () => {
      stop.abort()
      await shut()
    },
  }
}

function qubeOf(host: Host, name: string): Qube {
  const qube = host.qubes.get(name)
  if (!qube) throw new Error(`${name}: no such qube`)
  return qube
}

interface Work {
  readonly connection: Socket
  readonly die: () => void
  readonly signal: AbortSignal
  /** Does the work. Returns the answer, which is not sent yet, or nothing if a stream took over. */
  readonly answer: () => Buffer | undefined
}

async function misbehave(action: FaultAction | undefined, work: Work): Promise<void> {
  const { connection, die, answer } = work
  if (typeof action === 'object') {
    // An abort is the simulator being closed, which breaks the connection too.
    const ended = await wait(action.delayMs, true, { signal: work.signal }).catch(() => false)
    if (ended && !connection.destroyed) finish(connection, answer())
    return
  }
  switch (action) {
    case undefined:
      finish(connection, answer())
      return
    case 'pretend':
      finish(connection, Buffer.from('0\0'))
      return
    case 'refuse':
      connection.end()
      return
    case 'hang':
      return
    case 'hang-after':
      answer()
      return
    case 'drop-before':
      connection.destroy()
      return
    case 'die-before':
      die()
      return
    case 'drop-after':
      answer()
      connection.destroy()
      return
    case 'die-after':
      answer()
      die()
      return
    case 'garbage':
      answer()
      connection.end(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0x00, 0xfe, 0x0a]))
      return
    case 'truncate': {
      const whole = answer()
      connection.end(whole ? whole.subarray(0, Math.floor(whole.length / 2)) : '')
    }
  }
}

function finish(connection: Socket, bytes: Buffer | undefined): void {
  if (bytes) connection.end(bytes)
}

function answerOn(host: Host, bytes: Buffer, connection: Socket, save: () => void): Buffer | undefined {
  const request = decodeRequest(bytes)
  if (!request) return Buffer.alloc(0)
  const answer = dispatch(host, request, save)
  if (answer.kind === 'reply') return answer.bytes
  const source = host.qubes.get(request.source)
  stream(host, connection, answer.of, source?.klass === 'AdminVM')
  return undefined
}

/** Sends events until the client goes. One that is not dom0 has no policy to hear any. */
function stream(host: Host, connection: Socket, of: Qube, trusted: boolean): void {
  const hear: EventListener = (event) => {
    if (trusted && concerns(host, of, event)) connection.write(encodeEvent(event))
  }
  host.listeners.add(hear)
  connection.on('close', () => host.listeners.delete(hear))
  connection.write(encodeEvent({ subject: null, name: 'connection-established', fields: {} }))
}

/** dom0 hears of the host and of all its qubes; of others, one hears only what is about them. */
function concerns(host: Host, of: Qube, event: HostEvent): boolean {
  if (of.klass !== 'AdminVM') return event.subject === of
  return event.subject === null || host.qubes.get(event.subject.name) === event.subject
}

export { makeDom0Tree } from './dom0-tree.ts'
export { type SimulatedVersion, parseFixture } from './host/index.ts'
export { parseFaults } from './wire/index.ts'
