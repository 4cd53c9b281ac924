import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { featureSet } from '../../qubesd/calls.ts'
import { type Call, encodeRequest, MAX_REPLY_BYTES, MAX_REQUEST_BYTES } from '../../qubesd/codec.ts'
import { socketTransport } from '../../qubesd/socket.ts'
import { clientOf, daemon, failsWith, folder, read } from './support.ts'

/** A daemon that breaks the connection with the request unread, which a client notices as a reset. */
async function rudeDaemon(t: TestContext, says: string): Promise<{ readonly socket: string }> {
  const socket = join(folder(t), 'qubesd.sock')
  const server = createServer({ pauseOnConnect: true }, (connection) => {
    connection.on('error', () => undefined)
    if (says === '') connection.destroy()
    else connection.write(says, () => connection.destroy())
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(() => server.close())
  return { socket }
}

test('daemon-unreachable: the connection breaks before the answer', async (t) => {
  const client = clientOf(await rudeDaemon(t, ''))
  for (let i = 0; i < 50; i++) await assert.rejects(client.call(read()), failsWith('daemon-unreachable'))
})

test('daemon-unreachable: the connection breaks in the middle of the answer', async (t) => {
  const client = clientOf(await rudeDaemon(t, '0\0half'))
  for (let i = 0; i < 50; i++) await assert.rejects(client.call(read()), failsWith('daemon-unreachable'))
})

test('an answer in many pieces is put together', async (t) => {
  const host = await daemon(t, (connection) => {
    const pieces = ['0', '\0', 'in ', 'pie', 'ces']
    const next = (): void => {
      const piece = pieces.shift()
      if (piece === undefined) connection.end()
      else connection.write(piece, next)
    }
    next()
  })
  assert.equal((await clientOf(host).call(read())).toString(), 'in pieces')
})

test('timeout: an answer that stops half way', async (t) => {
  const host = await daemon(t, (connection) => connection.write('0\0half'))
  await assert.rejects(clientOf(host, { timeoutMs: 20 }).call(read()), failsWith('timeout'))
})

test('an answer of 16 MiB is read whole, and a longer one is refused as it comes', async (t) => {
  const most = MAX_REPLY_BYTES - 2
  const host = await daemon(t, (connection, nth) => {
    connection.write('0\0')
    if (nth === 1) connection.end(Buffer.alloc(most))
    else connection.write(Buffer.alloc(most + 10))
  })
  const client = clientOf(host)
  assert.equal((await client.call(read())).length, most)
  // This one never ends, so that it must be given up before its end.
  await assert.rejects(client.call(read()), failsWith('malformed-answer'))
})

test('the largest request that qubesd takes is sent, and one byte more is not', async (t) => {
  const host = await daemon(t, (connection) => connection.end('0\0'))
  const client = clientOf(host)
  const empty = encodeRequest(featureSet('win10', 'x', '')).length
  const ofSize = (size: number): Call => featureSet('win10', 'x', 'v'.repeat(size - empty))
  await client.call(ofSize(MAX_REQUEST_BYTES))
  assert.equal(host.connections(), 1)
  await assert.rejects(client.call(ofSize(MAX_REQUEST_BYTES + 1)), failsWith('request-too-large'))
  assert.equal(host.connections(), 1)
})

test('a read under way is stopped by the signal', async (t) => {
  const stop = new AbortController()
  const host = await daemon(t, () => {
    stop.abort()
  })
  const client = clientOf(host, { signal: stop.signal })
  await assert.rejects(client.call(read()), failsWith('aborted'))
})

test('a write under way goes on to its end, and so does the next that must finish', async (t) => {
  const stop = new AbortController()
  const host = await daemon(t, (connection) => {
    stop.abort()
    setImmediate(() => connection.end('0\0'))
  })
  const client = clientOf(host, { signal: stop.signal })
  const write = featureSet('win10', 'a', 'b')
  assert.equal((await client.call(write, { finish: true })).length, 0)
  assert.equal((await client.call(write, { finish: true })).length, 0)
})

test('after the signal a read does not reach the daemon, nor does one that waited for its turn', async (t) => {
  const stop = new AbortController()
  const host = await daemon(t, () => {
    stop.abort()
  })
  const client = clientOf(host, { signal: stop.signal, concurrency: 1 })
  const outcomes = await Promise.allSettled([client.call(read()), client.call(read()), client.call(read())])
  for (const outcome of outcomes)
    assert.ok(outcome.status === 'rejected' && failsWith('aborted')(outcome.reason))
  assert.equal(host.connections(), 1)
})

test('the signal keeps no listener of calls that are over', async (t) => {
  const host = await daemon(t, (connection, nth) => connection.end(nth % 2 === 0 ? '0\0' : ''))
  let listeners = 0
  const { signal } = new AbortController()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--
    remove(...args)
  }
  const client = clientOf(host, { signal })
  await Promise.allSettled([1, 2, 3, 4].map(() => client.call(read())))
  assert.equal(listeners, 0)
})

test('a transport says where it goes', () => {
  const { kind, where } = socketTransport('/run/other.sock')
  assert.deepEqual({ kind, where }, { kind: 'socket', where: '/run/other.sock' })
})
