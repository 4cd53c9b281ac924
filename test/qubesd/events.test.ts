import assert from 'node:assert/strict'
import { test } from 'node:test'
import { featureSet } from '../../qubesd/calls.ts'
import { encodeRequest } from '../../qubesd/codec.ts'
import { daemonEvents, type EventOrGap } from '../../qubesd/events.ts'
import { socketTransport } from '../../qubesd/socket.ts'
import { type Simulator } from '../../simulator/index.ts'
import { clientOf, daemon, deferred, failsWith, folder, simulator } from './support.ts'

const SET = featureSet('win7-oem', 'audio-model', 'ich6')

interface Watch {
  readonly next: () => Promise<string>
  readonly stop: AbortController
  /** The `attempt` of every pause. */
  readonly attempts: number[]
  readonly ended: () => Promise<boolean>
}

/** Reads the stream one entry at a time: the name of an event, or `gap` and what became of the connection. */
function watch(socket: string, pause: () => Promise<void> = () => Promise.resolve()): Watch {
  const stop = new AbortController()
  const attempts: number[] = []
  const stream = daemonEvents(socketTransport(socket), {
    signal: stop.signal,
    pause: async (attempt) => {
      attempts.push(attempt)
      await pause()
    },
  })[Symbol.asyncIterator]()
  return {
    stop,
    attempts,
    next: async () => {
      const { done, value } = await (stream.next() as Promise<IteratorResult<EventOrGap, undefined>>)
      if (done === true) return 'end'
      return value.kind === 'gap' ? `gap ${value.error.code}` : value.event.name
    },
    ended: async () => (await stream.next()).done === true,
  }
}

function feature(host: Simulator, value: string): void {
  assert.equal(host.act(encodeRequest({ ...SET, payload: value })).toString(), '0\0')
}

test('events are told as they happen', async (t) => {
  const host = await simulator(t)
  const { next, stop } = watch(host.socket)
  assert.equal(await next(), 'connection-established')
  feature(host, 'ich6')
  assert.equal(await next(), 'domain-feature-pre-set:audio-model')
  assert.equal(await next(), 'domain-feature-set:audio-model')
  const waiting = next()
  feature(host, 'ich9')
  assert.equal(await waiting, 'domain-feature-pre-set:audio-model')
  stop.abort()
})

test('an event has subject and fields', async (t) => {
  const host = await simulator(t)
  const stop = new AbortController()
  const seen: EventOrGap[] = []
  const pause = (): Promise<void> => Promise.reject(new Error('the connection was lost'))
  for await (const entry of daemonEvents(socketTransport(host.socket), { signal: stop.signal, pause })) {
    if (seen.push(entry) === 1) feature(host, 'ich6')
    if (seen.length === 3) stop.abort()
  }
  assert.deepEqual(seen[2], {
    kind: 'event',
    event: {
      subject: 'win7-oem',
      name: 'domain-feature-set:audio-model',
      fields: { feature: 'audio-model', value: 'ich6' },
    },
  })
})

test('a daemon that dies leaves a gap, and is listened to again when it is back', async (t) => {
  const host = await simulator(t, { faults: [{ match: { writesOnly: true }, times: 1, do: 'die-after' }] })
  const { next, stop, attempts } = watch(host.socket, () => host.restart())
  assert.equal(await next(), 'connection-established')
  await clientOf(host).call(SET).catch(failsWith('refused'))
  const names = [await next(), await next(), await next(), await next()]
  assert.deepEqual(names, [
    'domain-feature-pre-set:audio-model',
    'domain-feature-set:audio-model',
    'gap daemon-unreachable',
    'connection-established',
  ])
  assert.deepEqual(attempts, [1])
  stop.abort()
})

test('attempts are counted until one succeeds, then from the beginning', async (t) => {
  const host = await simulator(t, { faults: [{ match: { writesOnly: true }, do: 'die-before' }] })
  let down = 0
  const { next, stop, attempts } = watch(host.socket, async () => {
    if (++down === 3) await host.restart()
  })
  assert.equal(await next(), 'connection-established')
  for (const expected of [
    [1, 2, 3],
    [1, 2, 3],
  ]) {
    down = 0
    attempts.length = 0
    await clientOf(host).call(SET).catch(failsWith('refused'))
    const names = [await next(), await next(), await next(), await next()]
    assert.deepEqual(names, [
      'gap daemon-unreachable',
      'gap daemon-unreachable',
      'gap daemon-unreachable',
      'connection-established',
    ])
    assert.deepEqual(attempts, expected)
  }
  stop.abort()
})

test('a daemon that is not there yet is waited for', async (t) => {
  const dir = folder(t)
  const { next, stop } = watch(`${dir}/qubesd.sock`)
  assert.equal(await next(), 'gap daemon-unreachable')
  assert.equal(await next(), 'gap daemon-unreachable')
  stop.abort()
  assert.equal(await next(), 'end')
})

test('the signal ends the stream while it waits for an event', async (t) => {
  const host = await simulator(t)
  const { next, stop, ended } = watch(host.socket)
  await next()
  const waiting = ended()
  stop.abort()
  assert.equal(await waiting, true)
})

test('the signal ends the stream while it pauses', async (t) => {
  const pausing = deferred()
  const held = deferred()
  const { next, stop } = watch(`${folder(t)}/qubesd.sock`, () => {
    pausing.resolve()
    return held.promise
  })
  assert.equal(await next(), 'gap daemon-unreachable')
  const last = next()
  await pausing.promise
  stop.abort()
  held.resolve()
  assert.equal(await last, 'end')
})

test('nobody is asked for events after the signal', async (t) => {
  const host = await simulator(t)
  const { next, stop } = watch(host.socket)
  stop.abort()
  assert.equal(await next(), 'end')
  assert.equal(host.requests.length, 0)
})

test('a reader that goes away closes the connection', async (t) => {
  const closed = deferred()
  const host = await daemon(t, (connection) => {
    connection.on('close', () => {
      closed.resolve()
    })
    // The client has long finished its half: that it is gone is noticed by telling it more.
    const tell = (): void => {
      if (!connection.destroyed) connection.write('1\0\0connection-established\0\0', () => setImmediate(tell))
    }
    tell()
  })
  const pause = (): Promise<void> => Promise.reject(new Error('the connection was lost'))
  const { signal } = new AbortController()
  for await (const entry of daemonEvents(socketTransport(host.socket), { signal, pause })) {
    assert.equal(entry.kind, 'event')
    break
  }
  await closed.promise
})

test('events that come in pieces, several in one, are told one by one', async (t) => {
  const text = '1\0\0connection-established\0\x001\0a\0e1\0\x001\0b\0e2\0k\0v\0\0'
  const host = await daemon(t, (connection) => {
    connection.write(text.slice(0, 20))
    setImmediate(() => connection.write(text.slice(20)))
  })
  const { next, stop } = watch(host.socket)
  assert.deepEqual([await next(), await next(), await next()], ['connection-established', 'e1', 'e2'])
  stop.abort()
})

test('an event cut off by a lost connection is not told, and leaves a gap', async (t) => {
  const host = await daemon(t, (connection, nth) => {
    if (nth > 1) connection.write('1\0\0connection-established\0\0')
    else connection.end('1\0\0connection-established\0\x001\0win7\0half')
  })
  const { next, stop } = watch(host.socket)
  assert.deepEqual(
    [await next(), await next(), await next()],
    ['connection-established', 'gap daemon-unreachable', 'connection-established'],
  )
  stop.abort()
})

const WRONG: readonly { says: string; code: 'malformed-answer' | 'refused'; reason: string }[] = [
  { says: '', code: 'refused', reason: 'the daemon refuses' },
  {
    says: '2\0PermissionDenied\0\0no\0',
    code: 'refused',
    reason: 'the daemon refuses, and says so, as 4.4 does',
  },
  { says: '\x7fELF\xff\0\xfe\n', code: 'malformed-answer', reason: 'rubbish' },
  { says: 'rubbish without end', code: 'malformed-answer', reason: 'rubbish that does not even end' },
  { says: '0\0', code: 'malformed-answer', reason: 'a reply is no stream' },
  {
    says: '1\0\0connection-established\0\0rubbish\0',
    code: 'malformed-answer',
    reason: 'rubbish after an event',
  },
]

for (const { says, code, reason } of WRONG) {
  test(`the stream fails with ${code}, and is not tried again: ${reason}`, async (t) => {
    const host = await daemon(t, (connection) => connection.end(Buffer.from(says, 'latin1')))
    const { next } = watch(host.socket)
    // What came before the rubbish, in the same piece, may or may not be told.
    const first = says.startsWith('1') ? next().then(next) : next()
    await assert.rejects(first, failsWith(code, 'admin.Events'))
    assert.equal(host.connections(), 1)
  })
}
