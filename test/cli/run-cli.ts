import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext } from 'node:test'
import { type Io } from '../../cli/io.ts'
import { main } from '../../cli/main.ts'
import { makeDom0Tree } from '../../simulator/dom0-tree.ts'
import { parseFixture } from '../../simulator/host/fixture.ts'
import { type SimulatedVersion, type Simulator, startSimulator } from '../../simulator/index.ts'

/** The root of the checkout: examples and recordings are read from there. */
export const ROOT = process.cwd()

export interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Host {
  readonly simulator: Simulator
  readonly socket: string
  readonly folder: string
  /** Writes a file into the folder. Its path. */
  write(name: string, text: string): string
  /** Runs one command line against this host, in process. */
  qstate(...argv: string[]): Promise<Result>
  /** The same with answers to questions, a terminal's width, or other environment. */
  qstateWith(world: Partial<World>, ...argv: string[]): Promise<Result>
}

interface World {
  readonly env: Record<string, string>
  readonly answers: string[]
  readonly terminal: boolean
  readonly columns: number
  readonly cwd: string
  readonly stdin: string
}

/** A simulated host for one test, with its own folder, gone when the test ends. */
export async function simulatedHost(
  t: TestContext,
  options: { readonly fixture?: string; readonly release?: SimulatedVersion } = {},
): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'qstate-test-'))
  const socket = join(folder, 'qubesd.sock')
  const simulator = await startSimulator({
    socket,
    dom0Files: `${socket}.dom0`,
    ...(options.fixture === undefined
      ? {}
      : { fixture: parseFixture(JSON.parse(readFileSync(join(ROOT, options.fixture), 'utf8'))) }),
    ...(options.release === undefined ? {} : { release: options.release }),
  })
  makeDom0Tree(`${socket}.dom0`)
  t.after(async () => {
    await simulator.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const env = { QSTATE_SOCKET: socket, QSTATE_STATE_DIR: join(folder, 'state') }
  const qstateWith = (world: Partial<World>, ...argv: string[]): Promise<Result> =>
    runCli(argv, { ...world, env: { ...env, ...world.env } })
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  return { simulator, socket, folder, write, qstateWith, qstate: (...argv) => qstateWith({}, ...argv) }
}

export async function runCli(argv: readonly string[], world: Partial<World> = {}): Promise<Result> {
  let [out, err] = ['', '']
  const io = ioOf(world, { out: (text) => (out += text), err: (text) => (err += text) })
  const code = await main(argv, io)
  return { code, out, err }
}

/** What a command is handed of a world that a test makes up. */
export function ioOf(
  world: Partial<World>,
  hear: { readonly out: (text: string) => void; readonly err: (text: string) => void },
): Io {
  const answers = [...(world.answers ?? [])]
  const terminal = world.terminal ?? false
  return {
    ...hear,
    env: world.env ?? {},
    cwd: world.cwd ?? ROOT,
    outIsTerminal: terminal,
    errIsTerminal: terminal,
    inIsTerminal: terminal,
    columns: world.columns ?? 100,
    program: ['/usr/bin/node', '/usr/bin/qstate'],
    hostname: 'test-host',
    username: 'root',
    now: () => new Date('2026-11-24T12:00:00Z'),
    pause: () => Promise.resolve(),
    signal: new AbortController().signal,
    onHangup: () => undefined,
    onStop: () => undefined,
    readIn: (maxBytes) => Promise.resolve(Buffer.from(world.stdin ?? '').subarray(0, maxBytes + 1)),
    ask(question) {
      hear.err(question)
      return Promise.resolve(answers.shift() ?? null)
    },
  }
}
