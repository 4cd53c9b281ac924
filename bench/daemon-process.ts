import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostOf } from './workload.ts'

export type Pace = 'at-once' | 'as-slow-as-qubesd'
export type ToDaemon = 'take-calls' | 'stop' | readonly string[]

export interface Daemon {
  readonly socket: string
  /** Requests since the last time this was asked, as their bytes in Latin-1. */
  takeCalls(): Promise<readonly string[]>
  /** Carries out what another daemon was asked, taking no time for it. */
  replay(calls: readonly string[]): Promise<void>
  stop(): Promise<void>
}

let started = 0

/** A simulated qubesd with this many Windows qubes. */
export async function startDaemon(folder: string, windows: number, pace: Pace): Promise<Daemon> {
  started += 1
  const socket = join(folder, `${started}.sock`)
  const fixture = join(folder, `${started}.json`)
  writeFileSync(fixture, JSON.stringify(hostOf(windows)))
  const child = fork(join(import.meta.dirname, 'daemon.js'), [socket, fixture, pace])
  await once(child, 'message')
  return {
    socket,
    async takeCalls() {
      child.send('take-calls' satisfies ToDaemon)
      const [calls] = (await once(child, 'message')) as [string[]]
      return calls
    },
    async replay(calls) {
      child.send(calls satisfies ToDaemon)
      await once(child, 'message')
    },
    async stop() {
      const ended = once(child, 'exit')
      child.send('stop' satisfies ToDaemon)
      await ended
    },
  }
}

/** Counts by method, in the order of their names. */
export function countByMethod(calls: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const method of calls.map((call) => /^[^+ ]*/.exec(call)?.[0] ?? '').sort()) {
    counts[method] = (counts[method] ?? 0) + 1
  }
  return counts
}
