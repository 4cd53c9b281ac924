import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { takeLock } from '../../journal/lock.ts'
import { hostOptions, stateOf } from '../support/cli.ts'
import { windowsHost } from '../support/fixtures.ts'
import { startHost, type TestHost } from '../support/host.ts'
import { runQstate, startQstate } from '../support/process.ts'
import { LONG } from '../support/property.ts'
import { tempFolder } from '../support/temp.ts'
import { untilRequest } from '../support/watch.ts'

/** One run at a time for one host, whoever dies. */

const NOW = '2026-11-24T12:00:00.000Z'
const SPEC = `apiVersion: qstate/v1
qubes:
  win-a: { audio: ich6, tags: [office] }
`

async function begin(t: TestContext): Promise<{ host: TestHost; apply: readonly string[]; folder: string }> {
  const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }]) })
  const spec = join(host.folder, 'spec.yaml')
  writeFileSync(spec, SPEC)
  const folder = join(stateOf(host), 'hosts', host.socket.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^-/, ''))
  return { host, apply: [...hostOptions(host), 'apply', '--yes', spec], folder }
}

const gaveUp = { who: 'test', now: NOW, again: () => Promise.resolve(false) }

test('the second of two runs ends with 5, names the holder, and writes nothing', async (t) => {
  const { host, apply, folder } = await begin(t)
  const lock = await takeLock(folder, { ...gaveUp, who: 'anna@laptop' })
  assert.equal(lock.kind, 'held')
  const second = await runQstate(apply)
  assert.equal(second.code, 5, second.err)
  assert.match(second.err, new RegExp(`anna@laptop, process ${process.pid}`))
  assert.equal(host.simulator.writes(), 0)
  await lock.release()
  assert.equal((await runQstate(apply)).code, 0)
})

test('with --lock-timeout the second run waits, says for whom, and goes on when the first is done', async (t) => {
  const { host, apply, folder } = await begin(t)
  const lock = await takeLock(folder, { ...gaveUp, who: 'anna@laptop' })
  assert.equal(lock.kind, 'held')
  const second = startQstate([...apply, '--lock-timeout', '600'])
  await second.said('Waiting for anna@laptop')
  assert.equal(host.simulator.writes(), 0)
  await lock.release()
  const ended = await second.ended
  assert.equal(ended.code, 0, ended.err)
  assert.ok(host.simulator.writes() > 0)
})

test('a run that waits takes over when the holder is killed, and tells what the holder had done', async (t) => {
  const { host, apply } = await begin(t)
  host.simulator.setFaults([{ match: { writesOnly: true }, after: 1, times: 1, do: 'hang' }])
  const watch = untilRequest(host.simulator, (request) => request.write, 1)
  const first = startQstate(apply)
  await watch.taken
  const second = startQstate([...apply, '--lock-timeout', '600'])
  await second.said(`process ${first.child.pid ?? 0}`)
  first.child.kill('SIGKILL')
  await first.ended
  const ended = await second.ended
  assert.equal(ended.code, 0, ended.err)
  assert.match(ended.err, /was cut off after 1 write\b/)
  assert.equal(host.snapshot().get('win-a feature audio-model'), 'ich6')
})

const RACER = fileURLToPath(new URL('../support/lock-racer.js', import.meta.url))

/** Leaves a lock whose holder is dead. */
async function deadHolder(folder: string, log: string): Promise<void> {
  const holder = spawn(process.execPath, [RACER, folder, log, 'hold'], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  holder.kill('SIGKILL')
  await once(holder, 'close')
}

test('many processes that race for a dead holder’s lock are never two inside', async (t) => {
  const folder = tempFolder(t)
  const log = join(folder, 'log')
  const state = join(folder, 'state')
  await deadHolder(state, log)
  writeFileSync(log, '')
  const [racers, rounds] = LONG ? [24, 100] : [8, 25]
  const ended = Array.from({ length: racers }, async () => {
    const racer = spawn(process.execPath, [RACER, state, log, String(rounds)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const [code] = (await once(racer, 'close')) as [number | null]
    return code
  })
  assert.deepEqual(new Set(await Promise.all(ended)), new Set([0]))
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  assert.equal(lines.length, racers * rounds * 2)
  let inside: string | null = null
  for (const line of lines) {
    const [what, pid = ''] = line.split(' ')
    if (what === 'in') {
      assert.equal(inside, null, `${pid} came in while ${inside ?? ''} was inside`)
      inside = pid
    } else {
      assert.equal(inside, pid)
      inside = null
    }
  }
  assert.equal(existsSync(join(state, 'lock')), false)
  t.diagnostic(`${racers} processes, ${racers * rounds} turns`)
})

/** A process that was there and is not: what a lock file says of it. */
const dead = (token: string): string =>
  JSON.stringify({
    token: token.repeat(24).slice(0, 24),
    pid: 1,
    started: '-1',
    boot: 'another',
    who: token,
    since: NOW,
  })

test('a latecomer that has read a dead holder long ago does not take the lock from who holds it by now', async (t) => {
  const folder = join(tempFolder(t), 'state')
  mkdirSync(folder)
  const lock = join(folder, 'lock')
  // The latecomer reads the lock from a pipe, and so stands still between reading it and acting on it.
  execFileSync('/bin/sh', ['-c', 'mkfifo "$1"', 'sh', lock])
  const late = takeLock(folder, { ...gaveUp, who: 'late' })
  const pipe = await open(lock, 'w')
  // Meanwhile: `b` has taken over from the dead `a`, has released and ended; and a living process has the lock.
  unlinkSync(lock)
  writeFileSync(join(folder, `lock.after.${'a'.repeat(24)}`), dead('b'))
  const holder = await takeLock(folder, { ...gaveUp, who: 'holder' })
  assert.equal(holder.kind, 'held')
  await pipe.writeFile(dead('a'))
  await pipe.close()
  const result = await late
  assert.equal(result.kind, 'busy', 'two would be inside')
  assert.equal(result.holder.who, 'holder')
  await holder.release()
  assert.equal(existsSync(lock), false)
})

test('a chain of runs that died while taking over is followed to its end', async (t) => {
  const folder = join(tempFolder(t), 'state')
  mkdirSync(folder)
  writeFileSync(join(folder, 'lock'), dead('a'))
  writeFileSync(join(folder, `lock.after.${'a'.repeat(24)}`), dead('b'))
  writeFileSync(join(folder, `lock.after.${'b'.repeat(24)}`), dead('c'))
  const first = await takeLock(folder, { ...gaveUp, who: 'first' })
  assert.equal(first.kind, 'held')
  const second = await takeLock(folder, { ...gaveUp, who: 'second' })
  assert.equal(second.kind, 'busy')
  await first.release()
  assert.equal((await takeLock(folder, gaveUp)).kind, 'held')
})

test('a lock that is no lock is taken over, again and again', async (t) => {
  const folder = join(tempFolder(t), 'state')
  mkdirSync(folder)
  for (const text of ['', 'x', '{}', '[]', 'null', '{"token":"../../etc/passwd","pid":1}', '']) {
    writeFileSync(join(folder, 'lock'), text)
    const taken = await takeLock(folder, gaveUp)
    assert.equal(taken.kind, 'held', JSON.stringify(text))
    const other = await takeLock(folder, gaveUp)
    assert.equal(other.kind, 'busy')
    await taken.release()
  }
})

test('a released lock leaves nothing that a later run minds', async (t) => {
  const folder = join(tempFolder(t), 'state')
  for (let round = 0; round < 5; round++) {
    const taken = await takeLock(folder, gaveUp)
    assert.equal(taken.kind, 'held')
    await taken.release()
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('where a lock cannot be taken its own place is named, each time the same', async () => {
  const who = { who: 'me', now: new Date().toISOString(), again: () => Promise.resolve(false) }
  await assert.rejects(takeLock('/proc', who), { path: '/proc/lock' })
})
