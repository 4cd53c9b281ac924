// An RPM, with rpmbuild where that is installed (Debian's and Fedora's package is called rpm-build or rpm).
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export const hasRpmbuild = () => spawnSync('rpmbuild', ['--version']).status === 0

export function makeRpm(files, { version, description, epoch }, folder) {
  const work = mkdtempSync(join(tmpdir(), 'qstate-rpm-'))
  try {
    const tree = join(work, 'tree')
    for (const { path, content, mode } of files) {
      mkdirSync(dirname(join(tree, path)), { recursive: true })
      writeFileSync(join(tree, path), content, { mode })
    }
    const spec = join(work, 'qstate.spec')
    writeFileSync(spec, specOf(files, version, description, tree))
    const settings = {
      _topdir: work,
      _rpmdir: join(work, 'out'),
      _buildhost: 'localhost',
      clamp_mtime_to_source_date_epoch: '1',
      use_source_date_epoch_as_buildtime: '1',
      // Compressed alike by every version.
      _binary_payload: 'w6.gzdio',
    }
    const defines = Object.entries(settings).flatMap(([name, value]) => ['--define', `${name} ${value}`])
    const made = spawnSync('rpmbuild', ['-bb', '--target', 'noarch', ...defines, spec], {
      encoding: 'utf8',
      env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch), LC_ALL: 'C' },
    })
    if (made.status !== 0) throw new Error(`rpmbuild failed:\n${made.stderr}`)
    const [name] = readdirSync(join(work, 'out', 'noarch'))
    copyFileSync(join(work, 'out', 'noarch', name), join(folder, name))
    return join(folder, name)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const specOf = (files, version, description, tree) => `Name: qstate
Version: ${version}
Release: 1
Summary: ${description.replace(/:.*/, '')}
License: Apache-2.0 AND MIT AND ISC AND BSD-3-Clause
BuildArch: noarch
Requires: nodejs >= 20.19
AutoReqProv: no
%global __os_install_post %{nil}

%description
Activation through SLIC, sound, USB devices, features and properties of Windows
qubes are written down in YAML, shown as a plan, and applied.

%install
mkdir -p %{buildroot}
cp -a ${tree}/. %{buildroot}/

%files
${files.map(({ path, mode }) => `%attr(${mode.toString(8)}, root, root) /${path}`).join('\n')}
`
