import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { readBytes } from '../../documents/read/index.ts'
import { git, rootOf } from '../../git/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { initFiles } from './files.ts'

/** A repository as it was laid out. */
export interface LaidOut {
  readonly folder: string
  readonly host: string
  readonly files: readonly string[]
  /** The folder was in no repository before. */
  readonly isNew: boolean
  /** Where the folder is in the repository: `''`, or `machines/`. */
  readonly prefix: string
}

/**
 * Lays out a repository for the configuration of hosts, with a first one: that around the folder, where there is one. Writes over nothing:
 * fails with `not-empty`.
 */
export async function layOutRepository(folder: string, host: string, { cwd }: Context): Promise<LaidOut> {
  const root = resolve(cwd, folder)
  const repository = rootOf(root)
  const within = repository === null ? '' : relative(repository, root)
  const prefix = within === '' ? '' : `${within}/`
  const files = initFiles(host, { prefix, hasReadme: existsSync(join(root, 'README.md')) })
  const existing = files.filter(({ path }) => existsSync(join(root, path)))
  if (existing.length > 0) {
    const names = existing.map(({ path }) => path).join(', ')
    const hint = 'lay it out in a folder of its own, which may be in the same repository: qstate init FOLDER'
    throw notEmpty(`${folder} has ${names} already: nothing was written`, hint)
  }
  const spec = specsIn(root)[0]
  if (spec !== undefined) {
    const message = `${folder} has a spec already, ${spec}, which another beside it would contradict: nothing was written`
    const hint = `lay it out in a folder of its own, \`qstate init FOLDER\`, and move the spec there: FOLDER/hosts/${host}.yaml`
    throw notEmpty(message, hint)
  }
  for (const { path, text, executable } of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { flag: 'wx', mode: executable === true ? 0o755 : 0o644 })
  }
  const isNew = repository === null
  if (isNew) await git(root, ['init', '--quiet', '--initial-branch=main'])
  return { folder: root, host, files: files.map(({ path }) => path), isNew, prefix }
}

const notEmpty = (message: string, hint: string): QstateError =>
  new QstateError(problem('not-empty', message, hint))

/** Where a spec would stand that is read beside, or instead of, what is laid out. A file more in `hosts` is another host’s. */
const PLACES = ['.', 'profiles', 'devices']

function specsIn(root: string): readonly string[] {
  return PLACES.flatMap((place) => {
    if (!existsSync(join(root, place))) return []
    const names = readdirSync(join(root, place)).filter((name) => /\.ya?ml$/.test(name))
    return names.map((name) => join(place, name)).filter((path) => isSpec(join(root, path)))
  })
}

/** Fleets, their rollouts and an agent’s own file are of qstate, and no specs. */
function isSpec(path: string): boolean {
  const found = isFile(path) ? readBytes(path) : undefined
  if (found === undefined || 'fault' in found) return false
  const text = found.bytes.toString('utf8')
  return /^apiVersion:\s*["']?qstate\//m.test(text) && !/^kind:\s*["']?(?:Agent|Fleet|Rollout)\b/m.test(text)
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true
