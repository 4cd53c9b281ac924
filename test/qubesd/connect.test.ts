import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { findTransport } from '../../qubesd/connect.ts'
import { QREXEC_CLIENT } from '../../qubesd/qrexec.ts'
import { QUBESD_SOCKET } from '../../qubesd/socket.ts'
import { failsWith } from './support.ts'

const HOST = { hostname: 'mgmt' }

const CASES: readonly {
  options: { socket?: string; qrexecClient?: string }
  kind: string
  where: string
  reason: string
}[] = [
  { options: { socket: '/a.sock' }, kind: 'socket', where: '/a.sock', reason: 'a socket that was named' },
  { options: { qrexecClient: '/b' }, kind: 'qrexec', where: '/b', reason: 'a program that was named' },
  {
    options: { socket: '/a.sock', qrexecClient: '/b' },
    kind: 'socket',
    where: '/a.sock',
    reason: 'the socket first',
  },
]

for (const { options, kind, where, reason } of CASES) {
  test(`takes ${reason}, whether or not it is there`, () => {
    const transport = findTransport({ ...options, ...HOST })
    assert.deepEqual({ kind: transport.kind, where: transport.where }, { kind, where })
  })
}

test('finds what this machine has, and says what it lacks', () => {
  const found = [
    existsSync(QUBESD_SOCKET) ? ['socket', QUBESD_SOCKET] : undefined,
    existsSync(QREXEC_CLIENT) ? ['qrexec', QREXEC_CLIENT] : undefined,
  ].find((way) => way !== undefined)
  if (found === undefined) {
    assert.throws(() => findTransport(HOST), failsWith('daemon-unreachable'))
    return
  }
  const { kind, where } = findTransport(HOST)
  assert.deepEqual([kind, where], found)
})
