import { join } from 'node:path'
import { type Io } from '../../cli/io.ts'
import { main } from '../../cli/main.ts'
import { ROOT, type TestHost } from './host.ts'

export interface CliResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Where the command line keeps lock and history for a host of `startHost`. */
export const stateOf = (host: TestHost): string => join(host.folder, 'state')

/** The options that every command against such a host needs. */
export const hostOptions = (host: TestHost): readonly string[] => [
  '--socket',
  host.socket,
  '--state-dir',
  stateOf(host),
]

/** Runs one command line in this process. */
export async function runCli(
  host: TestHost,
  argv: readonly string[],
  world: Partial<Io> = {},
): Promise<CliResult> {
  let [out, err] = ['', '']
  const io: Io = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    env: {},
    cwd: ROOT,
    outIsTerminal: false,
    errIsTerminal: false,
    inIsTerminal: false,
    columns: 100,
    program: ['/usr/bin/node', '/usr/bin/qstate'],
    hostname: 'test-host',
    username: 'root',
    now: () => new Date('2026-11-24T12:00:00Z'),
    pause: () => Promise.resolve(),
    signal: new AbortController().signal,
    readIn: () => Promise.resolve(Buffer.alloc(0)),
    ask: () => Promise.resolve(null),
    onHangup: () => undefined,
    onStop: () => undefined,
    ...world,
  }
  const code = await main([...hostOptions(host), ...argv], io)
  return { code, out, err }
}
