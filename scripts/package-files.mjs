// What an installed qstate consists of: paths below /, modes and bytes.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { bundle } from './bundle.mjs'
import { manPage } from './package-man.mjs'

export async function packageFiles(root, version, epoch) {
  const program = readFileSync(join(await bundle(root), 'qstate.cjs'))
  const licences = readFileSync(join(root, 'dist', 'bundle', 'LICENSES.txt'))
  const files = []
  const add = (path, content, mode = 0o644) => files.push({ path, content: Buffer.from(content), mode })

  // The launcher finds the bundle beside itself. Node by its path: there may be another in the caller's PATH.
  const launcher = readFileSync(join(root, 'bin', 'qstate'), 'utf8')
  add('usr/bin/qstate', launcher.replace(/^#!\/usr\/bin\/env node/, '#!/usr/bin/node'), 0o755)
  add('usr/lib/qstate/qstate.cjs', program)
  add('usr/share/man/man1/qstate.1.gz', gzip(manPage(await theProgram(root), version, day(epoch))))
  for (const [shell, path] of COMPLETIONS) add(path, completion(root, shell))
  add('usr/share/doc/qstate/copyright', licences)
  add('usr/share/doc/qstate/changelog.gz', gzip(readFileSync(join(root, 'CHANGELOG.md'))))
  for (const { folder, place, names, mode } of FOLDERS)
    for (const name of readdirSync(join(root, folder)).filter((entry) => names.test(entry)))
      add(`${place}/${name}`, readFileSync(join(root, folder, name)), mode)
  return files.sort(byPath)
}

export const byPath = (a, b) => (a.path < b.path ? -1 : 1)

/** Files of the checkout that are installed as they are. */
const FOLDERS = [
  { folder: 'examples', place: 'usr/share/doc/qstate/examples', names: /\.yaml$/, mode: 0o644 },
  { folder: 'systemd', place: 'usr/lib/systemd/system', names: /\.service$/, mode: 0o644 },
  { folder: 'systemd', place: 'usr/lib/tmpfiles.d', names: /^qstate\.conf$/, mode: 0o644 },
  {
    folder: 'systemd',
    place: 'usr/lib/systemd/system/multi-user.target.d',
    names: /^qstate-unconfirmed\.conf$/,
    mode: 0o644,
  },
  // For dom0 to read, judge and install by hand: a package of a management qube puts nothing there.
  { folder: 'dom0', place: 'usr/share/qstate/dom0', names: /\.policy$/, mode: 0o644 },
  { folder: 'dom0', place: 'usr/share/qstate/dom0', names: /(?<!\.policy)$/, mode: 0o755 },
]

const COMPLETIONS = [
  ['bash', 'usr/share/bash-completion/completions/qstate'],
  ['zsh', 'usr/share/zsh/site-functions/_qstate'],
  ['fish', 'usr/share/fish/vendor_completions.d/qstate.fish'],
]

function completion(root, shell) {
  const made = spawnSync(process.execPath, [join(root, 'dist/bundle/qstate.cjs'), 'completion', shell], {
    encoding: 'utf8',
  })
  if (made.status !== 0) throw new Error(`no completions for ${shell}: ${made.stderr}`)
  return made.stdout
}

async function theProgram(root) {
  const { makeProgram } = await import(pathToFileURL(join(root, 'dist/cli/main.js')).href)
  return makeProgram({}, () => undefined)
}

const day = (epoch) => new Date(epoch * 1000).toISOString().slice(0, 10)

/** Without a name or a time in it. */
const gzip = (content) => gzipSync(content, { level: 9 })
