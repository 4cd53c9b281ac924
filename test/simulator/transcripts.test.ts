import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseFixture } from '../../simulator/host/fixture.ts'
import { type SimulatedVersion, startSimulator } from '../../simulator/index.ts'
import { askBytes } from './ask.ts'
import { transcripts } from './recordings.ts'

/** Replays what real daemons were recorded to answer, over a real socket, and compares every byte. */

const SCENARIOS = ['read', 'features', 'properties', 'usb', 'tags', 'lifecycle', 'errors', 'events']
const VERSIONS: readonly (readonly [string, SimulatedVersion])[] = [
  ['4.3', '4.3'],
  ['4.4-dev', '4.4'],
]

interface Exchange {
  readonly note: string
  readonly request: Buffer
  readonly response: Buffer
}

test('every recorded exchange is answered byte for byte', async (t) => {
  const differences: string[] = []
  let exchanges = 0
  for (const [version, release] of VERSIONS) {
    const dir = mkdtempSync(join(tmpdir(), 'qstate-replay-'))
    const fixture = parseFixture(JSON.parse(readFileSync(join(transcripts(), 'fixture.json'), 'utf8')))
    const simulator = await startSimulator({ socket: join(dir, 'qubesd.sock'), fixture, release })
    try {
      for (const scenario of SCENARIOS) {
        for (const [i, exchange, response] of await replay(simulator.socket, version, scenario)) {
          exchanges++
          if (exchange.response.equals(response)) continue
          differences.push(describe(`${version}/${scenario}:${i + 2}`, exchange, response))
        }
      }
    } finally {
      await simulator.close()
      rmSync(dir, { recursive: true })
    }
  }
  t.diagnostic(`${exchanges} exchanges, ${differences.length} differences`)
  assert.equal(differences.length, 0, `\n${differences.join('\n')}`)
  assert.equal(exchanges, countRecorded())
})

/** In `events` the last line is a stream that was opened before the first request, and closed after the last. */
async function replay(
  socket: string,
  version: string,
  scenario: string,
): Promise<(readonly [number, Exchange, Buffer])[]> {
  const exchanges = load(version, scenario)
  const stream = scenario === 'events' ? exchanges.pop() : undefined
  const listener = stream && (await openStream(socket, stream.request))
  const results: [number, Exchange, Buffer][] = []
  for (const [i, exchange] of exchanges.entries()) {
    results.push([i, exchange, await askBytes(socket, exchange.request)])
  }
  if (stream && listener) results.push([exchanges.length, stream, await listener()])
  return results
}

function describe(where: string, exchange: Exchange, got: Buffer): string {
  const show = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1')).slice(0, 6000)
  return `${where} ${exchange.note}\n  asked    ${show(exchange.request).slice(0, 300)}\n  recorded ${show(exchange.response)}\n  answered ${show(got)}`
}

function load(version: string, scenario: string): Exchange[] {
  const [head = '{}', ...lines] = readLines(version, scenario)
  assert.equal((JSON.parse(head) as { scenario: string }).scenario, scenario)
  return lines.map((line) => {
    const record = JSON.parse(line) as { note: string; request_b64: string; response_b64: string }
    return {
      note: record.note,
      request: Buffer.from(record.request_b64, 'base64'),
      response: Buffer.from(record.response_b64, 'base64'),
    }
  })
}

/** All lines of all files, so that a scenario nobody replays is noticed. */
function countRecorded(): number {
  return VERSIONS.flatMap(([version]) =>
    readdirSync(join(transcripts(), version)).map(
      (file) => readLines(version, file.replace(/[.]jsonl$/, '')).length - 1,
    ),
  ).reduce((sum, count) => sum + count, 0)
}

function readLines(version: string, scenario: string): string[] {
  return readFileSync(join(transcripts(), version, `${scenario}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
}

/** Resolves once the stream has begun; then gives what came before an event that marks the end. */
async function openStream(socket: string, request: Buffer): Promise<() => Promise<Buffer>> {
  const connection = connect({ path: socket, allowHalfOpen: true })
  const marker = Buffer.from('1\0win7\0domain-tag-add:the-end\0')
  let received = Buffer.alloc(0)
  let ended = (): void => undefined
  const whole = new Promise<void>((resolve) => {
    ended = resolve
  })
  await new Promise<void>((resolve, reject) => {
    connection.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      resolve()
      if (received.includes(marker)) ended()
    })
    connection.on('error', reject)
    connection.end(request)
  })
  return async () => {
    await askBytes(socket, Buffer.from('admin.vm.tag.Set+the-end dom0 name win7\0'))
    await whole
    connection.destroy()
    return received.subarray(0, received.indexOf(marker))
  }
}
