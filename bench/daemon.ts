import { readFileSync } from 'node:fs'
import { type Socket } from 'node:net'
import { makeDom0Tree } from '../simulator/dom0-tree.ts'
import { parseFixture } from '../simulator/host/fixture.ts'
import { startSimulator } from '../simulator/index.ts'
import { isWrite } from '../simulator/methods/method.ts'
import { listen } from '../simulator/wire/server.ts'
import { decodeRequest } from '../simulator/wire/wire.ts'
import { type ToDaemon } from './daemon-process.ts'

/**
 * A simulated qubesd for measuring, in a process of its own: `daemon.js SOCKET FIXTURE at-once|as-slow-as-qubesd`.
 * As slow as qubesd: a call takes as long as it does there with as many qubes on the host (the table in docs/performance.md).
 * Two fifths of that are work of its one thread, during which nothing else is answered; the rest passes between the two
 * ends, so that eight calls at once are answered about 2.5 times as fast as eight in turn, as it was measured there.
 */
const [socket = '', fixture = '', pace = 'at-once'] = process.argv.slice(2)

type Kind = 'get' | 'getAll' | 'list' | 'write'
type Row = Readonly<Record<Kind | 'qubes', number>>

/** Milliseconds of one call in turn. */
const COSTS: readonly Row[] = [
  { qubes: 13, get: 0.27, getAll: 0.7, list: 0.8, write: 3 },
  { qubes: 113, get: 0.4, getAll: 1.0, list: 2.1, write: 14 },
  { qubes: 1013, get: 1.7, getAll: 4.1, list: 18, write: 115 },
]
const WORK = 0.4

/** Milliseconds of a call that pass here outside of what is timed, as they were measured: of the one thread, and between the ends. */
const OUTSIDE = { thread: 0.04, both: 0.1 }

/** Between the rows of the table, and beyond them, on the straight line through two of them. */
function costOf(kind: Kind, qubes: number): number {
  const [first, middle, last] = COSTS as [Row, Row, Row]
  const [low, high] = qubes <= middle.qubes ? [first, middle] : [middle, last]
  return low[kind] + ((qubes - low.qubes) * (high[kind] - low[kind])) / (high.qubes - low.qubes)
}

function kindOf(method: string): Kind {
  if (isWrite(method)) return 'write'
  return method === 'admin.vm.List' ? 'list' : method === 'admin.vm.property.GetAll' ? 'getAll' : 'get'
}

const simulator = await startSimulator({
  socket: `${socket}.unused`,
  fixture: parseFixture(JSON.parse(readFileSync(fixture, 'utf8'))),
})
makeDom0Tree(`${socket}.dom0`)
const slow = pace === 'as-slow-as-qubesd'
const size = simulator.host.qubes.size
/** Answers that are done and not yet due, the first due first. */
const due: { readonly at: number; readonly send: () => void }[] = []
let calls: string[] = []
let polling = false

function sendDue(): void {
  while (due[0] !== undefined && due[0].at <= performance.now()) due.shift()?.send()
  polling = due.length > 0
  // Timers of Node know whole milliseconds only.
  if (polling) setImmediate(sendDue)
}

await listen(socket, (bytes: Buffer, connection: Socket) => {
  const begun = performance.now()
  const request = decodeRequest(bytes)
  if (request === undefined) return void connection.end()
  calls.push(bytes.toString('latin1'))
  const answer = simulator.act(bytes)
  if (!slow) return void connection.end(answer)
  const cost = costOf(kindOf(request.method), size)
  const worked = begun + cost * WORK - OUTSIDE.thread
  // Whoever sleeps wakes too late for times as short as these.
  while (performance.now() < worked);
  const at = begun + cost - OUTSIDE.both
  const place = due.findIndex((other) => other.at > at)
  due.splice(place === -1 ? due.length : place, 0, { at, send: () => void connection.end(answer) })
  if (!polling) sendDue()
})

process.on('message', (message: ToDaemon) => {
  if (message === 'take-calls') {
    process.send?.(calls)
    calls = []
  } else if (message === 'stop') {
    process.exit(0)
  } else {
    for (const call of message) simulator.act(Buffer.from(call, 'latin1'))
    process.send?.('replayed')
  }
})
process.send?.('ready')
