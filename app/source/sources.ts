import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { commitOf } from '../../git/index.ts'
import { problem, QstateError, type SourceFile } from '../../spec/diagnostics/index.ts'
import { type LoadOptions } from '../../spec/index.ts'

const DEFAULT_NAMES = ['qstate.yaml', 'qstate.yml']
const MAX_FILES = 2000
const MAX_FILE_BYTES = 1024 * 1024

export interface Sources {
  /** As given, for messages. */
  readonly paths: readonly string[]
  readonly files: readonly SourceFile[]
  /** Commit that the files are of, `+` at its end where they differ from it; null where they are of none. */
  readonly commit: () => Promise<string | null>
  readonly readTable: NonNullable<LoadOptions['readTable']>
  /** How the files go together, where some are laid over others. */
  readonly shape?: NonNullable<LoadOptions['shape']>
  /** Paths of the tables that were read, by SHA-256. */
  readonly tablePaths: ReadonlyMap<string, string>
}

/** Reads the files of a spec: those named, and folders with all YAML in them. Paths are counted from `cwd`. */
export function readSources(paths: readonly string[], cwd: string): Sources {
  const files = [...new Set(paths.flatMap((path) => listFiles(path, cwd)))]
  if (files.length > MAX_FILES) {
    throw new QstateError(
      problem(
        'too-many-files',
        `${files.length} YAML files are more than the ${MAX_FILES} that a spec may have`,
        'name the folder of the spec itself',
      ),
    )
  }
  const tablePaths = new Map<string, string>()
  return {
    paths,
    files: files.map((path) => ({ path, text: readText(path, cwd) })),
    commit: () => commitOf(folderOf(resolve(cwd, paths[0] ?? '.'))),
    tablePaths,
    readTable(path, from) {
      const full = isAbsolute(path) ? path : resolve(cwd, dirname(from), path)
      try {
        if (statSync(full).size > MAX_FILE_BYTES) return 'it is larger than 1 MiB'
        const bytes = readFileSync(full)
        tablePaths.set(createHash('sha256').update(bytes).digest('hex'), full)
        return bytes
      } catch (error) {
        return reasonOf(error)
      }
    },
  }
}

/** What a spec is read from where no file is named: what is configured, else `qstate.yaml` in the folder. */
export function defaultPaths(configured: readonly string[], cwd: string): readonly string[] | null {
  if (configured.length > 0) return configured
  const found = DEFAULT_NAMES.find((name) => isFile(join(cwd, name)))
  return found === undefined ? null : [found]
}

function listFiles(path: string, cwd: string): string[] {
  const full = resolve(cwd, path)
  let isFolder: boolean
  try {
    isFolder = statSync(full).isDirectory()
  } catch (error) {
    throw new QstateError(
      problem('unreadable', `${path}: ${reasonOf(error)}`, 'name files or folders of YAML that are there'),
    )
  }
  if (!isFolder) return [path]
  const names = readdirSync(full, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) =>
        /\.ya?ml$/.test(name) &&
        !name.split('/').some((part) => part.startsWith('.') || part === 'node_modules'),
    )
    .sort()
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

function readText(path: string, cwd: string): string {
  try {
    const full = resolve(cwd, path)
    if (statSync(full).size > MAX_FILE_BYTES) {
      throw new QstateError(problem('too-large', `${path}: the file is larger than 1 MiB`, 'split it'))
    }
    const bytes = readFileSync(full)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (error instanceof QstateError) throw error
    const reason = error instanceof TypeError ? 'the file is not UTF-8' : reasonOf(error)
    throw new QstateError(problem('unreadable', `${path}: ${reason}`, 'a spec is UTF-8 text'))
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true

const folderOf = (path: string): string =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : dirname(path)

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'no permission to read it',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of its path is no folder',
  }
  return known[code] ?? (error instanceof Error ? error.message : String(error))
}
