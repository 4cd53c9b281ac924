import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type Io } from '../../cli/io.ts'
import { makeProgram } from '../../cli/main.ts'
import { outputOf, ROOT, run, startSimulatorOf, temporaryFolder } from '../bundle/run.ts'

const build = (folder: string): string[] => {
  outputOf(
    run(folder, process.execPath, [join(ROOT, 'scripts/package.mjs'), folder], {
      SOURCE_DATE_EPOCH: '1790000000',
    }),
  )
  return readdirSync(folder).filter((name) => /\.(?:deb|rpm)$/.test(name))
}

test('packages made twice are the same bytes', (t) => {
  const [a, b] = [temporaryFolder(t), temporaryFolder(t)]
  const names = build(a)
  assert.deepEqual(build(b), names)
  for (const name of names) assert.ok(readFileSync(join(a, name)).equals(readFileSync(join(b, name))), name)
})

test('the Debian package, unpacked, plans on a simulator of its own', async (t) => {
  const folder = temporaryFolder(t)
  const deb = join(
    folder,
    build(folder).find((name) => name.endsWith('.deb'))!,
  )
  const info = outputOf(run(folder, 'dpkg-deb', ['--field', deb]))
  assert.match(info, /^Depends: nodejs \(>= 20\.19\)$/m)
  const root = join(folder, 'root')
  outputOf(run(folder, 'dpkg-deb', ['-x', deb, root]))

  // The installed program asks for Debian's Node by its path; here it is whichever runs the tests.
  const program = join(root, 'usr/bin/qstate')
  const launcher = readFileSync(program, 'utf8')
  assert.match(launcher, /^#!\/usr\/bin\/node\n/)
  writeFileSync(program, launcher.replace('/usr/bin/node', process.execPath))
  const qstate = (...args: string[]): string => outputOf(run(folder, program, args))
  assert.match(qstate('version'), /^qstate /)
  const socket = await startSimulatorOf(t, folder, [program])
  const spec = join(root, 'usr/share/doc/qstate/examples/windows-10.yaml')
  assert.match(qstate('--socket', socket, '--state-dir', join(folder, 'state'), 'plan', spec), /^Plan: /m)

  const page = gunzipSync(readFileSync(join(root, 'usr/share/man/man1/qstate.1.gz'))).toString('utf8')
  for (const command of makeProgram({} as Io, () => undefined).commands) {
    assert.match(page, new RegExp(`^\\.SS \\\\fB${command.name()}`, 'm'))
    for (const option of command.options)
      assert.ok(page.includes(option.flags.replaceAll('-', '\\-')), option.flags)
  }
  const tmpfiles = readFileSync(join(root, 'usr/lib/tmpfiles.d/qstate.conf'), 'utf8')
  assert.match(tmpfiles, /^d \/var\/lib\/qstate 2770 root qubes -$/m)
  const unit = readFileSync(join(root, 'usr/lib/systemd/system/qstate-agent.service'), 'utf8')
  assert.doesNotMatch(unit, /StateDirectory/, 'it would set owner and mode back at each start')
  for (const path of [
    'bash-completion/completions/qstate',
    'zsh/vendor-completions/_qstate',
    'fish/vendor_completions.d/qstate.fish',
    'doc/qstate/copyright',
  ])
    assert.ok(existsSync(join(root, 'usr/share', path)), path)
})

test('the RPM holds the same files', (t) => {
  const folder = temporaryFolder(t)
  const rpm = build(folder).find((name) => name.endsWith('.rpm'))
  assert.ok(rpm, "no RPM was made: install rpmbuild (Debian's package rpm)")
  mkdirSync(join(folder, 'db'))
  const query = ['--dbpath', join(folder, 'db'), '-qlp', join(folder, rpm)]
  const list = outputOf(run(folder, 'rpm', query)).split('\n')
  for (const path of [
    '/usr/bin/qstate',
    '/usr/lib/qstate/qstate.cjs',
    '/usr/share/zsh/site-functions/_qstate',
  ])
    assert.ok(list.includes(path), path)
})
