import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type Notice, noticesOf } from '../../agent/notify/notifications.ts'
import { openNotifier } from '../../agent/notify/notify.ts'
import { NO_MEMORY } from '../../agent/state/memory.ts'
import { notificationTable } from '../../documents/agent/notification.ts'
import { type NotifyTarget } from '../../spec/agent/model.ts'
import { tempFolder } from '../support/temp.ts'

const notice = (kind: Notice['kind'], text = kind as string): Notice => ({
  schema: 'qstate.notice',
  version: 1,
  kind,
  at: '2026-11-26T08:00:00.000Z',
  host: 'laptop',
  text,
  commit: null,
  about: {},
})

/** Time that never keeps anybody waiting, and counts how long it would have. */
const hurried = () => {
  const waited: number[] = []
  return {
    waited,
    clock: {
      now: () => new Date('2026-11-26T08:00:00Z'),
      sleep: (ms: number) => {
        waited.push(ms)
        return Promise.resolve()
      },
    },
  }
}

interface Hook {
  readonly url: string
  readonly got: { readonly body: unknown; readonly headers: IncomingMessage['headers'] }[]
  /** Resolves when so many have come. */
  came(count: number): Promise<void>
}

/** A server that answers with these statuses in turn, then with 204. */
async function webhook(t: TestContext, statuses: number[]): Promise<Hook> {
  const got: Hook['got'] = []
  let heard = (): void => undefined
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      got.push({ body: JSON.parse(body), headers: request.headers })
      response.writeHead(statuses.shift() ?? 204, { location: 'http://127.0.0.1:9/' }).end()
      heard()
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path`,
    got,
    came: (count) =>
      new Promise((resolve) => {
        heard = () => {
          if (got.length >= count) resolve()
        }
        heard()
      }),
  }
}

const signal = new AbortController().signal

test('a webhook gets what it is told of, with its token, in order', async (t) => {
  const hook = await webhook(t, [])
  const token = join(tempFolder(t), 'token')
  writeFileSync(token, 'hush\n')
  const to: NotifyTarget = {
    on: ['drift', 'refused'],
    to: { kind: 'webhook', url: hook.url, tokenFile: token },
  }
  const { notify } = openNotifier([to], { clock: hurried().clock, signal, say: () => undefined })
  for (const kind of ['drift', 'applied', 'refused'] as const) notify(notice(kind))
  await hook.came(2)
  assert.deepEqual(
    hook.got.map(({ body }) => (body as Notice).kind),
    ['drift', 'refused'],
  )
  assert.equal(hook.got[0]?.headers.authorization, 'Bearer hush')
  assert.equal(hook.got[0].headers['content-type'], 'application/json')
})

test('a server that fails is asked again, later each time, and what came after waits its turn', async (t) => {
  const hook = await webhook(t, [500, 503, 429])
  const { clock, waited } = hurried()
  const to: NotifyTarget = { on: null, to: { kind: 'webhook', url: hook.url, tokenFile: null } }
  const { notify } = openNotifier([to], { clock, signal, say: () => undefined })
  notify(notice('drift', 'first'))
  notify(notice('drift', 'second'))
  await hook.came(5)
  assert.deepEqual(
    hook.got.map(({ body }) => (body as Notice).text),
    ['first', 'first', 'first', 'first', 'second'],
  )
  assert.deepEqual(waited, [1000, 2000, 4000])
})

test('what is refused for good is said once, without the URL, and not sent elsewhere', async (t) => {
  const hook = await webhook(t, [403, 302])
  const said: string[] = []
  const to: NotifyTarget = { on: null, to: { kind: 'webhook', url: hook.url, tokenFile: null } }
  const { notify } = openNotifier([to], { clock: hurried().clock, signal, say: (_, text) => said.push(text) })
  for (const text of ['one', 'two', 'three']) notify(notice('drift', text))
  await hook.came(3)
  assert.equal(said.length, 2)
  assert.match(said[0] ?? '', /not delivered to 127\.0\.0\.1:\d+: it answers 403/)
  assert.doesNotMatch(said.join(), /secret-path/)
})

test('a command reads the notice, and is tried again when it fails', async (t) => {
  const folder = mkdtempSync(join(tempFolder(t), 'x'))
  const program = join(folder, 'tell')
  const done = join(folder, 'done')
  writeFileSync(
    program,
    `#!/bin/sh\nif [ -e ${folder}/tried ]; then cat > ${done}.new && mv ${done}.new ${done}; else touch ${folder}/tried; exit 1; fi\n`,
    { mode: 0o755 },
  )
  const settled = (resolve: () => void): void => {
    const watcher = watch(folder, () => {
      if (!existsSync(done)) return
      watcher.close()
      resolve()
    })
  }
  const delivered = new Promise<void>(settled)
  const to: NotifyTarget = { on: null, to: { kind: 'command', argv: [program] } }
  const nobody: NotifyTarget = { on: ['waiting'], to: { kind: 'command', argv: ['/nonexistent/program'] } }
  const said: string[] = []
  const { notify } = openNotifier([nobody, to], {
    clock: hurried().clock,
    signal,
    say: (_, text) => said.push(text),
  })
  // One that is not there keeps nobody waiting.
  notify(notice('waiting'))
  await delivered
  assert.equal((JSON.parse(readFileSync(done, 'utf8')) as Notice).schema, 'qstate.notice')
  assert.match(
    said.join(),
    /notice waiting .* not delivered to \/nonexistent\/program: there is no such program/,
  )
})

test('what cannot even be started is told, and what comes after it is delivered', async (t) => {
  const hook = await webhook(t, [])
  const [program, target] = ['/bin/true', hook.url]
  const tooLong = 'x'.repeat(4 * 1024 * 1024)
  const said: string[] = []
  let heard = (): void => undefined
  const told = new Promise<void>((resolve) => {
    heard = () => {
      if (said.length === 3) resolve()
    }
  })
  const { notify } = openNotifier(
    [
      { on: ['drift'], to: { kind: 'command', argv: [program, 'a\0b'] } },
      { on: ['drift'], to: { kind: 'command', argv: [program, tooLong] } },
      { on: ['drift'], to: { kind: 'webhook', url: target, tokenFile: '/nonexistent/token' } },
      { on: ['failed'], to: { kind: 'webhook', url: target, tokenFile: null } },
    ],
    {
      clock: hurried().clock,
      signal,
      say(_, text) {
        said.push(text)
        heard()
      },
    },
  )
  notify(notice('drift'))
  await told
  for (const why of [
    /\/bin\/true: ERR_INVALID_ARG_VALUE/,
    /\/bin\/true: E2BIG/,
    /127\.0\.0\.1:\d+: there is no file \/nonexistent\/token/,
  ])
    assert.match(said.join('\n'), why)
  notify(notice('failed'))
  await hook.came(1)
})

test('every notice fits the schema that is printed', () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true })
  const validate = ajv.compile(notificationTable.schema)
  const at = '2026-11-26T08:00:00.000Z'
  const trouble = { code: 'timeout' as const, message: 'it is gone', hint: 'look', since: at }
  const memory = {
    ...NO_MEMORY,
    refused: { commit: 'abc', since: at, code: 'rewound' as const, message: 'why\nmore', hint: 'hint' },
    unreachable: { ...trouble, times: 3 },
    fleetAway: { ...trouble, lasts: true },
    error: trouble,
    proposed: { file: '/x', changes: '[]', at },
    drift: [
      { qube: 'a', path: 'qube/vcpus', wanted: 3, found: null, since: at, noticed: 'property-set:vcpus' },
    ],
    held: [
      { qube: 'a', path: 'qube/vcpus', why: 'conflict' as const, until: at },
      { qube: 'b', path: null, why: 'withdrawal' as const, until: null },
    ],
    corrections: { 'a/qube/vcpus': { times: 3, last: at } },
    waiting: [{ qube: 'a', paths: ['qube/memory'], restart: 'never' as const }],
  }
  const told = { host: 'laptop', at, noticedBy: () => 'x', restarts: [] }
  const notices = noticesOf(NO_MEMORY, memory, null, told)
  assert.deepEqual(
    notices.map(({ kind }) => kind),
    ['refused', 'unreachable', 'fleet-away', 'error', 'proposed', 'drift', 'conflict', 'held', 'waiting'],
  )
  for (const one of notices) assert.ok(validate(one), JSON.stringify(validate.errors))
  assert.equal(notices[0]?.text, 'commit refused: why')
  // The same state again is no news; that it is over is.
  assert.deepEqual(noticesOf(memory, memory, null, told), [])
  assert.deepEqual(
    noticesOf(memory, NO_MEMORY, null, told).map(({ kind }) => kind),
    ['reachable', 'fleet-back', 'recovered'],
  )
})
