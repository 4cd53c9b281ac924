import { type Target } from '../app/plan/index.ts'
import { defaultStateDir, type HostTarget, type HostTransport } from '../app/host/index.ts'
import { type SpecLocation } from '../app/source/index.ts'
import { problem, QstateError } from '../spec/diagnostics/index.ts'
import { AREAS, type Area, durationMs, TAG_NAME } from '../spec/vocabulary/index.ts'
import { type Io } from './io.ts'
import { makeStyle, type Style } from './views/style.ts'

/**
 * What a command line and its environment say, as the values of app/: parsed once, here.
 */

/** Options that every command has. */
export interface GlobalOptions {
  readonly config?: string[]
  readonly socket?: string
  readonly qrexecClient?: string
  readonly dom0Root?: string
  readonly stateDir?: string
  readonly json?: boolean
  readonly color: boolean
  readonly verbose?: boolean
  readonly logFormat?: 'text' | 'json'
  readonly timeout: string
  readonly concurrency: string
}

export function wholeNumber(text: string, option: string, min: number, max: number): number {
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : NaN
  if (value >= min && value <= max) return value
  const message = `${option} takes a whole number from ${min} to ${max}, not “${text}”`
  throw new QstateError(problem('bad-option', message, 'correct the option'))
}

/** Seconds of an option, as milliseconds. */
export const secondsAsMs = (text: string, option: string, min: number): number =>
  wholeNumber(text, option, min, 86_400) * 1000

/** Milliseconds of an option such as `30m`. */
export function spanMs(text: string, option: string): number {
  const span = durationMs(text) ?? 0
  if (span > 0) return span
  const hint = 'a span of time such as 90s, 30m, 12h or 7d'
  throw new QstateError(problem('bad-option', `${option} “${text}” is no span of time`, hint))
}

export const parallelismOf = ({ parallelism }: { readonly parallelism: string }): number =>
  wholeNumber(parallelism, '--parallelism', 1, 64)

/** Text of a variable; null where it is not set, or empty. */
export function fromEnv({ env }: Pick<Io, 'env'>, name: string): string | null {
  const value = env[name]
  return value === undefined || value === '' ? null : value
}

export function targetOf(options: GlobalOptions, io: Io): HostTarget {
  return {
    transport: transportOf(options, io),
    slicRoot: options.dom0Root ?? fromEnv(io, 'QSTATE_DOM0_ROOT'),
    stateDir: options.stateDir ?? fromEnv(io, 'QSTATE_STATE_DIR') ?? defaultStateDir(),
    concurrency: wholeNumber(options.concurrency, '--concurrency', 1, 64),
    timeoutMs: secondsAsMs(options.timeout, '--timeout', 1),
  }
}

/** An option stands above the environment. */
function transportOf({ socket, qrexecClient }: GlobalOptions, io: Io): HostTransport | null {
  if (socket !== undefined) return { kind: 'socket', path: socket }
  if (qrexecClient !== undefined) return { kind: 'qrexec', client: qrexecClient }
  const [path, client] = [fromEnv(io, 'QSTATE_SOCKET'), fromEnv(io, 'QSTATE_QREXEC_CLIENT')]
  if (path !== null) return { kind: 'socket', path }
  return client === null ? null : { kind: 'qrexec', client }
}

export interface SpecOptions extends GlobalOptions {
  /** A revision of the repository that the user is in, instead of files. */
  readonly fromGit?: string
}

export const specLocation = (paths: readonly string[], options: SpecOptions, io: Io): SpecLocation => ({
  paths: paths.length > 0 ? paths : (options.config ?? []),
  configured: fromEnv(io, 'QSTATE_CONFIG')?.split(':') ?? [],
  revision: options.fromGit ?? null,
  readInput: (maxBytes) => io.readIn(maxBytes),
})

export const targetsOf = ({ target = [] }: { readonly target?: readonly string[] }): readonly Target[] =>
  target.map(parseTarget)

/** `win10`, `tag:windows`, `area:usb`, `win10/audio`. */
function parseTarget(text: string): Target {
  if (text.startsWith('tag:')) {
    const tag = text.slice('tag:'.length)
    if (TAG_NAME.test(tag)) return { kind: 'tag', tag }
    throw badTarget(text)
  }
  if (text.startsWith('area:')) return { kind: 'area', area: areaOf(text.slice('area:'.length), text) }
  const [name = '', part, ...more] = text.split('/')
  if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(name) || more.length > 0) throw badTarget(text)
  return { kind: 'qube', name, area: part === undefined ? null : areaOf(part, text) }
}

function areaOf(word: string, target: string): Area {
  const area = AREAS.find((one) => one === word)
  if (area === undefined) throw badTarget(target)
  return area
}

function badTarget(target: string): QstateError {
  const hint = `a target is QUBE, QUBE/AREA, tag:TAG or area:AREA; areas are ${AREAS.join(', ')}; a tag has letters, digits, _ and -`
  return new QstateError(problem('invalid-target', `“${target}” is no target`, hint))
}

/** Colour where it helps: on a terminal, unless someone said no (NO_COLOR, --no-color, TERM=dumb). */
export function wantsColor(options: Pick<GlobalOptions, 'color'>, io: Io, isTerminal: boolean): boolean {
  if (!options.color || fromEnv(io, 'NO_COLOR') !== null || io.env['TERM'] === 'dumb') return false
  const forced = fromEnv(io, 'FORCE_COLOR')
  return isTerminal || (forced !== null && forced !== '0')
}

/** How stdout is written to. */
export const outStyle = (options: Pick<GlobalOptions, 'color'>, io: Io): Style =>
  makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
