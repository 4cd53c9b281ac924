import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { escapeForTerminal, problem, QstateError } from '../spec/diagnostics/index.ts'
import { type Ended, runGroup } from './child.ts'
import { tellingWords } from './failure-words.ts'

/**
 * The only door to git. Whatever a repository holds, nothing of it is run: no hook, filter, monitor or pager, no credential
 * prompt; objects are read, and never checked out. A command that looks at the files of a work tree (`status`, `diff`, `add`) is not
 * started at all: it would run the filters that the repository's settings name. Nor are objects that a repository lacks fetched from a server,
 * but where a fetch is meant.
 */

/** Where git works: in the repository that it finds around a folder, or in one that is named and not looked for. */
export type Place = string | { readonly gitDir: string }

export interface GitOptions {
  readonly timeoutMs?: number
  /** Of the answer. */
  readonly maxBytes?: number
  readonly input?: string
  readonly signal?: AbortSignal
  /** Settings for this call alone, `key=value`: they come before those of any file. */
  readonly config?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Ways that git may go to another repository: none, unless it is to fetch. */
  readonly protocols?: readonly string[]
  /** No file that git writes gets larger than this many bytes: a fetch that would is broken off. */
  readonly maxFileBytes?: number
  /** Nor does git, or anything that it starts, take more memory than this. */
  readonly maxMemoryBytes?: number
}

const TIMEOUT_MS = 60_000
const MAX_BYTES = 64 * 1024 * 1024

const SAFE = [
  // A commit can hold a folder that is laid out as a repository, with settings of its own that run programs.
  'safe.bareRepository=explicit',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.askPass=',
  'core.pager=cat',
  'submodule.recurse=false',
  // Asked of what other repositories lend to this one.
  'core.alternateRefsCommand=true',
  'gc.auto=0',
  'log.showSignature=false',
  'maintenance.auto=false',
]

const argsOf = (place: Place, args: readonly string[], { config = [] }: GitOptions): string[] => [
  ...(typeof place === 'string' ? ['-C', place] : ['-C', place.gitDir, '--git-dir=.']),
  ...['--no-pager', '--no-optional-locks', '--no-replace-objects', '--literal-pathspecs'],
  ...[...SAFE, ...config].flatMap((setting) => ['-c', setting]),
  ...args,
]

/**
 * Of the caller's environment what reaches the network and its keys. A hook's own GIT_DIR would lead elsewhere than asked;
 * where new objects wait for a hook's verdict, though, has to be known.
 */
function environment({ env = {}, protocols = [] }: GitOptions): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (!entry[0].startsWith('GIT_') || KEPT.has(entry[0])),
  )
  return {
    ...Object.fromEntries(kept),
    // Stands above what any settings allow, and above `ext::`, which runs a program of the URL's own naming.
    GIT_ALLOW_PROTOCOL: protocols.length === 0 ? 'none' : protocols.join(':'),
    GIT_NO_LAZY_FETCH: '1',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
    ...env,
  }
}

const KEPT: ReadonlySet<string> = new Set([
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_OBJECT_DIRECTORY',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
])

/** What git answers. When it is stopped, or has no more time, all that it started ends with it. Fails with QstateError. */
export async function git(place: Place, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const ended = await run(place, args, options)
  if (ended.code === '0') return ended.stdout
  throw failure(place, args, ended)
}

/** What git answers by its exit code. Where it says why, it is a failure and no answer. */
export async function says(folder: string, args: readonly string[]): Promise<boolean> {
  const place = { gitDir: folder }
  const ended = await run(place, args, {})
  if (ended.code === '0') return true
  if (ended.code === '1' && lastLines(ended.stderr) === '') return false
  throw failure(place, args, ended)
}

function run(place: Place, args: readonly string[], options: GitOptions): Promise<Ended> {
  const { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES, input = '', signal } = options
  const [program, all] = bounded(argsOf(place, args, options), options)
  return runGroup(program, all, {
    env: environment(options),
    input,
    maxBytes,
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  })
}

/** The same, waited for: for what is read from objects that are here. Fails with QstateError. */
export function gitNow(place: Place, args: readonly string[], options: GitOptions = {}): Buffer {
  const { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = options
  const ended = spawnSync('git', argsOf(place, args, options), {
    env: environment(options),
    input: options.input ?? '',
    maxBuffer: maxBytes,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  if (ended.error === undefined && ended.status === 0) return ended.stdout
  const code = (ended.error as NodeJS.ErrnoException | undefined)?.code ?? String(ended.status)
  throw failure(place, args, { ...ended, code })
}

/** The shell only sets the limits, and becomes git; nothing of the arguments is a program to it. */
function bounded(args: string[], { maxFileBytes, maxMemoryBytes }: GitOptions): [string, string[]] {
  if (maxFileBytes === undefined && maxMemoryBytes === undefined) return ['git', args]
  const units = (bytes: number | undefined, unit: number): string =>
    bytes === undefined ? 'unlimited' : String(Math.ceil(bytes / unit))
  const script = 'ulimit -f "$0" && ulimit -d "$1" && shift && exec git "$@"'
  return ['/bin/sh', ['-c', script, units(maxFileBytes, 512), units(maxMemoryBytes, 1024), ...args]]
}

const verb = (args: readonly string[]): string => args.find((arg) => /^[a-z]/.test(arg)) ?? ''

function failure(place: Place, args: readonly string[], ended: Omit<Ended, 'stdout'>): QstateError {
  const what = `git ${verb(args)}`
  const { code, signal } = ended
  if (code === 'ABORTED') return new QstateError(problem('git-aborted', `${what}: stopped`, 'run this again'))
  // The second is what a shell says.
  if (code === 'ENOENT' || code === '127') {
    return new QstateError(problem('git-missing', 'there is no git here', 'install git'))
  }
  if (code === 'ETIMEDOUT') {
    return new QstateError(
      problem('git-timeout', `${what}: no end within the time it has`, 'see to network and server'),
    )
  }
  const said = lastLines(ended.stderr)
  if (NO_MEMORY.test(said)) {
    const hint = 'see whether this machine has memory left; else keep large files out of the repository'
    return new QstateError(
      problem('git-no-memory', `${what}: more memory than there is, or than it may take`, hint),
    )
  }
  if (NO_ROOM.test(ended.stderr.toString())) {
    const hint = `make room there: ${typeof place === 'string' ? place : place.gitDir}`
    return new QstateError(problem('git-no-room', `${what}: no space is left on the disk`, hint))
  }
  if (code === 'ENOBUFS' || signal === 'SIGXFSZ' || CUT_SHORT.test(said)) {
    return new QstateError(
      problem('git-too-large', `${what}: more than is allowed`, 'keep large files out of it'),
    )
  }
  const { words, hint } = tellingWords(linesOf(ended.stderr))
  const message = `${what}: ${words === '' ? `ended with ${signal ?? code}` : words}`
  return new QstateError(problem('git-failed', message, hint))
}

/** Here, and not on the other side. */
const NO_ROOM = /^(?!remote:).*(?:No space left on device|Out of diskspace)/im

const NO_MEMORY = /out of memory|Cannot allocate memory/i

/** Where the part of git that unpacks died of a limit: all that may be left is that it said nothing. */
const CUT_SHORT =
  /file size limit|File too large|SIGXFSZ|^(?:fatal|error): (?:fetch-pack: invalid index-pack output|index-pack died.*)$/i

/** Text of git, and of the server behind it, without anything that moves a terminal's cursor. */
const linesOf = (stderr: Buffer): readonly string[] =>
  stderr
    .toString('utf8')
    .split(/[\r\n]+/)
    .map((line) => escapeForTerminal(line.trim()))
    .filter((line) => line !== '' && !/^(?:hint|warning):/.test(line))

const lastLines = (stderr: Buffer): string => linesOf(stderr).slice(-3).join('; ').slice(0, 400)

/** The repository that a folder is in, and where in it: `''` at its root, else `hosts/` or the like. Fails with QstateError. */
export function repositoryOf(folder: string): { readonly gitDir: string; readonly prefix: string } {
  // git tells the hooks of a server's repository so that it is the folder itself; one that is only found there is not trusted.
  const named = process.env['GIT_DIR']
  if (named !== undefined && resolve(folder, named) === resolve(folder)) return { gitDir: folder, prefix: '' }
  const told = gitNow(folder, ['rev-parse', '--absolute-git-dir', '--show-prefix']).toString('utf8')
  const [gitDir = '', prefix = ''] = told.split('\n')
  return { gitDir, prefix }
}
