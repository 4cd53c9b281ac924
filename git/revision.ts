import { dirname, isAbsolute, join, normalize } from 'node:path/posix'
import { escapeForTerminal, hasCode, isDomain, problem, QstateError } from '../spec/diagnostics/index.ts'
import { type LoadOptions } from '../spec/index.ts'
import { isHidden } from './commit.ts'
import { gitNow } from './git.ts'

/**
 * The files of a git tree, read from its objects: nothing is checked out, so that no hook, filter, submodule or link of the
 * repository ever comes to anything.
 */
export interface Revision {
  /** Where its objects are. */
  readonly gitDir: string
  /** Null where a tree that is no commit was named. */
  readonly commit: string | null
  /** YAML files at or below the paths: their text by their path from the root of the repository. */
  readonly files: ReadonlyMap<string, string>
  /** Other files of it that say which these are: that of a fleet. */
  readonly chosenBy?: readonly string[]
  /** Another file, named from one of them: its bytes, or why there are none. */
  readonly read: (path: string, from: string) => Buffer | string
  /** How they go together, where some are laid over others. */
  readonly shape?: NonNullable<LoadOptions['shape']>
}

const MAX_FILES = 2000
const MAX_FILE_BYTES = 1024 * 1024
const MAX_ENTRIES = 100_000

interface Entry {
  readonly mode: string
  readonly type: string
  readonly object: string
  readonly size: number
  readonly path: string
}

/**
 * Reads a commit, or any tree, of a repository: `gitDir` is where its objects are. `paths` are from the root of the repository; `''` or
 * `.` is all of it. Fails with QstateError for what the revision is or holds, with QstateError where git itself fails.
 */
export function readRevision(gitDir: string, rev: string, paths: readonly string[]): Revision {
  const { tree, commit } = resolve(gitDir, rev)
  const wanted = paths.map((path) => within(path))
  const entries = list(gitDir, tree)
  const files = wanted.flatMap((path) => filesAt(path, entries, rev))
  if (files.length > MAX_FILES) throw refused(`it has more than ${MAX_FILES} YAML files`, 'name its folder')
  const unique = [...new Map(files.map((entry) => [entry.path, entry])).values()]
  return {
    gitDir,
    commit,
    files: new Map([...readBlobs(gitDir, unique)].map(([path, bytes]) => [path, decode(path, bytes)])),
    read: (path, from) => readNamed(gitDir, entries, path, from),
  }
}

function resolve(gitDir: string, rev: string): { readonly tree: string; readonly commit: string | null } {
  const find = (kind: 'tree' | 'commit'): string | null => {
    try {
      const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{${kind}}`]
      return gitNow({ gitDir }, args).toString('latin1').trim()
    } catch (error) {
      if (hasCode(error, 'git-failed')) return null
      throw error
    }
  }
  const tree = /^[\x21-\x7e]+$/.test(rev) ? find('tree') : null
  if (tree === null) {
    const hint = 'name a commit, branch, tag or tree of the repository that you are in'
    throw new QstateError(problem('bad-revision', `there is no revision “${shown(rev)}” in ${gitDir}`, hint))
  }
  return { tree, commit: find('commit') }
}

/** Every entry, by path: the modes tell links and submodules from files. */
function list(gitDir: string, tree: string): ReadonlyMap<string, Entry> {
  const text = gitNow({ gitDir }, ['ls-tree', '-r', '-z', '-l', '--full-tree', tree]).toString('utf8')
  const lines = text.split('\0').filter((line) => line !== '')
  if (lines.length > MAX_ENTRIES) throw refused(`it has more than ${MAX_ENTRIES} files`, 'use a smaller one')
  return new Map(
    lines.map((line) => {
      const [, mode = '', type = '', object = '', size = '', path = ''] =
        /^([0-7]{6}) ([a-z]+) ([0-9a-f]{40,64}) +(-|[0-9]+)\t([^]*)$/.exec(line) ?? []
      return [path, { mode, type, object, size: Number(size), path }]
    }),
  )
}

function filesAt(path: string, entries: ReadonlyMap<string, Entry>, rev: string): readonly Entry[] {
  const named = entries.get(path)
  if (named !== undefined) return [checked(named)]
  const below = [...entries.values()].filter(
    (entry) => (path === '' || entry.path.startsWith(`${path}/`)) && !isHidden(entry.path.slice(path.length)),
  )
  // A link without an ending may stand for a folder, and a submodule is one: passed over, their files would be missed.
  const yaml = below.filter((entry) => /\.ya?ml$/.test(entry.path) || (isOdd(entry) && isFolderName(entry)))
  if (yaml.length === 0) {
    const what = below.length === 0 ? 'is not there' : 'holds no file that ends in .yaml or .yml'
    const hint = 'name files or folders of YAML that are in that revision, from its root'
    throw new QstateError(
      problem('no-such-path', `${path === '' ? 'the repository' : path} ${what} (${shown(rev)})`, hint),
    )
  }
  return yaml.map(checked)
}

const isOdd = ({ mode }: Entry): boolean => mode === '120000' || mode === '160000'

const isFolderName = ({ path }: Entry): boolean => !/\.[^/]*$/.test(path)

function checked(entry: Entry): Entry {
  const why = oddity(entry)
  if (why === undefined) return entry
  throw refused(`${shown(entry.path)} ${why}`, 'put the file itself there')
}

function oddity({ mode, size }: Entry): string | undefined {
  if (mode === '120000') return 'is a symbolic link'
  if (mode === '160000') return 'is a submodule'
  if (size > MAX_FILE_BYTES) return 'is larger than 1 MiB'
  return undefined
}

/** For what git says on its other output. */
const ROOM = 65_536

const LFS = 'version https://git-lfs.github.com/'

function readBlobs(gitDir: string, entries: readonly Entry[]): ReadonlyMap<string, Buffer> {
  const input = entries.map((entry) => `${entry.object}\n`).join('')
  const total = entries.reduce((sum, { size }) => sum + size, 0)
  const bytes = gitNow({ gitDir }, ['cat-file', '--batch'], {
    input,
    maxBytes: total + 200 * entries.length + ROOM,
  })
  const files = new Map<string, Buffer>()
  let at = 0
  for (const { path, size } of entries) {
    const start = bytes.indexOf(0x0a, at) + 1
    const content = bytes.subarray(start, start + size)
    at = start + size + 1
    if (content.toString('latin1', 0, LFS.length) === LFS)
      throw refused(`${shown(path)} is kept with git-lfs, which is not read`, 'put the file itself there')
    files.set(path, content)
  }
  return files
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw refused(`${shown(path)} is not UTF-8`, 'a spec is UTF-8 text')
  }
}

function readNamed(
  gitDir: string,
  entries: ReadonlyMap<string, Entry>,
  path: string,
  from: string,
): Buffer | string {
  if (isAbsolute(path)) return 'it is not in the repository: a revision is read by itself'
  const full = normalize(join(dirname(from), path))
  if (full.startsWith('../')) return 'its path leads out of the repository'
  const entry = entries.get(full)
  if (entry === undefined) return 'there is no such file in that revision'
  const why = oddity(entry)
  if (why !== undefined) return `it ${why}`
  try {
    return readBlobs(gitDir, [entry]).get(full) ?? Buffer.alloc(0)
  } catch (error) {
    if (isDomain(error, 'spec')) return error.message
    throw error
  }
}

/** A path from the root, without `.`; one that leads outside is refused. */
function within(path: string): string {
  const full = normalize(path).replace(/\/$/, '')
  if (isAbsolute(full) || full === '..' || full.startsWith('../'))
    throw refused(`the path ${shown(path)} leads out of the repository`, 'name one from its root')
  return full === '.' ? '' : full
}

const refused = (why: string, hint: string): QstateError =>
  new QstateError(problem('refused-content', `the revision is refused: ${why}`, hint))

/** Names in a repository are anybody's text. */
const shown = (text: string): string => escapeForTerminal(text, { max: 200 })
