import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Measured {
  /** The least of the runs: milliseconds from the start of the process to its end, and of its own work; the highest memory, MiB. */
  readonly wall: number
  readonly cpu: number
  readonly memory: number
  readonly runs: number
}

export interface Command {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Runs programs, which have to be Node in the end, and tells what that took. */
export interface Measure {
  alone(command: Command, runs: number): Measured
  /** Two in turn, so that both meet what else goes on at the machine. */
  together(first: Command, second: Command, runs: number): Together
}

/** Two programs that ran by turns. Of the pairs the median counts: one quick run of either says little of the other. */
export interface Together {
  readonly first: Measured
  readonly second: Measured
  /** How long the first took in times of the second, on the wall. */
  readonly ratio: number
  /** How much longer than the second the first took, in milliseconds. */
  readonly more: { readonly wall: number; readonly cpu: number }
}

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
  const once = ({ args, env = {} }: Command): Measured => {
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
    const cpu = (usage.userCPUTime + usage.systemCPUTime) / 1000
    return { wall, cpu, memory: usage.maxRSS / 1024, runs: 1 }
  }
  const times = <T>(runs: number, work: () => T): T[] => Array.from({ length: runs }, work)
  return {
    alone: (command, runs) => least(times(runs, () => once(command))),
    together(first, second, runs) {
      const seen = times(runs, () => [once(first), once(second)] as const)
      return {
        first: least(seen.map(([one]) => one)),
        second: least(seen.map(([, other]) => other)),
        ratio: median(seen.map(([one, other]) => one.wall / other.wall)),
        more: {
          wall: median(seen.map(([one, other]) => one.wall - other.wall)),
          cpu: median(seen.map(([one, other]) => one.cpu - other.cpu)),
        },
      }
    },
  }
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN

/** Whatever else a machine does can only add time: the least is nearest to what the program takes. */
export const least = (all: readonly Measured[]): Measured => ({
  wall: Math.min(...all.map(({ wall }) => wall)),
  cpu: Math.min(...all.map(({ cpu }) => cpu)),
  memory: Math.max(...all.map(({ memory }) => memory)),
  runs: all.reduce((sum, { runs }) => sum + runs, 0),
})
