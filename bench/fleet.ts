import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { steadyClock } from '../app/agent/clock.ts'
import { runController } from '../fleet/controller/run-controller.ts'
import { natsConnect } from '../fleet/nats/connect.ts'
import { natsStore } from '../fleet/nats/store.ts'
import { startRollout } from '../fleet/rollout/start.ts'
import { type RolloutState } from '../documents/fleet/index.ts'
import { isEnded } from '../fleet/rollout/state.ts'
import { KEYS } from '../fleet/store/store.ts'
import { chooseWaves } from '../spec/fleet/choose.ts'
import { loadFleet } from '../spec/fleet/load.ts'

/** `npm run bench:fleet [-- HOSTS]`: one rollout over many hosts, through a real server; writes bench/results/fleet.json and the page. */
const HOSTS = Number(process.argv[2] ?? 10_000)
const root = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'qstate-bench-'))
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const server = spawn(
  existsSync('/usr/sbin/nats-server') ? '/usr/sbin/nats-server' : 'nats-server',
  ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', '-1'],
  { stdio: ['ignore', 'ignore', 'pipe'] },
)
const url = await new Promise<string>((resolve, reject) => {
  let said = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    const port = /client connections on 127\.0\.0\.1:([0-9]+)/.exec(said)?.[1]
    if (port !== undefined && said.includes('Server is ready')) resolve(`nats://127.0.0.1:${port}`)
  })
  server.once('error', reject)
  server.once('exit', () => {
    reject(new Error(`nats-server ended: ${said}`))
  })
})

const names = Array.from({ length: HOSTS }, (_, index) => `  h${index}: {}`)
const { fleet, rollouts } = loadFleet([
  {
    path: 'fleet.yaml',
    text: `apiVersion: qstate/v1
kind: Fleet
name: bench
store: { nats: ['${url}'] }
hosts:
${names.join('\n')}
---
apiVersion: qstate/v1
kind: Rollout
name: everyone
revision: main
canary: { count: 10 }
waves: [{ percent: 10% }, { percent: 50% }, {}]
maxUnavailable: 5%
`,
  },
])
const [spec] = rollouts
if (fleet === null || spec === undefined) throw new Error('the fleet of the bench is not valid')

const connection = await natsConnect({ servers: [url], host: null, keyFile: null, caFile: null })
const store = await natsStore(connection, fleet.name, 1)
const hosts = spawn(process.execPath, [join(import.meta.dirname, 'fleet-hosts.js'), url, String(HOSTS)], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
say(`${HOSTS} hosts report …`)
while ((await store.list(KEYS.reports)).length < HOSTS) await steadyClock.sleep(500, AbortSignal.timeout(500))

const start = {
  serial: 1,
  spec,
  waves: chooseWaves(spec, fleet),
  commit: 'b'.repeat(40),
  by: 'bench',
  at: '',
}
await store.put(KEYS.rollout, startRollout(start), 0)
const begun = performance.now()
const cpu = process.cpuUsage()
let steps = 0
let ending: RolloutState | null = null
await runController({
  store,
  who: 'bench',
  leaseMs: 15_000,
  say: () => undefined,
  clock: steadyClock,
  signal: new AbortController().signal,
  onState(state) {
    steps += 1
    if (steps % 20 === 0) say(`${steps} turns, wave ${state.wave}`)
    if (isEnded(state)) ending = state
    return isEnded(state)
  },
})
const seconds = (performance.now() - begun) / 1000
const { user, system } = process.cpuUsage(cpu)
const figures = {
  hosts: HOSTS,
  phase: (ending as RolloutState | null)?.phase,
  seconds: Math.round(seconds * 10) / 10,
  controllerCpuSeconds: Math.round((user + system) / 100_000) / 10,
  controllerPeakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  turns: steps,
  stateBytes: JSON.stringify(ending).length,
}
hosts.kill('SIGKILL')
await store.close()
server.kill('SIGKILL')
rmSync(folder, { recursive: true, force: true })
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
if (HOSTS === 10_000) {
  writeFileSync(join(root, 'bench/results/fleet.json'), `${JSON.stringify(figures, null, 2)}\n`)
  const page = join(root, 'docs/fleet.md')
  const line = `${figures.hosts} hosts, 500 at work at once: ${figures.seconds} s from the start to the end; the controller took ${figures.controllerCpuSeconds} s of a processor and ${figures.controllerPeakMiB} MiB at most, in ${figures.turns} turns. Hosts and server ran on the same two processors.`
  const place = /(<!-- measured:start -->\n)[^]*(<!-- measured:end -->)/
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(place, (_, a: string, b: string) => `${a}${line}\n${b}`),
  )
}
