import { type ChildProcess, execFile, spawnSync } from 'node:child_process'
import { GitError } from './errors.ts'

/**
 * The only door to git. Whatever a repository holds, nothing of it is run: no hook, filter, monitor or pager, no credential
 * prompt; objects are read, and never checked out.
 */
export interface GitOptions {
  readonly timeoutMs?: number
  /** Of the answer. */
  readonly maxBytes?: number
  readonly input?: string
  readonly signal?: AbortSignal
  /** Settings for this call alone, `key=value`: they come before those of any file. */
  readonly config?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** No file that git writes gets larger than this many bytes: a fetch that would is broken off. */
  readonly maxFileBytes?: number
}

const TIMEOUT_MS = 60_000
const MAX_BYTES = 64 * 1024 * 1024

const SAFE = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.askPass=',
  'core.pager=cat',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
]

const argsOf = (folder: string, args: readonly string[], { config = [] }: GitOptions): string[] => [
  ...['-C', folder, '--no-pager', '--no-optional-locks', '--no-replace-objects', '--literal-pathspecs'],
  ...[...SAFE, ...config].flatMap((setting) => ['-c', setting]),
  ...args,
]

/**
 * Of the caller's environment what reaches the network and its keys. A hook's own GIT_DIR would lead elsewhere than asked;
 * where new objects wait for a hook's verdict, though, has to be known.
 */
function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (!entry[0].startsWith('GIT_') || KEPT.has(entry[0])),
  )
  return { ...Object.fromEntries(kept), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', ...more }
}

const KEPT: ReadonlySet<string> = new Set([
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_OBJECT_DIRECTORY',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
])

/** What git answers. Fails with GitError. */
export function git(folder: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES, signal } = options
  const [program, all] = bounded(argsOf(folder, args, options), options.maxFileBytes)
  return new Promise((resolve, reject) => {
    const child: ChildProcess = execFile(
      program,
      all,
      {
        env: environment(options.env),
        encoding: 'buffer',
        maxBuffer: maxBytes,
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        ...(signal === undefined ? {} : { signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else if (signal?.aborted === true)
          reject(new GitError('aborted', `git ${verb(args)}: stopped`, 'run this again'))
        else if (child.killed && error.killed === true)
          reject(failure(args, error.code === TOO_LONG ? TOO_LONG : 'ETIMEDOUT', null, stderr))
        else reject(failure(args, String(error.code ?? ''), error.signal ?? null, stderr))
      },
    )
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}

/** The same, waited for: for what is read from objects that are here. Fails with GitError. */
export function gitNow(folder: string, args: readonly string[], options: GitOptions = {}): Buffer {
  const { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = options
  const ended = spawnSync('git', argsOf(folder, args, options), {
    env: environment(options.env),
    input: options.input ?? '',
    maxBuffer: maxBytes,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  if (ended.error === undefined && ended.status === 0) return ended.stdout
  const code = (ended.error as NodeJS.ErrnoException | undefined)?.code ?? String(ended.status)
  throw failure(args, code === 'ENOBUFS' ? TOO_LONG : code, ended.signal, ended.stderr)
}

const TOO_LONG = 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'

/** The shell only sets the limit, in blocks of 512 bytes, and becomes git; nothing of the arguments is a program to it. */
function bounded(args: string[], maxFileBytes: number | undefined): [string, string[]] {
  if (maxFileBytes === undefined) return ['git', args]
  const blocks = String(Math.ceil(maxFileBytes / 512))
  return ['/bin/sh', ['-c', 'ulimit -f "$0" && exec git "$@"', blocks, ...args]]
}

const verb = (args: readonly string[]): string => args.find((arg) => /^[a-z]/.test(arg)) ?? ''

function failure(
  args: readonly string[],
  code: string,
  signal: NodeJS.Signals | null,
  stderr: Buffer,
): GitError {
  const what = `git ${verb(args)}`
  if (code === 'ENOENT') return new GitError('git-missing', 'there is no git here', 'install git')
  if (code === 'ETIMEDOUT') {
    return new GitError('git-timeout', `${what}: no end within the time it has`, 'see to network and server')
  }
  const said = lastLines(stderr)
  if (code === TOO_LONG || signal === 'SIGXFSZ' || CUT_SHORT.test(said)) {
    return new GitError('git-too-large', `${what}: more than is allowed`, 'keep large files out of it')
  }
  return new GitError(
    'git-failed',
    `${what}: ${said === '' ? `ended with ${signal ?? code}` : said}`,
    'what git says is quoted; nothing was touched',
  )
}

/** Where the part of git that unpacks died of the limit: all that is left is that it said nothing. */
const CUT_SHORT =
  /file size limit|File too large|SIGXFSZ|^(?:fatal|error): (?:fetch-pack: invalid index-pack output|index-pack died.*)$/i

/** Text of git, and of the server behind it: shortened, and without anything that moves a terminal's cursor. */
function lastLines(stderr: Buffer): string {
  const lines = stderr
    .toString('utf8')
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[^\x20-\x7e\u00a1-\u058f]/g, '?').trim())
    .filter((line) => line !== '' && !/^(?:hint|warning):/.test(line))
  return lines.slice(-3).join('; ').slice(0, 400)
}

/** Where a folder is in its repository: `''` at the root, else `hosts/` or the like. Fails with GitError. */
export function repositoryOf(folder: string): { readonly prefix: string } {
  const prefix = gitNow(folder, ['rev-parse', '--show-prefix']).toString('utf8')
  return { prefix: prefix.replace(/\n$/, '') }
}

/**
 * Commit of the repository that a folder is in, with `+` at its end when files of the folder differ from it.
 * Null outside a repository, before the first commit, or without git.
 */
export async function commitOf(folder: string): Promise<string | null> {
  try {
    const status = await git(folder, ['status', '--porcelain=v2', '--branch', '--', '.'], {
      timeoutMs: 5000,
      maxBytes: 16 * 1024 * 1024,
    })
    const text = status.toString('utf8')
    const commit = /^# branch\.oid ([0-9a-f]{40,64})$/m.exec(text)?.[1]
    if (commit === undefined) return null
    return /^[^#\n]/m.test(text) ? `${commit}+` : commit
  } catch {
    return null
  }
}
