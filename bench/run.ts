import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { arch, cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { isWrite } from '../simulator/methods/method.ts'
import { countByMethod, type Daemon, type Pace, startDaemon } from './daemon-process.ts'
import { type Results, type Size } from './figures.ts'
import { type Command, least, makeMeasure, type Measured, type Together } from './measure.ts'
import { writeReport } from './report.ts'
import { hostSize, LEAST, specOf } from './workload.ts'

/** `npm run bench [-- --quick]`: measures, and writes bench/results/latest.json, docs/performance.md and its plot. */
const quick = process.argv.includes('--quick')
const RUNS = quick ? 3 : 11
const SIZES = quick ? [1, 20, 100] : [1, 12, 20, 100, 1000]
const SWEEP = [1, 2, 4, 8, 16, 32]

const folder = mkdtempSync(join(tmpdir(), 'qstate-bench-'))
const measure = makeMeasure(folder)
const qstate = join(import.meta.dirname, '..', '..', 'bin', 'qstate')
const bare = join(import.meta.dirname, 'bare-loop.js')
const yamlAlone = join(import.meta.dirname, 'yaml-alone.js')
const say = (text: string): void => void process.stderr.write(`${text}\n`)
let states = 0

const command = (daemon: Daemon, ...args: string[]): Command => ({
  args: [qstate, ...args],
  env: { QSTATE_SOCKET: daemon.socket, QSTATE_STATE_DIR: `${daemon.socket}.state` },
})

function writeSpec(qubes: number): string {
  const file = join(folder, `${qubes}.yaml`)
  writeFileSync(file, specOf(qubes))
  return file
}

/** A daemon whose host is as the spec wants it, and what the apply that made it so took. */
async function settled(
  qubes: number,
  pace: Pace,
): Promise<{ daemon: Daemon; apply: Measured; calls: readonly string[] }> {
  const fast = await startDaemon(folder, qubes, pace)
  const apply = measure.alone(command(fast, 'apply', '--yes', writeSpec(qubes)), 1)
  return { daemon: fast, apply, calls: await fast.takeCalls() }
}

async function planAndLoop(
  daemon: Daemon,
  qubes: number,
  runs: number,
  concurrency = 8,
): Promise<
  Omit<Together, 'first' | 'second'> & Pick<Size, 'plan' | 'bareLoop'> & { calls: readonly string[] }
> {
  const spec = writeSpec(qubes)
  const options = concurrency === 8 ? [] : ['--concurrency', String(concurrency), '--parallelism', '8']
  measure.alone(command(daemon, 'plan', spec), 1)
  const calls = await daemon.takeCalls()
  const file = join(folder, `calls-${++states}.json`)
  writeFileSync(file, JSON.stringify(calls))
  const { first, second, ratio, more } = measure.together(
    command(daemon, 'plan', spec, ...options),
    { args: [process.execPath, bare, daemon.socket, file, String(concurrency)] },
    runs,
  )
  await daemon.takeCalls()
  return { plan: first, bareLoop: second, ratio, more, calls }
}

async function measureSize(qubes: number): Promise<Size> {
  say(`${qubes} qubes …`)
  const spec = writeSpec(qubes)
  const applies: Measured[] = []
  let last = await settled(qubes, 'at-once')
  applies.push(last.apply)
  for (let again = 1; again < Math.min(RUNS, qubes >= 1000 ? 3 : 5); again += 1) {
    await last.daemon.stop()
    last = await settled(qubes, 'at-once')
    applies.push(last.apply)
  }
  const fast = await planAndLoop(last.daemon, qubes, RUNS)
  await last.daemon.stop()
  // Writes cost seconds on a host that is as slow as qubesd, so that the state is reached on another, and only read there.
  const slow = await startDaemon(folder, qubes, 'as-slow-as-qubesd')
  await slow.replay(last.calls)
  const slowSeen = await planAndLoop(slow, qubes, quick || qubes >= 1000 ? 3 : 5)
  await slow.stop()
  const { first: validate, second: yaml } = measure.together(
    { args: [qstate, 'validate', spec] },
    { args: [process.execPath, yamlAlone, spec] },
    RUNS,
  )
  return {
    qubes,
    onHost: hostSize(qubes),
    validate,
    yaml,
    plan: fast.plan,
    bareLoop: fast.bareLoop,
    ratio: fast.ratio,
    more: fast.more,
    apply: least(applies),
    slowPlan: slowSeen.plan,
    slowBareLoop: slowSeen.bareLoop,
    slowRatio: slowSeen.ratio,
    calls: { plan: countByMethod(fast.calls), apply: countByMethod(last.calls) },
    least: {
      plan: 1 + qubes * sum(Object.values(LEAST.reads)),
      writes: qubes * LEAST.writes.length,
    },
    twice: fast.calls.length - new Set(fast.calls).size,
    writes: sum(Object.entries(countByMethod(last.calls)).map(([method, n]) => (isWrite(method) ? n : 0))),
  }
}

async function measureSweep(qubes: number): Promise<Results['sweep']> {
  const daemon = await startDaemon(folder, qubes, 'as-slow-as-qubesd')
  const model = await settled(qubes, 'at-once')
  await model.daemon.stop()
  await daemon.replay(model.calls)
  const rows = []
  for (const concurrency of SWEEP) {
    say(`${concurrency} calls at once …`)
    const { plan, bareLoop } = await planAndLoop(daemon, qubes, quick ? 3 : 5, concurrency)
    rows.push({ concurrency, plan, bareLoop })
  }
  await daemon.stop()
  return rows
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

try {
  const busy = loadavg()[0] ?? 0
  if (busy > 0.5)
    say(`This machine is busy (load ${busy.toFixed(1)}): times will be too long, ratios less so.`)
  const empty = join(folder, 'empty.cjs')
  writeFileSync(empty, '')
  mkdirSync(join(import.meta.dirname, '..', '..', 'bench', 'results'), { recursive: true })
  measure.alone({ args: [qstate, 'version'] }, 1)
  const sizes: Size[] = []
  for (const qubes of SIZES) sizes.push(await measureSize(qubes))
  const sweepQubes = 100
  const results: Results = {
    machine: {
      date: new Date().toISOString().slice(0, 10),
      processor: `${cpus().length} × ${cpus()[0]?.model ?? ''}`,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${platform()} ${release()} ${arch()}`,
      node: process.version,
      v8: process.versions.v8,
      load: Number(busy.toFixed(2)),
    },
    runs: RUNS,
    node: measure.alone({ args: [process.execPath, empty] }, RUNS),
    version: measure.alone({ args: [qstate, 'version'] }, RUNS),
    sizes,
    sweep: await measureSweep(sweepQubes),
    sweepQubes,
  }
  writeReport(results, join(import.meta.dirname, '..', '..'), quick)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
