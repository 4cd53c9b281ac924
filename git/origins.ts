import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { isHidden } from './commit.ts'
import { git } from './git.ts'

/** Files that came from one place. */
export interface FileOrigin {
  /** Folder of the repository; null: they are in none. */
  readonly repository: string | null
  /** Its commit, with `+` at its end where one of the files is not as that commit has it; null: there is none. */
  readonly commit: string | null
  /** From the root of the repository; of those in none, from that of the machine. */
  readonly files: readonly string[]
}

/**
 * Which commits files come from, by their absolute paths and texts. A text is compared with what the commit has, byte for byte: so
 * neither the index nor what was written since it was read decides, and a file that is ignored is not taken for one of the commit. Of
 * `folders` all YAML is among the files: what a commit has there besides has been removed.
 */
export async function originsOf(
  texts: ReadonlyMap<string, string>,
  folders: readonly string[] = [],
): Promise<readonly FileOrigin[]> {
  const places = new Map<string | null, Map<string, string>>()
  for (const [path, text] of texts) {
    // What was read is where a link leads to.
    const real = realPath(path)
    const root = rootOf(dirname(real))
    const files = places.get(root) ?? new Map<string, string>()
    places.set(root, files.set(root === null ? real : relative(root, real), text))
  }
  const origins = await Promise.all(
    [...places].map(async ([repository, files]) => ({
      repository,
      commit: repository === null ? null : await commitOf(repository, files, foldersIn(repository, folders)),
      files: [...files.keys()].sort(),
    })),
  )
  return origins.sort((a, b) => ((a.repository ?? '') < (b.repository ?? '') ? -1 : 1))
}

/** Null before the first commit, where git refuses the repository, and without git. */
async function commitOf(
  repository: string,
  files: ReadonlyMap<string, string>,
  folders: readonly string[],
): Promise<string | null> {
  // One question a line: a name with a line feed in it can be no answer.
  const asked = [...files].filter(([path]) => !path.includes('\n'))
  const input = ['HEAD^{commit}', ...asked.map(([path]) => `HEAD:${path}`)]
    .map((line) => `${line}\n`)
    .join('')
  try {
    const answer = await git(repository, ['cat-file', '--batch-check'], {
      input,
      timeoutMs: 5000,
    })
    const [head = '', ...blobs] = answer.toString('utf8').split('\n')
    const commit = /^([0-9a-f]{40,64}) commit /.exec(head)?.[1]
    if (commit === undefined) return null
    const isSame = asked.every(([, text], index) => blobs[index]?.startsWith(`${blobId(text, commit)} `))
    const isWhole =
      isSame && asked.length === files.size && !(await lacksFiles(repository, commit, files, folders))
    return isWhole ? commit : `${commit}+`
  } catch {
    return null
  }
}

/** From the root, those that are in a repository. */
const foldersIn = (repository: string, folders: readonly string[]): readonly string[] =>
  folders.flatMap((folder) => {
    const real = realPath(folder)
    return rootOf(real) === repository ? [relative(repository, real)] : []
  })

/** Whether the commit has YAML in these folders that was not read. */
async function lacksFiles(
  repository: string,
  commit: string,
  files: ReadonlyMap<string, string>,
  folders: readonly string[],
): Promise<boolean> {
  if (folders.length === 0) return false
  const listed = await git(repository, ['ls-tree', '-r', '-z', '--full-tree', '--name-only', commit], {
    timeoutMs: 5000,
  })
  return listed
    .toString('utf8')
    .split('\0')
    .filter((path) => /\.ya?ml$/.test(path) && !files.has(path))
    .some((path) =>
      folders.some((folder) => {
        const below =
          folder === '' ? path : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null
        return below !== null && !isHidden(below)
      }),
    )
}

/** As git names it, in a repository of SHA-1 or of SHA-256. */
function blobId(text: string, { length }: string): string {
  const bytes = Buffer.from(text)
  return createHash(length === 40 ? 'sha1' : 'sha256')
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest('hex')
}

/**
 * The repository around a folder, which need not exist yet. As git finds it: to start it only to be told that there is none takes longer
 * than to plan for a qube.
 */
export function rootOf(folder: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at
    if (at === dirname(at)) return null
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
