import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { detectVersion, getFeature, listQubes, listTags, send } from '../../qubesd/admin.ts'
import { featureSet, tagSet, usbAssign } from '../../qubesd/calls.ts'
import { type Client, type ClientOptions, createClient } from '../../qubesd/client.ts'
import { type Call, encodeRequest } from '../../qubesd/codec.ts'
import { daemonEvents, type EventOrGap } from '../../qubesd/events.ts'
import { qrexecTransport } from '../../qubesd/qrexec.ts'
import { deferred, failsWith, failure, folder, read, RELEASES, simulator } from './support.ts'

/** Writes a program that stands in for qrexec-client-vm. */
function program(t: TestContext, text: string): string {
  const file = join(folder(t), 'qrexec-client-vm')
  writeFileSync(file, text, { mode: 0o755 })
  return file
}

const shell = (t: TestContext, ...lines: string[]): string =>
  program(t, ['#!/bin/sh', ...lines, ''].join('\n'))

/** Carries a call to the simulator's socket as qrexec does to qubesd. */
function forwarder(t: TestContext, socket: string): string {
  return program(
    t,
    `#!${process.execPath}
const [dest, service] = process.argv.slice(2)
const socket = require('node:net').connect({ path: ${JSON.stringify(socket)}, allowHalfOpen: true })
socket.write(service + ' dom0 name ' + dest + '\\0')
process.stdin.pipe(socket)
socket.pipe(process.stdout)
`,
  )
}

const clientBy = (file: string, options: ClientOptions = {}): Client =>
  createClient(qrexecTransport(file, 'mgmt'), { source: 'mgmt', ...options })

for (const release of RELEASES) {
  test(`reads and writes through qrexec on ${release} as through the socket`, async (t) => {
    const host = await simulator(t, { release })
    const client = clientBy(forwarder(t, host.socket))
    const qubes = await listQubes(client)
    assert.equal(qubes.length, host.host.qubes.size)
    assert.equal(await detectVersion(client, qubes), release)
    await send(client, featureSet('win7-oem', 'audio-model', 'ich6'))
    await send(client, tagSet('win7-oem', 'through-qrexec'))
    assert.equal(await getFeature(client, 'win7-oem', 'audio-model'), 'ich6')
    assert.equal(await getFeature(client, 'win7-oem', 'nosuch'), undefined)
    assert.ok((await listTags(client, 'win7-oem')).includes('through-qrexec'))
    await assert.rejects(listTags(client, 'nosuch'), failsWith('unknown-qube'))
  })
}

test('a call reaches the daemon as it was meant, byte for byte', async (t) => {
  const host = await simulator(t)
  const client = clientBy(forwarder(t, host.socket))
  const payload = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')
  const odd: Call = { dest: 'win7-oem', method: 'admin.vm.feature.Set', arg: 'a+b', payload }
  const device = { backend: 'sys-usb', port: '3-1', identity: '*' }
  const assign = usbAssign('win7-oem', device, 'auto-attach')
  await client.call(odd).catch(() => undefined)
  await send(client, assign)
  assert.deepEqual(
    host.requests.map(({ dest, method, arg, payload: sent }) => ({ dest, method, arg, payload: sent })),
    [odd, assign],
  )
})

test('the program is given destination and service, and nothing more', async (t) => {
  const file = shell(t, `printf '0\\0'`, `printf '%s|' "$#" "$@"`)
  const argv = async (call: Call): Promise<string> => (await clientBy(file).call(call)).toString()
  assert.equal(await argv(read('win10', 'admin.vm.tag.List')), '2|win10|admin.vm.tag.List|')
  assert.equal(await argv(read('win10', 'admin.vm.tag.Get', 'a_b')), '2|win10|admin.vm.tag.Get+a_b|')
})

test('an argument that qrexec would change on its way is refused before anything is started', async (t) => {
  const file = shell(t, `printf '0\\0started'`)
  for (const arg of ['a b;$(c)', 'sys-usb+2-1+046d+085b+A/B#12+u030000', 'é']) {
    const error = await failure(clientBy(file).call(read('win10', 'admin.vm.tag.Get', arg)))
    assert.equal(error.code, 'invalid-value', arg)
  }
})

test('denied-by-policy: the hint is the line for the policy of dom0', async (t) => {
  const client = clientBy(shell(t, 'echo Request refused >&2', 'exit 126'))
  const get = await failure(getFeature(client, 'win7-oem', 'audio-model'))
  assert.equal(get.code, 'denied-by-policy')
  assert.equal(get.retryable, false)
  assert.ok(
    get.hint.endsWith('\n  admin.vm.feature.Get +audio-model mgmt win7-oem allow target=dom0'),
    get.hint,
  )
  const list = await failure(listQubes(client))
  const lines = ['@adminvm', '@anyvm'].map((target) => `\n  admin.vm.List * mgmt ${target} allow target=dom0`)
  assert.ok(list.hint.endsWith(lines.join('')), list.hint)
})

test('a release that policy does not let one ask for is not older than 4.3', async (t) => {
  const client = clientBy(shell(t, 'exit 126'))
  const listed = { name: 'dom0', klass: 'AdminVM', state: 'Running', uuid: 'x' }
  assert.equal(await detectVersion(client, [listed]), '4.3')
})

test('refused: qubesd gives no answer although policy does not mind', async (t) => {
  const error = await failure(listQubes(clientBy(shell(t, 'exit 0'))))
  assert.equal(error.code, 'refused')
  assert.ok(error.hint.includes('admin.vm.List * mgmt @adminvm allow target=dom0'))
})

test('daemon-unreachable: the words of a program that failed are told, and cannot act on a terminal', async (t) => {
  const client = clientBy(shell(t, `printf '\\033[31mno\\007 vchan\\n' >&2`, 'exit 1'))
  const error = await failure(listQubes(client))
  assert.equal(error.code, 'daemon-unreachable')
  assert.ok(error.message.includes('\\u{1b}[31mno\\u{7} vchan'), error.message)
  assert.doesNotMatch(error.message, /[\x00-\x1f\x7f]/)
})

test('a program that answers and then fails is not believed', async (t) => {
  const client = clientBy(shell(t, `printf '0\\0'`, 'exit 2'))
  await assert.rejects(listTags(client, 'win7-oem'), failsWith('daemon-unreachable'))
})

test('daemon-unreachable: a program that is killed', async (t) => {
  await assert.rejects(listQubes(clientBy(shell(t, 'kill -9 $$'))), failsWith('daemon-unreachable'))
})

const NO_PROGRAM: readonly { file: (dir: string) => string; reason: string }[] = [
  { file: (dir) => join(dir, 'missing'), reason: 'there is no such file' },
  { file: (dir) => dir, reason: 'it is a folder' },
  { file: (dir) => join(dir, 'plain', 'below'), reason: 'its path goes through a file' },
  { file: (dir) => join(dir, 'plain'), reason: 'it is not executable' },
  { file: (dir) => join(dir, 'x'.repeat(300)), reason: 'its name is too long' },
]

for (const { file, reason } of NO_PROGRAM) {
  test(`daemon-unreachable: the program cannot be started, because ${reason}`, async (t) => {
    const dir = folder(t)
    writeFileSync(join(dir, 'plain'), '', { mode: 0o644 })
    const path = file(dir)
    await assert.rejects(listQubes(clientBy(path)), failsWith('daemon-unreachable', 'admin.vm.List'))
    const { next } = watch(path)
    assert.equal(await next(), 'gap daemon-unreachable')
  })
}

/** A program that never ends, and neither does its child, which keeps its output open. */
function endless(t: TestContext, ...before: string[]): { file: string; wasKilled: () => boolean } {
  let file = ''
  const pid = (name: string): number => Number(readFileSync(`${file}.${name}`, 'utf8'))
  // Before the folder goes, so that its pid can still be read.
  t.after(() => {
    if (existsSync(`${file}.child`)) process.kill(pid('child'), 'SIGKILL')
  })
  file = shell(
    t,
    ...before,
    'sleep 60 &',
    'echo $! > "$0.child"',
    'echo $$ > "$0.new"',
    'mv "$0.new" "$0.pid"',
    'wait',
  )
  return {
    file,
    wasKilled: () => {
      // On a busy machine it may be killed before it has said who it is.
      if (!existsSync(`${file}.pid`)) return true
      try {
        process.kill(pid('pid'), 0)
        return false
      } catch {
        return true
      }
    },
  }
}

test('timeout: a program that never ends is killed, and its children are not waited for', async (t) => {
  const { file, wasKilled } = endless(t)
  await assert.rejects(listQubes(clientBy(file, { timeoutMs: 500 })), failsWith('timeout'))
  assert.ok(wasKilled())
})

test('aborted: the signal kills the program of a read', async (t) => {
  const { file, wasKilled } = endless(t, `printf x`)
  const stop = new AbortController()
  const asked = listQubes(clientBy(file, { signal: stop.signal }))
  await appears(`${file}.pid`)
  stop.abort()
  await assert.rejects(asked, failsWith('aborted'))
  assert.ok(wasKilled())
})

test('a write goes on to its end although the signal has come', async (t) => {
  const stop = new AbortController()
  stop.abort()
  await send(clientBy(shell(t, `printf '0\\0'`), { signal: stop.signal }), featureSet('a', 'b', 'c'))
})

test('no program is started for a read after the signal', async (t) => {
  const file = shell(t, 'touch "$0.started"')
  const stop = new AbortController()
  stop.abort()
  await assert.rejects(listQubes(clientBy(file, { signal: stop.signal })), failsWith('aborted'))
  assert.ok(!existsSync(`${file}.started`))
})

test('a large answer is read whole, and one too large is refused', async (t) => {
  const answer = (mib: number): string => shell(t, `printf '0\\0'`, `head -c ${mib * 1024 * 1024} /dev/zero`)
  assert.equal((await clientBy(answer(8)).call(read())).length, 8 * 1024 * 1024)
  await assert.rejects(clientBy(answer(40)).call(read()), failsWith('malformed-answer'))
})

test('a program that chatters on stderr does not block', async (t) => {
  const client = clientBy(shell(t, 'head -c 1000000 /dev/zero >&2', `printf '0\\0ok'`))
  assert.equal((await client.call(read())).toString(), 'ok')
})

test('a program that does not read its input is judged by its answer', async (t) => {
  const client = clientBy(shell(t, 'exec <&-', `printf '0\\0ok'`))
  const payload = 'x'.repeat(60_000)
  for (let i = 0; i < 5; i++) assert.equal((await client.call({ ...read(), payload })).toString(), 'ok')
})

test('request-too-large: a payload that qubesd would drop starts no program', async (t) => {
  const file = shell(t, 'touch "$0.started"')
  const call = featureSet('win7-oem', 'x', 'v'.repeat(65_536))
  await assert.rejects(send(clientBy(file), call), failsWith('request-too-large'))
  const long = featureSet('win7-oem', 'x'.repeat(65_536), '')
  await assert.rejects(send(clientBy(file), long), failsWith('request-too-large'))
  assert.ok(!existsSync(`${file}.started`))
})

test('eight programs at once get each their own answer', async (t) => {
  const client = clientBy(shell(t, `printf '0\\0%s' "$1"`))
  const names = Array.from({ length: 24 }, (_, i) => `q${i}`)
  const answers = await Promise.all(names.map((name) => client.call(read(name))))
  assert.deepEqual(answers.map(String), names)
})

interface Watch {
  readonly next: () => Promise<string>
  readonly stop: AbortController
}

function watch(file: string): Watch {
  const stop = new AbortController()
  const pause = (): Promise<void> => Promise.resolve()
  const stream = daemonEvents(qrexecTransport(file, 'mgmt'), { signal: stop.signal, pause })[
    Symbol.asyncIterator
  ]()
  return {
    stop,
    next: async () => {
      const { done, value } = await (stream.next() as Promise<IteratorResult<EventOrGap, undefined>>)
      if (done === true) return 'end'
      return value.kind === 'gap' ? `gap ${value.error.code}` : value.event.name
    },
  }
}

test('events come through qrexec as they happen, until the signal', async (t) => {
  const host = await simulator(t)
  const { next, stop } = watch(forwarder(t, host.socket))
  assert.equal(await next(), 'connection-established')
  host.act(encodeRequest(featureSet('win7-oem', 'audio-model', 'ich6')))
  assert.equal(await next(), 'domain-feature-pre-set:audio-model')
  assert.equal(await next(), 'domain-feature-set:audio-model')
  const last = next()
  stop.abort()
  assert.equal(await last, 'end')
})

test('a daemon that goes away leaves a gap in the events that come through qrexec', async (t) => {
  const host = await simulator(t)
  const { next, stop } = watch(forwarder(t, host.socket))
  assert.equal(await next(), 'connection-established')
  await host.close()
  assert.equal(await next(), 'gap daemon-unreachable')
  await host.restart()
  assert.equal(await next(), 'connection-established')
  stop.abort()
})

test('events that policy denies are not asked for again', async (t) => {
  const { next } = watch(shell(t, 'exit 126'))
  await assert.rejects(next(), failsWith('denied-by-policy', 'admin.Events'))
})

test('a program that fails instead of giving events is a gap that tells its words', async (t) => {
  const stop = new AbortController()
  const file = shell(t, 'head -c 1000000 /dev/zero >&2', 'echo no vchan >&2', 'exit 1')
  const words = shell(t, 'echo no vchan >&2', 'exit 1')
  const pause = (): Promise<void> => Promise.resolve()
  const gaps: string[] = []
  for (const path of [file, words]) {
    for await (const entry of daemonEvents(qrexecTransport(path, 'mgmt'), { signal: stop.signal, pause })) {
      assert.ok(entry.kind === 'gap')
      gaps.push(entry.error.message)
      break
    }
  }
  assert.equal(gaps.length, 2)
  assert.ok(gaps[1]?.includes('no vchan'))
})

test('the signal ends events of a program that will not end, nor its child', async (t) => {
  const { file, wasKilled } = endless(t, `trap '' TERM`, `printf '1\\0\\0connection-established\\0\\0'`)
  const { next, stop } = watch(file)
  assert.equal(await next(), 'connection-established')
  await appears(`${file}.pid`)
  const last = next()
  stop.abort()
  assert.equal(await last, 'end')
  while (!wasKilled()) await turn()
})

test('a reader that goes away ends the program', async (t) => {
  const { file, wasKilled } = endless(t, `printf '1\\0\\0connection-established\\0\\0'`)
  const pause = (): Promise<void> => Promise.resolve()
  const { signal } = new AbortController()
  for await (const entry of daemonEvents(qrexecTransport(file, 'mgmt'), { signal, pause })) {
    assert.equal(entry.kind, 'event')
    await appears(`${file}.pid`)
    break
  }
  while (!wasKilled()) await turn()
})

async function turn(): Promise<void> {
  const { promise, resolve } = deferred()
  setImmediate(resolve)
  await promise
}

async function appears(file: string): Promise<void> {
  while (!existsSync(file)) await turn()
}
