import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { git } from '../../agent/git.ts'
import { EXIT } from '../../reconciler/index.ts'
import { HOST_NAME } from '../../spec/index.ts'
import { initFiles } from '../init-files.ts'
import { type Io, UserError } from '../io.ts'
import { type GlobalOptions } from '../options.ts'

export interface InitOptions extends GlobalOptions {
  readonly host?: string
}

/** Lays out a repository for the configuration of hosts. Writes over nothing. */
export async function init(folder: string | undefined, options: InitOptions, io: Io): Promise<number> {
  const host = options.host ?? (HOST_NAME.test(io.hostname) ? io.hostname : 'laptop')
  if (!HOST_NAME.test(host)) {
    const hint = 'letters, digits and dashes, beginning with a letter'
    throw new UserError(EXIT.usage, 'bad-option', `--host “${host}” is no name of a host`, hint)
  }
  const shown = folder ?? '.'
  const root = resolve(io.cwd, shown)
  const files = initFiles(host)
  const there = files.filter(({ path }) => existsSync(join(root, path)))
  if (there.length > 0) {
    const names = there.map(({ path }) => path).join(', ')
    const hint = 'lay it out in a folder of its own: qstate init FOLDER'
    throw new UserError(EXIT.usage, 'not-empty', `${shown} has ${names} already: nothing was written`, hint)
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
