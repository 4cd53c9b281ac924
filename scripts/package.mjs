// `npm run package`: a Debian package and, where rpmbuild is installed, an RPM, in dist/packages/ or the folder that is named.
// SOURCE_DATE_EPOCH sets the time in them; without it, it is that of the last commit. The same input gives the same bytes.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeDeb } from './package-deb.mjs'
import { byPath, packageFiles } from './package-files.mjs'
import { hasRpmbuild, makeRpm } from './package-rpm.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = resolve(process.argv[2] ?? join(root, 'dist', 'packages'))
const { version, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const about = { version, description, epoch: timeOf() }
const files = await packageFiles(root, version, about.epoch)

mkdirSync(folder, { recursive: true })
const deb = join(folder, `qstate_${version}_all.deb`)
writeFileSync(deb, makeDeb(files.map(asDebianHasIt).sort(byPath), about))
console.log(deb)
if (hasRpmbuild()) console.log(makeRpm(files, about, folder))
else console.error('no RPM: rpmbuild is not installed (package rpm-build, or rpm on Debian)')

/** Debian's zsh looks for completions of packages in a folder of its own. */
function asDebianHasIt(file) {
  return { ...file, path: file.path.replace('zsh/site-functions', 'zsh/vendor-completions') }
}

function timeOf() {
  const given = Number(process.env.SOURCE_DATE_EPOCH)
  if (Number.isSafeInteger(given) && given > 0) return given
  const commit = Number(
    spawnSync('git', ['-C', root, 'log', '-1', '--format=%ct'], { encoding: 'utf8' }).stdout,
  )
  return Number.isSafeInteger(commit) && commit > 0 ? commit : 0
}
