import { createHash } from 'node:crypto'
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { readBytes } from '../../documents/read/index.ts'
import { type FileOrigin, originsOf } from '../../git/index.ts'
import { problem, QstateError, type SourceFile } from '../../spec/diagnostics/index.ts'
import { type LoadOptions } from '../../spec/index.ts'

const DEFAULT_NAMES = ['qstate.yaml', 'qstate.yml']
const MAX_FILES = 2000
/** Of all files together. */
const MAX_BYTES = 64 * 1024 * 1024
/** Of a folder, with those below it. */
const MAX_ENTRIES = 100_000

export interface Sources {
  /** As given, for messages. */
  readonly paths: readonly string[]
  readonly files: readonly SourceFile[]
  /** Which commits the files are of. Tables are not among them: the spec has the digest of each. */
  readonly origins: () => Promise<readonly FileOrigin[]>
  readonly readTable: NonNullable<LoadOptions['readTable']>
  /** How the files go together, where some are laid over others. */
  readonly shape?: NonNullable<LoadOptions['shape']>
  /** Paths of the tables that were read, by SHA-256. */
  readonly tablePaths: ReadonlyMap<string, string>
}

/** The path that stands for stdin, and how messages call it. */
export const STDIN = '-'
const STDIN_NAME = '<stdin>'
/** As of a file. */
export const MAX_STDIN = 1024 * 1024

/**
 * Reads the files of a spec: those named, and folders with all YAML in them. Paths are counted from `cwd`. `input`: what `-` stands for; null
 * where it is a path like any other.
 */
export function readSources(paths: readonly string[], cwd: string, input: Buffer | null = null): Sources {
  const isInput = (path: string): boolean => path === STDIN && input !== null
  const named = paths.filter((path) => !isInput(path))
  const files = [...new Set(named.flatMap((path) => listFiles(path, cwd)))]
  if (files.length > MAX_FILES) {
    throw tooManyFiles(`${files.length} YAML files are more than the ${MAX_FILES} that a spec may have`)
  }
  const read = readTexts(files, cwd)
  const typed = input === null ? [] : [{ path: STDIN_NAME, text: textOfInput(input) }]
  const tablePaths = new Map<string, string>()
  return {
    paths: paths.map((path) => (isInput(path) ? STDIN_NAME : path)),
    files: [...typed, ...read],
    origins: async () => {
      const texts = new Map(read.map(({ path, text }) => [resolve(cwd, path), text]))
      const folders = named.map((path) => resolve(cwd, path)).filter(isFolder)
      return withInput(
        typed.map(({ path }) => path),
        await originsOf(texts, folders),
      )
    },
    tablePaths,
    readTable(path, from) {
      const full = isAbsolute(path) ? path : resolve(cwd, dirname(from), path)
      try {
        const found = readBytes(full)
        if (found === undefined) return NO_FILE
        if ('fault' in found) return found.fault
        tablePaths.set(createHash('sha256').update(found.bytes).digest('hex'), full)
        return found.bytes
      } catch (error) {
        return reasonOf(error)
      }
    },
  }
}

function textOfInput(input: Buffer): string {
  if (input.length <= MAX_STDIN) return decode(STDIN_NAME, input)
  throw new QstateError(problem('too-large', `${STDIN_NAME}: it is larger than 1 MiB`, 'split it into files'))
}

/** Stdin is in no repository. */
function withInput(names: readonly string[], origins: readonly FileOrigin[]): readonly FileOrigin[] {
  if (names.length === 0) return origins
  const loose = origins.filter(({ repository }) => repository === null).flatMap(({ files }) => files)
  const others = origins.filter(({ repository }) => repository !== null)
  return [{ repository: null, commit: null, files: [...names, ...loose] }, ...others]
}

/** What a spec is read from where no file is named: what is configured, else `qstate.yaml` in the folder. */
export function defaultPaths(configured: readonly string[], cwd: string): readonly string[] | null {
  if (configured.length > 0) return configured
  const found = DEFAULT_NAMES.find((name) => isFile(join(cwd, name)))
  return found === undefined ? null : [found]
}

function listFiles(path: string, cwd: string): string[] {
  const full = resolve(cwd, path)
  try {
    if (!statSync(full).isDirectory()) return [path]
  } catch (error) {
    throw new QstateError(
      problem('unreadable', `${path}: ${reasonOf(error)}`, 'name files or folders of YAML that are there'),
    )
  }
  const names = yamlBelow(full, path)
  if (names.length === 0) {
    throw new QstateError(
      problem(
        'no-files',
        `${path}: no file in it ends in .yaml or .yml`,
        'name the folder that the spec is in',
      ),
    )
  }
  return names.map((name) => join(path, name))
}

/** YAML files below a folder. One that links lead to in several ways is read once, so that none of them lead in a circle. */
function yamlBelow(root: string, shown: string): readonly string[] {
  const seen = new Set<string>()
  let entries = 0
  const walk = (folder: string, prefix: string): readonly string[] => {
    const real = realpathSync(folder)
    if (seen.has(real)) return []
    seen.add(real)
    const found = readdirSync(folder, { withFileTypes: true })
    entries += found.length
    if (entries > MAX_ENTRIES) throw tooManyFiles(`${shown}: more than ${MAX_ENTRIES} files lie below it`)
    return found.flatMap((entry) => {
      const { name } = entry
      if (name.startsWith('.') || name === 'node_modules') return []
      const full = join(folder, name)
      if (entry.isDirectory() || (entry.isSymbolicLink() && isFolder(full)))
        return walk(full, `${prefix}${name}/`)
      return /\.ya?ml$/.test(name) ? [prefix + name] : []
    })
  }
  return [...walk(root, '')].sort()
}

const tooManyFiles = (what: string): QstateError =>
  new QstateError(problem('too-many-files', what, 'name the folder of the spec itself'))

function readTexts(paths: readonly string[], cwd: string): readonly SourceFile[] {
  let size = 0
  return paths.map((path) => {
    const bytes = readFile(path, cwd)
    size += bytes.length
    if (size > MAX_BYTES)
      throw new QstateError(problem('too-large', 'the files together are larger than 64 MiB', 'name fewer'))
    return { path, text: decode(path, bytes) }
  })
}

function readFile(path: string, cwd: string): Buffer {
  const unreadable = (why: string): QstateError =>
    new QstateError(problem('unreadable', `${path}: ${why}`, 'a spec is UTF-8 text'))
  try {
    const found = readBytes(resolve(cwd, path))
    if (found === undefined) throw unreadable(NO_FILE)
    if ('bytes' in found) return found.bytes
    throw found.fault.startsWith('it is larger')
      ? new QstateError(
          problem(
            'too-large',
            `${path}: ${found.fault}`,
            'name YAML files; one that is too large can be split',
          ),
        )
      : unreadable(found.fault)
  } catch (error) {
    throw error instanceof QstateError ? error : unreadable(reasonOf(error))
  }
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new QstateError(problem('unreadable', `${path}: the file is not UTF-8`, 'a spec is UTF-8 text'))
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

const NO_FILE = 'there is no such file'

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known: Readonly<Record<string, string>> = {
    ENOENT: NO_FILE,
    EACCES: 'no permission to read it',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of its path is no folder',
  }
  return known[code] ?? (error instanceof Error ? error.message : String(error))
}
