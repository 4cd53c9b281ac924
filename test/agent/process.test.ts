import assert from 'node:assert/strict'
import { request } from 'node:http'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Held } from '../../agent/policy/decide.ts'
import { takeLock } from '../../journal/lock.ts'
import { type Problem } from '../../spec/diagnostics/problem.ts'
import { runCli, stateOf } from '../support/cli.ts'
import { windowsHost } from '../support/fixtures.ts'
import { startHost, type TestHost } from '../support/host.ts'
import { type Running, startQstate } from '../support/process.ts'
import { makeRepository, makeSshKey, type Repository } from '../support/repository.ts'
import { act } from '../support/requests.ts'
import { untilRequest } from '../support/watch.ts'

/** The agent as a process, with a real repository, real signatures, and the simulator behind its socket. */

interface World {
  readonly host: TestHost
  readonly repo: Repository
  readonly key: string
  readonly stranger: string
  readonly file: string
  /** Where it tells metrics, health and status. */
  readonly socket: string
  begin(...more: readonly string[]): Running
  /** Commits this many CPUs for `win-a`, signed unless that says otherwise. */
  commit(vcpus: number, sshKey?: string | null): string
  vcpus(): unknown
  setVcpus(value: number): void
}

const spec = (vcpus: number): string =>
  `apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: { qube: { vcpus: ${vcpus} } }\n`

async function makeWorld(t: TestContext, more = ''): Promise<World> {
  const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }]) })
  const repo = makeRepository(t)
  const [alice, stranger] = [makeSshKey(t, 'alice'), makeSshKey(t, 'stranger')]
  const allowed = join(host.folder, 'allowed')
  writeFileSync(allowed, `alice@example.org ${alice.public}\n`)
  const file = join(host.folder, 'agent.yaml')
  const socket = join(host.folder, 'agent.sock')
  writeFileSync(
    file,
    `apiVersion: qstate/v1
kind: Agent
source: { url: "${repo.folder}", paths: [hosts], every: 1h }
verify: { by: ssh, allowedSigners: ${allowed} }
policy: { commits: apply, drift: correct }
listen: "unix:${socket}"
${more}`,
  )
  return {
    host,
    repo,
    key: alice.path,
    stranger: stranger.path,
    file,
    socket,
    begin(...more) {
      const args = [
        ...more,
        '--socket',
        host.socket,
        '--state-dir',
        stateOf(host),
        '--verbose',
        'agent',
        '--file',
        file,
      ]
      const agent = startQstate(args)
      t.after(() => void agent.child.kill('SIGKILL'))
      return agent
    },
    commit: (vcpus, sshKey = alice.path) =>
      repo.commit({ 'hosts/a.yaml': spec(vcpus) }, sshKey === null ? {} : { sshKey }),
    vcpus: () => host.simulator.host.qubes.get('win-a')?.properties.get('vcpus'),
    setVcpus(value) {
      act(host.simulator, {
        dest: 'win-a',
        method: 'admin.vm.property.Set',
        arg: 'vcpus',
        payload: String(value),
      })
    },
  }
}

/** Where lock, history and what the agent knows are kept. */
const placeOf = (host: TestHost): string =>
  join(stateOf(host), 'hosts', host.socket.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^-/, ''))

/** Has the agent look at its repository at once. */
const look = (agent: Running): boolean => agent.child.kill('SIGHUP')

async function ended(agent: Running): Promise<string> {
  agent.child.kill('SIGTERM')
  const { code, err } = await agent.ended
  assert.equal(code, 0, err)
  return err
}

interface Answer {
  readonly status: number
  readonly body: string
}

function ask(
  socketPath: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, method, headers: { host: 'localhost', ...headers } }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body })
      })
    })
      .on('error', reject)
      .end()
  })
}

test('a signed commit is applied, a change on the host is put right, and SIGTERM ends it', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  assert.equal(world.vcpus(), 3)

  world.setVcpus(8)
  await agent.said('), and has been put right')
  assert.equal(world.vcpus(), 3)

  const second = world.commit(5)
  look(agent)
  await agent.said(second)
  await agent.said('generation=3')
  assert.equal(world.vcpus(), 5)

  const status = await runCli(world.host, ['status', '--json'])
  const told = JSON.parse(status.out) as { agent: { applied: { commit: string }; running: number } }
  assert.equal(told.agent.applied.commit, second)
  assert.equal(told.agent.running, agent.child.pid)
  assert.match(await ended(agent), /stopped/)
})

test('a commit that is not signed, or by a stranger, is refused, and the last good one is kept', async (t) => {
  const world = await makeWorld(t)
  const good = world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  const unsigned = world.commit(7, null)
  look(agent)
  await agent.said(`${unsigned.slice(0, 12)}: it is not signed`)
  world.repo.git('reset', '--quiet', '--hard', good)
  const strange = world.commit(7, world.stranger)
  look(agent)
  await agent.said(`${strange.slice(0, 12)}: it was signed by somebody who is not among those allowed`)
  world.setVcpus(8)
  await agent.said('has been put right')
  assert.equal(world.vcpus(), 3)
  const { out } = await runCli(world.host, ['status'])
  assert.match(out, new RegExp(`in force +${good.slice(0, 12)} .* signed by alice@example.org`))
  assert.match(out, /refused +\S+: it was signed by somebody/)
  await ended(agent)
})

test('history that was forced is refused, until a person on the host takes it', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const second = world.commit(4)
  const agent = world.begin()
  await agent.said('applied to win-a')
  world.repo.git('reset', '--quiet', '--hard', 'HEAD~1')
  const other = world.commit(6)
  look(agent)
  await agent.said(`${other.slice(0, 12)} does not come after ${second.slice(0, 12)}`)
  assert.equal(world.vcpus(), 4)
  // It is told of the order at once, without being asked to look.
  const { out } = await runCli(world.host, ['agent', 'accept', other.slice(0, 12)])
  assert.match(out, /is taken/)
  await agent.said('generation=2')
  assert.equal(world.vcpus(), 6)
  await ended(agent)
})

test('whoever takes a commit at which the branch did not stand is told where it did', async (t) => {
  const world = await makeWorld(t)
  const tip = world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  await ended(agent)
  const accept = (commit: string): ReturnType<typeof runCli> =>
    runCli(world.host, ['agent', 'accept', commit])
  const other = await accept('deadbeef')
  assert.equal(other.code, 0)
  assert.match(other.err.replace(/\s+/g, ' '), new RegExp(`stood at ${tip.slice(0, 12)} when .* last looked`))
  assert.equal((await accept(tip.slice(0, 7))).err, '')
})

test('a memory that cannot be read is kept, and that the last commit is forgotten is said', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const first = world.begin()
  await first.said('applied to win-a')
  await ended(first)
  const file = join(placeOf(world.host), 'agent/memory.json')
  writeFileSync(file, 'damaged')
  const agent = world.begin()
  await agent.said('signature alone')
  await agent.said('compared 1 qube')
  assert.match(
    await ended(agent),
    /what the agent knew cannot be read: .* signature alone.*memory\.json\.damaged/,
  )
  assert.equal(readFileSync(`${file}.damaged`, 'utf8'), 'damaged')
  assert.match(readFileSync(file, 'utf8'), /qstate\.agent/)
})

test('a daemon that is restarted is heard again, and what changed meanwhile is found', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  world.host.simulator.setFaults([{ match: { method: 'admin.vm.List' }, do: 'die-before', times: 1 }])
  look(agent)
  await agent.said('the event stream ended')
  world.setVcpus(8)
  await world.host.simulator.restart()
  await agent.said('), and has been put right')
  assert.equal(world.vcpus(), 3)
  await ended(agent)
})

test('killed at any write, it converges at the next start', async (t) => {
  for (let nth = 0; nth < 4; nth += 1) {
    const world = await makeWorld(t)
    world.commit(3)
    const { taken } = untilRequest(world.host.simulator, ({ write }) => write, Math.min(nth, 1))
    const first = world.begin()
    await taken
    first.child.kill('SIGKILL')
    await first.ended
    if (nth >= 2) world.setVcpus(8)
    const agent = world.begin()
    await agent.said('compared 1 qube')
    assert.equal(world.vcpus(), 3)
    await ended(agent)
  }
})

test('suspended from the command line it writes nothing, resumed it acts at once', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  const order = ['agent', 'suspend', '--for', '2h', '--why', 'a demonstration']
  const suspended = await runCli(world.host, order, { now: () => new Date() })
  assert.match(suspended.out, /Suspended until 2026-/)
  world.setVcpus(8)
  await agent.said('win-a/qube/vcpus was changed on the host')
  assert.equal(world.vcpus(), 8)
  const { out } = await runCli(world.host, ['status'])
  assert.match(out, /suspended +by root@test-host until .*: a demonstration/)
  const later = await runCli(world.host, ['status'], { now: () => new Date(Date.now() + 3 * 3_600_000) })
  assert.doesNotMatch(later.out, /suspended +by/, 'its time is over')
  assert.match((await runCli(world.host, ['agent', 'resume'])).out, /Resumed/)
  await agent.said('has been put right')
  assert.equal(world.vcpus(), 3)
  await ended(agent)
})

test('a withdrawal that needs consent is held, told in log, status and metrics, and done once a person agrees', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  world.repo.commit(
    { 'hosts/a.yaml': 'apiVersion: qstate/v1\nname: test\nqubes: {}\n' },
    { sshKey: world.key },
  )
  look(agent)
  await agent.said('win-a is held: the spec no longer names so much')
  assert.equal(world.vcpus(), 3)
  const metrics = await ask(world.socket, '/metrics')
  assert.match(metrics.body, /^qstate_held_changes\{why="withdrawal"\} 1$/m)
  assert.match(metrics.body, /^qstate_notices_total\{kind="held"\} 1$/m)
  const json = JSON.parse((await runCli(world.host, ['status', '--json'])).out) as {
    agent: { held: (Held & { problem: Problem })[] }
  }
  const [held, ...others] = json.agent.held
  assert.deepEqual(
    [held?.qube, held?.path, held?.why, held?.until, held?.problem.code, others],
    ['win-a', 'qube/vcpus', 'withdrawal', null, 'withdrawal-not-allowed', []],
  )

  const status = (await runCli(world.host, ['status'])).out.replace(/\s+/g, ' ')
  const [, commit = '', digest = ''] =
    /`qstate agent accept (\w+) --withdraw (\w+)` withdraws 1 value of win-a/.exec(status) ?? []
  const other = await runCli(world.host, ['agent', 'accept', commit, '--withdraw', 'f'.repeat(12)])
  assert.match(other.err, /the agent holds no such withdrawals/)
  const agreed = await runCli(world.host, ['agent', 'accept', commit, '--withdraw', digest])
  assert.equal(agreed.code, 0, agreed.err)
  await agent.said('generation=2')
  assert.equal(world.vcpus(), undefined)
  await ended(agent)
})

test('an order that no agent would hear is refused', async (t) => {
  const { host } = await makeWorld(t)
  for (const order of [['suspend'], ['resume'], ['accept', '1f2e3d4c']]) {
    const { code, out, err } = await runCli(host, ['agent', ...order])
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /no agent keeps its memory in\s\S+\/agent/)
    assert.match(err, /systemctl status qstate-agent/)
  }
  assert.ok(!existsSync(join(placeOf(host), 'agent')))
})

test('whoever does not wait for the apply under way is told that it may still write', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  const who = { who: 'alice@dom0', now: new Date().toISOString(), again: () => Promise.resolve(false) }
  const lock = await takeLock(placeOf(world.host), who)
  assert.ok(lock.kind === 'held')
  const stop = new AbortController()
  const { code, out, err } = await runCli(world.host, ['agent', 'suspend'], {
    signal: stop.signal,
    pause() {
      stop.abort('SIGINT')
      return Promise.resolve()
    },
  })
  assert.deepEqual([code, out], [130, ''])
  assert.match(err, /The order is written, .* may still write/)
  await lock.release()
  assert.match((await runCli(world.host, ['status'])).out, /suspended +by root@test-host/)
  await ended(agent)
})

test('tells metrics, health and status on its socket, and nothing to a page in a browser', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  const metrics = await ask(world.socket, '/metrics')
  assert.match(metrics.body, /^qstate_commit_is_applied 1$/m)
  assert.match(metrics.body, /^qstate_qubes_applied_total\{status="applied"\} 1$/m)
  assert.match(metrics.body, /^process_cpu_user_seconds_total /m)
  assert.equal((await ask(world.socket, '/healthz')).status, 200)
  const ready = await ask(world.socket, '/readyz')
  assert.deepEqual([ready.status, JSON.parse(ready.body)], [200, { status: 'ready', amiss: [] }])
  const status = JSON.parse((await ask(world.socket, '/status')).body) as { schema: string }
  assert.equal(status.schema, 'qstate.agent')
  assert.equal((await ask(world.socket, '/status', { host: 'evil.example.org' })).status, 403)
  assert.equal((await ask(world.socket, '/status', {}, 'POST')).status, 405)
  assert.equal((await ask(world.socket, '/else')).status, 404)
  await ended(agent)
})

test('where it cannot listen it says so, and leaves the socket of another alone', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const text = readFileSync(world.file, 'utf8')
  writeFileSync(world.file, text.replace(world.socket, world.host.socket))
  const { code, err } = await world.begin().ended
  assert.equal(code, 1)
  assert.match(err, /error: cannot listen on unix:\S+: .*EADDRINUSE/)
  assert.equal((await runCli(world.host, ['show', 'win-a'])).code, 0, 'the daemon is still to be reached')
})

test('a log in JSON is JSON to its end', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin('--log-format', 'json')
  await agent.said('applied to win-a')
  const lines = (await ended(agent)).trim().split('\n')
  const told = lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
  assert.match(told.at(-2) ?? '', /^SIGTERM: /)
  assert.equal(told.at(-1), 'stopped')
})

test('a lock that cannot be given back does not hide how the agent has ended', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  const lock = join(placeOf(world.host), 'agent/lock')
  rmSync(lock)
  mkdirSync(lock)
  assert.match(await ended(agent), /stopped/)
})

test('a hang-up is listened to before anything else', async (t) => {
  const world = await makeWorld(t)
  writeFileSync(world.file, 'not right')
  let heard = 0
  const { code } = await runCli(world.host, ['agent', '--file', world.file], {
    onHangup: () => void (heard += 1),
  })
  assert.deepEqual([code, heard], [65, 1])
})

test('there is one agent a host', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  const second = await world.begin().ended
  assert.equal(second.code, 5)
  assert.match(second.err, new RegExp(`another agent keeps this host: process ${agent.child.pid}`))
  await ended(agent)
})

test('a person’s apply and the agent do not write at once', async (t) => {
  const world = await makeWorld(t)
  world.commit(3)
  const agent = world.begin()
  await agent.said('applied to win-a')
  // A person’s run holds the lock while it waits for its first answer.
  const lock = await takeLock(placeOf(world.host), {
    who: 'alice@dom0',
    now: new Date().toISOString(),
    again: () => Promise.resolve(false),
  })
  assert.ok(lock.kind === 'held')
  world.setVcpus(8)
  await agent.said('alice@dom0 is at work on this host: tried again soon')
  assert.equal(world.vcpus(), 8)
  await lock.release()
  await agent.said('has been put right')
  assert.equal(world.vcpus(), 3)
  await ended(agent)
})

test('servers of a fleet that take the connection and say nothing keep no agent from ending', async (t) => {
  const world = await makeWorld(t)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => void sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const fleet = `fleet: { name: office, host: laptop, servers: ["nats://127.0.0.1:${port}"] }`
  const text = readFileSync(world.file, 'utf8').replace('paths: [hosts], ', '')
  writeFileSync(world.file, `${text}${fleet}\n`)
  const agent = world.begin()
  const taken = new Promise((resolve) => server.once('connection', resolve))
  await taken
  assert.match(await ended(agent), /stopped/)
})
