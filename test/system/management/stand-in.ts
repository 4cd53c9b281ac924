import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { decodeEvents } from '../../../qubesd/codec.ts'
import { qrexecTransport } from '../../../qubesd/qrexec.ts'
import { type Transport } from '../../../qubesd/transport.ts'
import { type Simulator } from '../../../simulator/index.ts'
import { decide, parsePolicy, type PolicyQube, type PolicyRule } from '../../../simulator/wire/policy.ts'
import { ROOT } from '../../cli/run-cli.ts'
import { type Scope } from '../../support/temp.ts'
import { python } from './python.ts'

/** A call from the management qube, as dom0 saw it. */
interface SeenCall {
  /** `METHOD+ARG`. */
  readonly call: string
  readonly target: string
  /** The rule that decided; null where none did. */
  readonly rule: PolicyRule | null
  readonly allowed: boolean
}

/** qrexec of one simulated host: policy, and behind it the simulator and the services of `dom0/`. */
export interface StandIn {
  /** A `qrexec-client-vm` of its own. */
  readonly program: string
  /** The same with a process for denied calls only, for what makes hundreds. */
  readonly transport: Transport
  readonly seen: SeenCall[]
  setPolicy(text: string): void
  /** Services that dom0 has not got. */
  readonly missing: Set<string>
}

/** A call as qrexec has cleaned it, and what policy says of it. */
interface Judged {
  readonly call: string
  readonly target: string
  readonly allowed: boolean
  readonly payload: Buffer
}

const SERVICES: Readonly<Record<string, string>> = {
  'qstate.slic.Get': 'get',
  'qstate.slic.Set': 'set',
  'qstate.slic.Remove': 'remove',
  'qstate.slic.List': 'list',
}

export const SERVICE_FILE = join(ROOT, 'dom0/qstate.Slic')

const EXIT_REFUSED = 126
const EXIT_NOT_FOUND = 127

/**
 * The program that qstate starts is a few lines that hand everything over to this process, as qrexec-client-vm hands
 * it to dom0: so that policy, simulator and test share one memory.
 */
export async function standIn(
  scope: Scope,
  host: { readonly simulator: Simulator; readonly folder: string; readonly socket: string },
  source: string,
): Promise<StandIn> {
  let rules: readonly PolicyRule[] = []
  const seen: SeenCall[] = []
  const missing = new Set<string>()
  const socket = join(host.folder, 'qrexec.sock')
  const program = join(host.folder, 'qrexec-client-vm')
  writeFileSync(program, PROGRAM.replace('PYTHON', python()).replace('SOCKET', socket))
  chmodSync(program, 0o755)

  const judge = (request: Buffer): Judged => {
    const end = request.indexOf(10)
    const [rawTarget = '', rawCall = ''] = request.toString('latin1', 0, end).split(' ')
    // qrexec-daemon.c, sanitize_name: what is no letter, digit or one of these becomes `_`.
    const target = rawTarget.replace(/[^A-Za-z0-9_.@:-]/g, '_')
    const call = rawCall.replace(/[^A-Za-z0-9_.+-]/g, '_')
    const decision = decide(rules, { call, source, target }, qubesOf(host.simulator))
    seen.push({ call, target, rule: decision.rule, allowed: decision.action === 'allow' })
    const allowed = decision.action === 'allow' && decision.target === 'dom0'
    return { call, target, allowed, payload: request.subarray(end + 1) }
  }
  /** Of all qubes and all events qubesd tells a qube those only that policy lets it ask for one by one. */
  const isTold = (call: string, target: string): boolean => {
    const { action, rule } = decide(rules, { call, source, target }, qubesOf(host.simulator))
    if (action === 'allow') seen.push({ call, target, rule, allowed: true })
    return action === 'allow'
  }
  const answer = async ({ call, target, allowed, payload }: Judged): Promise<Buffer> => {
    if (!allowed) return Buffer.of(EXIT_REFUSED)
    const [method, arg] = split(call)
    const operation = SERVICES[method]
    if (operation === undefined) {
      const told = await toQubesd(host.socket, call, target, payload)
      return method === 'admin.vm.List' ? listOf(told, (qube) => isTold(call, qube)) : told
    }
    if (missing.has(method)) return Buffer.of(EXIT_NOT_FOUND)
    return toService([operation, source, arg, '--root', `${host.socket}.dom0`], payload)
  }

  const server = createServer({ allowHalfOpen: true }, (connection) => {
    connection.on('error', () => undefined)
    void receive(connection).then(async (request) => {
      const judged = judge(request)
      // The one answer that has no end: it is passed on as it comes.
      if (judged.allowed && judged.call === 'admin.Events') passOn(host.socket, judged, connection, isTold)
      else connection.end(await answer(judged))
    })
  })
  server.listen(socket)
  await once(server, 'listening')
  scope.after(() => {
    server.close()
  })
  const real = qrexecTransport(program, source)
  const transport: Transport = {
    ...real,
    async exchange(call, options) {
      const service = call.arg === '' ? call.method : `${call.method}+${call.arg}`
      const bytes = await answer(judge(Buffer.from(`${call.dest} ${service}\n${call.payload}`, 'latin1')))
      return bytes[0] === 0 ? bytes.subarray(1) : real.exchange(call, options)
    },
  }
  return {
    program,
    transport,
    seen,
    missing,
    setPolicy(text) {
      rules = parsePolicy({ '30-qstate.policy': text })
    },
  }
}

const PROGRAM = `#!PYTHON -ISB
import _socket, sys
from posix import read, write
s = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
s.connect('SOCKET')
s.sendall((' '.join(sys.argv[1:3]) + '\\n').encode('latin-1'))
while data := read(0, 65536):
    s.sendall(data)
s.shutdown(_socket.SHUT_WR)
code = s.recv(1)[0]
while data := s.recv(65536):
    while data:
        data = data[write(1, data):]
if code == 126:
    write(2, b'Request refused\\n')
sys.exit(code)
`

function split(call: string): readonly [string, string] {
  const plus = call.indexOf('+')
  return plus === -1 ? [call, ''] : [call.slice(0, plus), call.slice(plus + 1)]
}

function qubesOf({ host }: Simulator): ReadonlyMap<string, PolicyQube> {
  return new Map(
    [...host.qubes.values()]
      .filter((qube) => qube.klass !== 'AdminVM')
      .map((qube) => [qube.name, { type: qube.klass, tags: new Set(qube.tags) }]),
  )
}

/** All that comes until the other side has said its last; a broken connection is an end, too. */
function receive(connection: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve) => {
    const done = (): void => {
      resolve(Buffer.concat(chunks))
    }
    connection.on('data', (chunk: Buffer) => chunks.push(chunk))
    connection.on('error', () => undefined)
    connection.once('end', done)
    connection.once('close', done)
  })
}

/** An answer with those lines only whose qube may be told of. */
function listOf(answer: Buffer, isTold: (qube: string) => boolean): Buffer {
  const head = answer.subarray(0, 3)
  const lines = answer
    .subarray(3)
    .toString('latin1')
    .split(/(?<=\n)/)
  const told = lines.filter((line) => isTold(line.slice(0, line.indexOf(' '))))
  return Buffer.concat([head, Buffer.from(told.join(''), 'latin1')])
}

/** The events that come from qubesd as they come, as far as they may be told of, until either side is gone. */
function passOn(
  socket: string,
  { call, payload }: Judged,
  client: Socket,
  isTold: (call: string, target: string) => boolean,
): void {
  let rest = Buffer.alloc(0)
  const pass = (chunk: Buffer): void => {
    const decoded = decodeEvents(Buffer.concat([rest, chunk]))
    if ('malformed' in decoded) throw new Error(decoded.malformed)
    rest = Buffer.from(decoded.rest)
    for (const { subject, name, fields } of decoded.events) {
      const whose = subject === '' ? (fields['vm'] ?? '@adminvm') : subject
      if (name !== 'connection-established' && !isTold(`${call}+${name.replaceAll(':', '_')}`, whose))
        continue
      const pairs = Object.entries(fields).map(([key, value]) => `${key}\0${value}\0`)
      client.write(`1\0${subject}\0${name}\0${pairs.join('')}\0`)
    }
  }
  const daemon = connect({ path: socket, allowHalfOpen: true })
  daemon.end(Buffer.concat([Buffer.from(`${call} dom0 name dom0\0`, 'latin1'), payload]))
  client.write(Buffer.of(0))
  daemon.on('error', () => client.destroy())
  client.on('close', () => daemon.destroy())
  daemon.on('data', pass)
  daemon.on('end', () => client.end())
}

/** The answer, after a byte for the exit code. */
async function toQubesd(socket: string, call: string, target: string, payload: Buffer): Promise<Buffer> {
  const dest = target === '@adminvm' ? 'dom0' : target
  const connection = connect({ path: socket, allowHalfOpen: true })
  connection.end(Buffer.concat([Buffer.from(`${call} dom0 name ${dest}\0`, 'latin1'), payload]))
  return Buffer.concat([Buffer.of(0), await receive(connection)])
}

async function toService(args: readonly string[], payload: Buffer): Promise<Buffer> {
  const child = spawn(python(), ['-IB', SERVICE_FILE, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  child.stdin.on('error', () => undefined)
  child.stdin.end(payload)
  const [code] = (await once(child, 'close')) as [number | null]
  // The caller hears neither of a traceback nor of an exit code of its own.
  if (err !== '' || code !== 0) throw new Error(`the service ended with ${String(code)}: ${err}`)
  return Buffer.concat([Buffer.of(0), ...out])
}
