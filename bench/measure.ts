import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Measured {
  /** Medians of the runs: milliseconds from the start of the process to its end, and of its own work; the highest memory, MiB. */
  readonly wall: number
  readonly cpu: number
  readonly memory: number
  readonly runs: number
}

export interface Command {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Put right before each run, and not measured. */
  readonly before?: () => void
}

/** Runs a program, which has to be Node in the end, and tells what that took. */
export type Measure = (command: Command, runs: number) => Measured

export function makeMeasure(folder: string): Measure {
  const told = join(folder, 'usage.json')
  const probe = join(folder, 'probe.cjs')
  // The process itself tells its CPU time and peak memory: nothing else gives them in microseconds everywhere.
  writeFileSync(
    probe,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(told)}, JSON.stringify(process.resourceUsage())))`,
  )
  const home = join(folder, 'home')
  mkdirSync(join(home, '.cache'), { recursive: true })
  return ({ args, env = {}, before }, runs) => {
    const seen = Array.from({ length: runs }, () => {
      before?.()
      const begun = performance.now()
      const [program = '', ...rest] = args
      const result = spawnSync(program, rest, {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: home, NODE_OPTIONS: `--require ${probe}`, ...env },
        maxBuffer: 64 * 1024 * 1024,
      })
      const wall = performance.now() - begun
      if (result.status !== 0)
        throw new Error(`${args.join(' ')} ended with ${result.status}\n${result.stderr}`)
      const usage = JSON.parse(readFileSync(told, 'utf8')) as NodeJS.ResourceUsage
      return {
        wall,
        cpu: (usage.userCPUTime + usage.systemCPUTime) / 1000,
        memory: usage.maxRSS / 1024,
      }
    })
    return {
      wall: median(seen.map(({ wall }) => wall)),
      cpu: median(seen.map(({ cpu }) => cpu)),
      memory: Math.max(...seen.map(({ memory }) => memory)),
      runs,
    }
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}
