import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { readBytes } from '../../documents/read/index.ts'
import {
  makeDom0Tree,
  parseFaults,
  parseFixture,
  type SimulatedVersion,
  startSimulator,
} from '../../simulator/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'

export interface SimulatorCommandOptions extends GlobalOptions {
  readonly fixture?: string
  readonly release?: SimulatedVersion
  readonly state?: string
  readonly faults?: string
}

/** Runs the stand-in for qubesd until a signal ends it. */
export async function simulator(options: SimulatorCommandOptions, io: Io): Promise<number> {
  if (options.socket === undefined) {
    throw new QstateError(
      problem(
        'no-socket',
        'the simulator has to be told where to listen',
        'add --socket PATH, as in `qstate simulator --socket /tmp/qubesd.sock`',
      ),
    )
  }
  const at = (path: string): string => resolve(io.cwd, path)
  const socket = at(options.socket)
  const files = `${socket}.dom0`
  const running = await startSimulator({
    socket,
    dom0Files: files,
    ...(options.fixture === undefined ? {} : { fixture: readJson(at(options.fixture), parseFixture) }),
    ...(options.release === undefined ? {} : { release: options.release }),
    ...(options.state === undefined ? {} : { stateFile: at(options.state) }),
    ...(options.faults === undefined ? {} : { faults: readJson(at(options.faults), parseFaults) }),
  }).catch((error: unknown) => {
    throw asUserError(error)
  })
  // Files that were there before, or that go with a state that is kept, are left.
  const isOurs = options.state === undefined && !existsSync(files)
  makeDom0Tree(files)
  io.err(`A simulated dom0 listens on ${socket}, with its files in ${files}.\n`)
  io.err(`Try: qstate --socket ${socket} devices\nCtrl-C ends it.\n`)
  if (!io.signal.aborted) await once(io.signal, 'abort')
  await running.close()
  if (isOurs) rmSync(files, { recursive: true, force: true })
  return EXIT.done
}

/** A host of a thousand qubes takes a few. */
const MAX_BYTES = 64 * 1024 * 1024

function readJson<T>(path: string, parse: (json: unknown) => T): T {
  try {
    const found = readBytes(path, MAX_BYTES)
    if (found === undefined) throw new Error('there is no such file')
    if ('fault' in found) throw new Error(found.fault)
    return parse(JSON.parse(found.bytes.toString('utf8')))
  } catch (error) {
    throw new QstateError(problem('bad-file', `${path}: ${reasonOf(error)}`, 'correct the file'))
  }
}

const asUserError = (error: unknown): QstateError =>
  new QstateError(problem('no-simulator', reasonOf(error), 'choose another --socket, or fix what it says'))

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
