import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { loadAgentConfig } from '../../spec/agent/load.ts'
import { tempFolder } from '../support/temp.ts'
import { ROOT, runCli, simulatedHost } from './run-cli.ts'

/** A repository as `qstate init` lays it out, its check and its hook. */

/** Runs git, or another program, in a repository, where hooks find the `qstate` of this compilation. */
function gitIn(folder: string, root: string, program = 'git'): (...args: string[]) => string {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(
    join(bin, 'qstate'),
    `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'dist/cli/bin.js')} "$@"\n`,
  )
  chmodSync(join(bin, 'qstate'), 0o755)
  const who = program === 'git' ? ['-c', 'user.name=A', '-c', 'user.email=a@example.org'] : []
  return (...args) =>
    execFileSync(program, [...who, ...args], {
      cwd: root,
      env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
}

test('a new repository validates as it stands, and its hook keeps out what does not', async (t) => {
  const folder = tempFolder(t)
  const { code, out } = await runCli(['init', 'conf', '--host', 'laptop'], { cwd: folder })
  assert.equal(code, 0)
  assert.match(out, /hosts\/laptop\.yaml/)
  const root = join(folder, 'conf')
  const files = ['profiles', 'devices', 'hosts/laptop.yaml']
  const valid = await runCli(['validate', ...files], { cwd: root })
  assert.equal(valid.code, 0, valid.err)
  const again = await runCli(['init', 'conf', '--host', 'laptop'], { cwd: folder })
  assert.equal(again.code, 64)
  assert.match(again.err, /nothing was written/)

  // The agent’s file in its README is right, too.
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const yaml = /^ {4}apiVersion: [^]*?(?=\n\n)/m.exec(readme)?.[0].replace(/^ {4}/gm, '') ?? ''
  assert.deepEqual(loadAgentConfig({ path: 'agent.yaml', text: yaml }).diagnostics, [])

  const git = gitIn(folder, root)
  git('config', 'core.hooksPath', '.githooks')
  git('add', '--all')
  git('commit', '--quiet', '-m', 'First')
  const path = join(root, 'hosts/laptop.yaml')
  const good = readFileSync(path, 'utf8')
  writeFileSync(path, good.replace('extends: work', 'extends: wrok'))
  git('add', '--all')
  // What is staged counts, not what lies in the folder.
  writeFileSync(path, good)
  assert.throws(() => git('commit', '--quiet', '-m', 'Second'), /unknown profile "wrok"/)
  assert.ok(existsSync(join(root, '.github/workflows/qstate.yaml')))

  // A file that is not staged keeps nobody from a commit, and one that is there only in the index is looked at.
  git('checkout', '--quiet', 'HEAD', '--', 'hosts')
  writeFileSync(join(root, 'hosts/draft.yaml'), 'not: [right')
  writeFileSync(join(root, 'NOTES'), 'a file beside\n')
  git('add', 'NOTES')
  git('commit', '--quiet', '-m', 'Third')
  git('add', 'hosts/draft.yaml')
  rmSync(join(root, 'hosts/draft.yaml'))
  assert.throws(() => git('commit', '--quiet', '-m', 'Fourth'), /draft\.yaml/)
})

test('the check of a repository plans for hosts as they were recorded in the revision', async (t) => {
  const host = await simulatedHost(t)
  const root = join(host.folder, 'conf')
  await runCli(['init', 'conf', '--host', 'laptop'], { cwd: host.folder })
  const git = gitIn(host.folder, root)
  const check = gitIn(host.folder, root, './check.sh')
  const recorded = join(root, 'recorded/laptop.json')
  mkdirSync(join(root, 'recorded'))
  git('add', '--all')
  git('commit', '--quiet', '-m', 'First')
  assert.equal((await host.qstate('record', '-o', recorded)).code, 0)
  assert.doesNotMatch(check(), /Plan:/, 'what lies in the folder is not in the revision')
  git('add', '--all')
  git('commit', '--quiet', '-m', 'Second')
  writeFileSync(recorded, 'damaged since')
  assert.match(check(), /win10-work[^]*Plan: /)
  assert.doesNotMatch(check('HEAD~1'), /Plan:/)
})

test('the check of a repository with a fleet checks the fleet, with the values of each host', async (t) => {
  const folder = tempFolder(t)
  const root = join(folder, 'conf')
  await runCli(['init', 'conf', '--host', 'laptop'], { cwd: folder })
  const git = gitIn(folder, root)
  const check = gitIn(folder, root, './check.sh')
  const fleet = (values: string): string => `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [profiles, devices]
hosts:
  laptop: { reach: { socket: s }, values: ${values}, spec: [hosts/laptop.yaml] }
`
  const commit = (values: string): void => {
    writeFileSync(join(root, 'fleet.yaml'), fleet(values))
    git('add', '--all')
    git('commit', '--quiet', '-m', 'Change')
  }
  const spec =
    'apiVersion: qstate/v1\nqubes:\n  win10-work: { extends: work, qube: { memory: "${memory}" } }\n'
  writeFileSync(join(root, 'hosts/laptop.yaml'), spec)
  commit('{ memory: 4096 }')
  assert.match(check(), /^Valid: the fleet home, 1 host in 4 files\.$/m)
  commit('{ memry: 4096 }')
  assert.throws(() => check(), /nothing says what \$\{memory\} stands for/)
})

test('the check reads hosts as qstate does: .yaml, .yml and folders; where there is nothing to check, it fails', async (t) => {
  const folder = tempFolder(t)
  const root = join(folder, 'conf')
  await runCli(['init', 'conf', '--host', 'laptop'], { cwd: folder })
  const git = gitIn(folder, root)
  const check = gitIn(folder, root, './check.sh')
  const commit = (): void => {
    git('add', '--all')
    git('commit', '--quiet', '-m', 'Change')
  }
  const good = readFileSync(join(root, 'hosts/laptop.yaml'), 'utf8')
  const bad = good.replace('extends: work', 'extends: wrok')
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, 'hosts', path)), { recursive: true })
    writeFileSync(join(root, 'hosts', path), text)
  }
  write('README', 'no host')
  write('.draft/a.yaml', bad)
  for (const path of ['tower.yml', 'desk/a.yaml', 'desk/more/b.yml']) {
    write(path, bad.replace('win10-work', 'win-own'))
    commit()
    assert.throws(() => check(), /unknown profile "wrok"/, path)
    write(
      path,
      good.replace('win10-work', `win-${path.replace(/[^a-z]/g, '')}`).replace(/^name: .*/m, 'name: desk'),
    )
    commit()
    const out = check()
    assert.match(out, new RegExp(`^== ${path.replace(/[./].*/, '')}$`, 'm'))
  }
  symlinkSync('desk', join(root, 'hosts/linked'))
  commit()
  assert.throws(() => check(), /hosts\/linked[^]*symbolic link/)
  rmSync(join(root, 'profiles'), { recursive: true })
  rmSync(join(root, 'devices'), { recursive: true })
  rmSync(join(root, 'hosts'), { recursive: true })
  write('one.yaml', good.replace('extends: work', 'audio: ich6'))
  commit()
  assert.match(check(), /^== one$/m)
  rmSync(join(root, 'hosts'), { recursive: true })
  commit()
  assert.throws(() => check(), /nothing was checked/)
  git('config', 'core.hooksPath', '.githooks')
  writeFileSync(join(root, 'NOTES'), '')
  assert.throws(commit, /nothing was checked[^]*The commit was refused/)
})

test('a recording that no longer fits is named by the check, with the command that makes it anew; the hook says that the commit was refused', async (t) => {
  const host = await simulatedHost(t)
  const root = join(host.folder, 'conf')
  await runCli(['init', 'conf', '--host', 'laptop'], { cwd: host.folder })
  const git = gitIn(host.folder, root)
  mkdirSync(join(root, 'recorded'))
  assert.equal((await host.qstate('record', '-o', join(root, 'recorded/laptop.json'))).code, 0)
  git('config', 'core.hooksPath', '.githooks')
  git('add', '--all')
  git('commit', '--quiet', '-m', 'First')
  const file = join(root, 'hosts/laptop.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace('win10-work', 'win12-new'))
  git('add', '--all')
  assert.throws(
    () => git('commit', '--quiet', '-m', 'Second'),
    /record it again on laptop[^]*qstate record -o recorded\/laptop\.json[^]*The commit was refused/,
  )
})

test('init uses the repository that is there: beside its README, or in a folder of it, where hook and check work', async (t) => {
  for (const place of ['', 'machines/qubes']) {
    const folder = tempFolder(t)
    const git = gitIn(tempFolder(t), folder)
    git('init', '--quiet')
    writeFileSync(join(folder, 'README.md'), '# Ours\n')
    const argv = place === '' ? [] : [place]
    const { code, out, err } = await runCli(['init', ...argv, '--host', 'laptop'], { cwd: folder })
    assert.equal(code, 0, err)
    assert.doesNotMatch(out, /as a new git repository/)
    assert.equal(readFileSync(join(folder, 'README.md'), 'utf8'), '# Ours\n')
    const root = join(folder, place)
    assert.equal(existsSync(join(root, '.git')), place === '')
    const guide = readFileSync(join(root, place === '' ? 'QSTATE.md' : 'README.md'), 'utf8')
    assert.ok(existsSync(join(folder, '.github/workflows/qstate.yaml')))
    const prefix = place === '' ? '' : `${place}/`
    assert.ok(guide.includes(`paths: [${prefix}profiles, `))
    const hook = /git config core\.hooksPath (\S+)/.exec(out)?.[1] ?? ''
    assert.ok(guide.includes(`core.hooksPath ${hook}\n`))
    git('config', 'core.hooksPath', hook)
    git('add', '--all')
    git('commit', '--quiet', '-m', 'First')
    const file = join(root, 'hosts/laptop.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('extends: work', 'extends: wrok'))
    git('add', '--all')
    assert.throws(() => git('commit', '--quiet', '-m', 'Second'), /unknown profile "wrok"/)
    assert.equal((await runCli(['init', ...argv, '--host', 'laptop'], { cwd: folder })).code, 64)
  }
})

test('init lays nothing out beside a spec that is there, and minds nothing else', async (t) => {
  const SPEC = 'apiVersion: qstate/v1\nqubes:\n  win10-work: { audio: ich6 }\n'
  for (const path of ['qstate.yaml', 'office.yml', 'profiles/own.yaml']) {
    const folder = tempFolder(t)
    mkdirSync(join(folder, 'profiles'))
    writeFileSync(join(folder, path), SPEC)
    const { code, err } = await runCli(['init', '--host', 'laptop'], { cwd: folder })
    assert.equal(code, 64)
    assert.ok(err.replace(/\s+/g, ' ').includes(`. has a spec already, ${path},`), err)
    assert.match(err, /FOLDER\/hosts\/laptop\.yaml/)
    assert.deepEqual(readdirSync(folder).sort(), [...new Set(['profiles', path.split('/')[0]])].sort())
  }
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'hosts'))
  writeFileSync(join(folder, 'hosts/tower.yaml'), SPEC)
  writeFileSync(join(folder, 'fleet.yaml'), 'apiVersion: qstate/v1\nkind: Fleet\n')
  writeFileSync(join(folder, 'compose.yaml'), 'services: {}\n')
  assert.equal((await runCli(['init', '--host', 'laptop'], { cwd: folder })).code, 0)
})
