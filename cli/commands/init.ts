import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { git } from '../../git/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { HOST_NAME } from '../../spec/index.ts'
import { initFiles } from '../init-files.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'

export interface InitOptions extends GlobalOptions {
  readonly host?: string
}

/** Lays out a repository for the configuration of hosts. Writes over nothing. */
export async function init(folder: string | undefined, options: InitOptions, io: Io): Promise<number> {
  const host = options.host ?? (HOST_NAME.test(io.hostname) ? io.hostname : 'laptop')
  if (!HOST_NAME.test(host)) {
    const hint = 'letters, digits and dashes, beginning with a letter'
    throw new QstateError(problem('bad-option', `--host “${host}” is no name of a host`, hint))
  }
  const shown = folder ?? '.'
  const root = resolve(io.cwd, shown)
  const files = initFiles(host)
  const there = files.filter(({ path }) => existsSync(join(root, path)))
  if (there.length > 0) {
    const names = there.map(({ path }) => path).join(', ')
    const hint = 'lay it out in a folder of its own: qstate init FOLDER'
    throw new QstateError(problem('not-empty', `${shown} has ${names} already: nothing was written`, hint))
  }
  const spec = specsIn(root)[0]
  if (spec !== undefined) {
    const hint = `lay it out in a folder of its own, \`qstate init FOLDER\`, and move the spec there: FOLDER/hosts/${host}.yaml`
    throw new QstateError(
      problem(
        'not-empty',
        `${shown} has a spec already, ${spec}, which another beside it would contradict: nothing was written`,
        hint,
      ),
    )
  }
  for (const { path, text, executable } of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { flag: 'wx', mode: executable === true ? 0o755 : 0o644 })
  }
  const isNew = !existsSync(join(root, '.git'))
  if (isNew) await git(root, ['init', '--quiet', '--initial-branch=main'])
  if (options.json === true) {
    io.out(`${JSON.stringify({ folder: root, host, files: files.map(({ path }) => path) }, null, 2)}\n`)
    return EXIT.done
  }
  const first = folder === undefined ? '' : `  cd ${shown}\n`
  io.out(`${files.map(({ path }) => `  ${path}\n`).join('')}
Laid out${isNew ? ', as a new git repository' : ''}. Next:
${first}  git config core.hooksPath .githooks    # each commit is checked
  git add . && git commit                # hosts/${host}.yaml is where to begin
README.md tells the rest.
`)
  return EXIT.done
}

/** Where a spec would stand that is read beside, or instead of, what is laid out. A file more in `hosts` is another host’s. */
const PLACES = ['.', 'profiles', 'devices']

const MOST_BYTES = 1024 * 1024

function specsIn(root: string): readonly string[] {
  return PLACES.flatMap((place) => {
    if (!existsSync(join(root, place))) return []
    const names = readdirSync(join(root, place)).filter((name) => /\.ya?ml$/.test(name))
    return names.map((name) => join(place, name)).filter((path) => isSpec(join(root, path)))
  })
}

/** Fleets, their rollouts and an agent’s own file are of qstate, and no specs. */
function isSpec(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isFile() !== true || found.size > MOST_BYTES) return false
  const text = readFileSync(path, 'utf8')
  return /^apiVersion:\s*["']?qstate\//m.test(text) && !/^kind:\s*["']?(?:Agent|Fleet|Rollout)\b/m.test(text)
}
