import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { takeLock } from '../../journal/lock.ts'
import { socketTransport } from '../../qubesd/socket.ts'
import { qrexecTransport } from '../../qubesd/qrexec.ts'
import { createClient } from '../../qubesd/client.ts'
import { failsWith, read } from '../qubesd/support.ts'
import { startQstate } from '../support/process.ts'
import { tempFolder } from '../support/temp.ts'

/** A daemon that begins an answer and never ends it, a byte at a time. */
async function endlessDaemon(
  t: TestContext,
): Promise<{ readonly socket: string; readonly asked: () => Promise<void> }> {
  const socket = join(tempFolder(t), 'qubesd.sock')
  const open = new Set<Socket>()
  let begin = (): void => undefined
  const asked = new Promise<void>((resolve) => (begin = resolve))
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    open.add(connection)
    const drip = setInterval(() => connection.write('x'), 5)
    connection.on('error', () => undefined)
    connection.on('close', () => {
      clearInterval(drip)
      open.delete(connection)
    })
    connection.resume()
    connection.write('0\0')
    begin()
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(() => {
    for (const connection of open) connection.destroy()
    server.close()
  })
  return { socket, asked: () => asked }
}

const SPEC = 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { memory: 5000 } }\n'

/** The command line of an apply to a daemon whose answers do not end. */
async function applyToEndless(
  t: TestContext,
  ...more: readonly string[]
): Promise<{
  readonly argv: readonly string[]
  readonly locks: string
  readonly asked: () => Promise<void>
}> {
  const { socket, asked } = await endlessDaemon(t)
  const folder = tempFolder(t)
  const spec = join(folder, 'spec.yaml')
  writeFileSync(spec, SPEC)
  const state = join(folder, 'state')
  const argv = ['--socket', socket, '--state-dir', state, ...more, 'apply', '--yes', spec]
  return { argv, locks: join(state, 'hosts', socket.replace(/[^A-Za-z0-9._-]+/g, '-').slice(1)), asked }
}

test('a call ends at its limit although a byte comes now and then, through the socket', async (t) => {
  const { socket } = await endlessDaemon(t)
  const client = createClient(socketTransport(socket), { timeoutMs: 100 })
  await assert.rejects(client.call(read()), failsWith('timeout'))
})

test('a call ends at its limit although a byte comes now and then, through qrexec', async (t) => {
  const program = join(tempFolder(t), 'qrexec-client-vm')
  writeFileSync(program, '#!/bin/sh\nwhile printf x; do sleep 0.02; done\n', { mode: 0o755 })
  const client = createClient(qrexecTransport(program, 'mgmt'), { timeoutMs: 200 })
  await assert.rejects(client.call(read()), failsWith('timeout'))
})

test('a run ends at the limit of a call that does not end, and gives the lock back', async (t) => {
  const { argv, locks } = await applyToEndless(t, '--timeout', '1')
  const { code, err } = await startQstate(argv).ended
  assert.equal(code, 1, err)
  assert.match(err, /no whole answer within 1 s/)
  const lock = await takeLock(locks, {
    who: 'test',
    now: '2026-11-24T12:00:00Z',
    again: () => Promise.resolve(false),
  })
  assert.equal(lock.kind, 'held')
})

test('SIGTERM ends the wait for an answer that does not end', async (t) => {
  const { argv, asked } = await applyToEndless(t, '--timeout', '3600')
  const running = startQstate(argv)
  await asked()
  running.child.kill('SIGTERM')
  assert.equal((await running.ended).code, 143)
})

test('SIGTERM ends the wait for a lock', async (t) => {
  const { argv, locks } = await applyToEndless(t)
  const lock = await takeLock(locks, {
    who: 'anna@laptop',
    now: '2026-11-24T12:00:00Z',
    again: () => Promise.resolve(false),
  })
  assert.equal(lock.kind, 'held')
  const running = startQstate([...argv, '--lock-timeout', '86400'])
  await running.said('Waiting for anna@laptop')
  running.child.kill('SIGTERM')
  assert.equal((await running.ended).code, 143)
})
