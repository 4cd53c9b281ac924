import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Context, type Progress } from '../../app/context.ts'
import { type HostTarget } from '../../app/host/target.ts'
import { type SpecLocation } from '../../app/source/load.ts'
import { type Diagnostic, type Problem } from '../../spec/diagnostics/problem.ts'
import { type TestHost } from '../support/host.ts'

/** A context without a terminal, and what use cases have told it. */
export interface TestContext extends Context {
  readonly warnings: Problem[]
  readonly reported: Diagnostic[]
  readonly steps: Progress[]
  readonly calls: string[]
}

export function testContext(cwd: string): TestContext {
  const [warnings, reported, steps, calls]: [Problem[], Diagnostic[], Progress[], string[]] = [[], [], [], []]
  return {
    warnings,
    reported,
    steps,
    calls,
    signal: new AbortController().signal,
    now: () => new Date('2026-11-24T12:00:00Z'),
    pause: () => Promise.resolve(),
    progress: (step) => void steps.push(step),
    warn: (problem) => void warnings.push(problem),
    report: (diagnostics) => void reported.push(...diagnostics),
    onCall: ({ call }) => void calls.push(call),
    actor: 'alice@test-host',
    machine: 'test-host',
    cwd,
  }
}

export const targetOf = ({ socket, folder }: Pick<TestHost, 'socket' | 'folder'>): HostTarget => ({
  transport: { kind: 'socket', path: socket },
  slicRoot: null,
  stateDir: join(folder, 'state'),
  concurrency: 8,
  timeoutMs: 20_000,
})

/** Neither paths nor a default. */
export const NOWHERE: SpecLocation = {
  paths: [],
  configured: [],
  revision: null,
  readInput: () => Promise.resolve(Buffer.alloc(0)),
}

export const at = (...paths: readonly string[]): SpecLocation => ({ ...NOWHERE, paths })

/** Writes a file into a folder, and gives its path there. */
export function write(folder: string, path: string, text: string): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
  return path
}
