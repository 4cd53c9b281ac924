import { resolve } from 'node:path'
import { type ConfirmOptions } from '../app/apply/index.ts'
import { defaultStateDir } from '../app/host/index.ts'
import { type Io } from './io.ts'
import { type GlobalOptions, spanMs, targetOf } from './options.ts'

/** Has the same host and state folder again, from any folder and without this environment. */
export function revertCommand(options: GlobalOptions, io: Io): ConfirmOptions['command'] {
  const { transport, slicRoot, stateDir } = targetOf(options, io)
  const absolute = (path: string): string => resolve(io.cwd, path)
  const reach =
    transport?.kind === 'socket'
      ? ['--socket', absolute(transport.path)]
      : transport?.kind === 'qrexec'
        ? transport.client === null
          ? []
          : ['--qrexec-client', absolute(transport.client)]
        : []
  const argv = [
    ...io.program,
    ...reach,
    ...(slicRoot === null ? [] : ['--dom0-root', absolute(slicRoot)]),
    ...[
      '--state-dir',
      absolute(stateDir),
      '--timeout',
      options.timeout,
      '--concurrency',
      options.concurrency,
    ],
  ]
  return (generation) => [...argv, 'rollback', '--unconfirmed', String(generation)]
}

/** Takes everything back unless a person confirms it within a span of time. */
export const confirmOptions = (span: string, options: GlobalOptions, io: Io): ConfirmOptions => ({
  seconds: Math.ceil(spanMs(span, '--confirm') / 1000),
  command: revertCommand(options, io),
  isSeenAtBoot: resolve(io.cwd, targetOf(options, io).stateDir) === defaultStateDir(),
})
