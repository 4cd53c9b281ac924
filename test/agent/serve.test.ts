import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeMetrics } from '../../agent/notify/metrics.ts'
import { serve } from '../../agent/notify/serve.ts'
import { NO_MEMORY } from '../../agent/state/memory.ts'
import { type Memory } from '../../documents/agent/index.ts'
import { problem } from '../../spec/diagnostics/index.ts'
import { startQstate } from '../support/process.ts'
import { tempFolder } from '../support/temp.ts'

const AT = '2026-11-26T08:00:00.000Z'
const WELL: Memory = {
  ...NO_MEMORY,
  inForce: { commit: 'a'.repeat(40), since: AT, signers: '' },
  comparedAt: AT,
  events: 'connected',
}

/** What `/readyz` says of a memory. */
async function readiness(
  t: TestContext,
  memory: Memory,
): Promise<{ readonly status: number; readonly amiss: readonly string[] }> {
  const socketPath = join(tempFolder(t), 's')
  const stop = new AbortController()
  const served = {
    metrics: makeMetrics('1'),
    memory: () => memory,
    now: () => new Date(AT),
    say: () => undefined,
  }
  await serve(`unix:${socketPath}`, served, stop.signal)
  t.after(() => {
    stop.abort()
  })
  return new Promise((resolve, reject) => {
    request({ socketPath, path: '/readyz' }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => {
        const { amiss } = JSON.parse(body) as { amiss: string[] }
        resolve({ status: response.statusCode ?? 0, amiss })
      })
    })
      .on('error', reject)
      .end()
  })
}

const suspended = (until: string | null): Memory => ({
  ...WELL,
  suspended: { until, by: 'alice', since: AT, why: '' },
})

const CASES: readonly [string, Memory, RegExp | null][] = [
  ['all is well', WELL, null],
  ['applies fail', { ...WELL, failures: { 'win-a': { times: 2, last: AT } } }, /tried in vain: win-a/],
  [
    'a setting is blocked',
    { ...WELL, blocked: [{ qube: 'win-a', path: 'audio/model', problem: problem('refused', 'x', 'y') }] },
    /cannot be planned: win-a\/audio\/model/,
  ],
  [
    'a conflict stands',
    { ...WELL, held: [{ qube: 'win-a', path: 'qube/vcpus', why: 'conflict', until: AT }] },
    /changed back each time: win-a\/qube\/vcpus/,
  ],
  [
    'something is held for a window',
    { ...WELL, held: [{ qube: 'win-a', path: null, why: 'outside', until: AT }] },
    null,
  ],
  [
    'its fleet is away',
    {
      ...WELL,
      fleetAway: {
        code: 'store-unreachable',
        message: 'no server answers',
        hint: '',
        since: AT,
        lasts: false,
      },
    },
    /the fleet is not reached: no server answers/,
  ],
  ['it is suspended', suspended(null), /suspended/],
  ['it is suspended for a while', suspended('2026-11-26T09:00:00.000Z'), /suspended/],
  ['a suspension is over', suspended('2026-11-26T07:00:00.000Z'), null],
]

for (const [what, memory, why] of CASES)
  test(`readiness is ${why === null ? 'told' : 'denied'} where ${what}`, async (t) => {
    const { status, amiss } = await readiness(t, memory)
    assert.equal(status, why === null ? 200 : 503)
    if (why === null) assert.deepEqual(amiss, [])
    else assert.match(amiss.join(), why)
  })

const listeningOn = (path: string): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer().listen(path, () => {
      resolve(server)
    })
  })

test('a socket that somebody answers on is left alone, and one that a killed agent has left is not', async (t) => {
  const path = join(tempFolder(t), 's')
  const other = await listeningOn(path)
  const stop = new AbortController()
  const served = {
    metrics: makeMetrics('1'),
    memory: () => WELL,
    now: () => new Date(AT),
    say: () => undefined,
  }
  await assert.rejects(serve(`unix:${path}`, served, stop.signal), /EADDRINUSE/)
  assert.ok(existsSync(path))
  await new Promise((resolve) => other.close(resolve))

  const killed = startQstate(['simulator', '--socket', path])
  await killed.said(path)
  killed.child.kill('SIGKILL')
  await killed.ended
  assert.ok(existsSync(path))
  await serve(`unix:${path}`, served, stop.signal)
  stop.abort()
})
