import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Sources } from '../../app/source/sources.ts'
import { validateFleet } from '../../app/validate/fleet.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Result, runCli } from '../cli/run-cli.ts'
import { makeRepository } from '../support/repository.ts'
import { tempFolder } from '../support/temp.ts'

const FLEET = `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [base]
values: { memory: 6000 }
hosts:
  desk: { reach: { socket: desk.sock } }
  laptop: { reach: { socket: laptop.sock }, values: { memory: 4000 } }
  attic: { reach: { socket: attic.sock }, spec: [hosts/attic.yaml] }
`
const ROLLOUT = 'apiVersion: qstate/v1\nkind: Rollout\nname: all\nrevision: main\nwaves: [{}]\n'
const BASE = 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { memory: "${memory}" } }\n'
const ATTIC = 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { vcpus: 3 } }\n'
const FILES = { 'fleet.yaml': FLEET, 'base/windows.yaml': BASE, 'hosts/attic.yaml': ATTIC }

interface Told {
  readonly valid: boolean
  readonly files: readonly string[]
  readonly fleet: string
  readonly hosts: readonly { readonly host: string; readonly valid: boolean; readonly qubes: number }[]
  readonly diagnostics: readonly {
    readonly code: string
    readonly at: { readonly file: string; readonly line: number }
    readonly hosts: readonly string[]
  }[]
}

function fleetOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = tempFolder(t)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** Nothing but files: no host, no server, no repository. */
const validate = (cwd: string, ...argv: string[]): Promise<Result> => runCli(['validate', ...argv], { cwd })

/** `FILE:LINE CODE HOSTS` of everything that is wrong. */
async function wrongIn(cwd: string, ...argv: string[]): Promise<readonly string[]> {
  const { code, out } = await validate(cwd, ...argv, '--json')
  const { valid, diagnostics } = JSON.parse(out) as Told
  assert.equal(code, valid ? 0 : 65)
  return diagnostics.map(
    ({ code: word, at: { file, line }, hosts }) => `${file}:${line} ${word} ${hosts.join()}`,
  )
}

test('a fleet is valid with the spec of every host, each with its own values', async (t) => {
  const cwd = fleetOf(t, { ...FILES, 'rollout.yaml': ROLLOUT })
  for (const argv of [['fleet.yaml'], []]) {
    const { code, out, err } = await validate(cwd, ...argv)
    assert.equal(code, 0, err)
    assert.equal(out, 'Valid: the fleet home, 3 hosts in 3 files.\n')
    assert.equal(err, '')
  }
  const both = await validate(cwd, 'fleet.yaml', 'rollout.yaml')
  assert.equal(both.out, 'Valid: the fleet home, 3 hosts and 1 rollout in 4 files.\n')
  const told = JSON.parse((await validate(cwd, 'fleet.yaml', '--json')).out) as Told
  assert.equal(told.fleet, 'home')
  assert.deepEqual(told.files, ['fleet.yaml', 'base/windows.yaml', 'hosts/attic.yaml'])
  assert.deepEqual(told.hosts[2], { host: 'attic', valid: true, qubes: 1 })
})

test('what is wrong with a spec is told once, with the hosts that it is wrong on', async (t) => {
  const cwd = fleetOf(t, {
    ...FILES,
    'fleet.yaml': FLEET.replace('memory: 4000', 'memory: lots'),
    'base/windows.yaml': BASE.replace('} }', '}, audio: { modell: ich6 } }'),
  })
  assert.deepEqual(await wrongIn(cwd, 'fleet.yaml'), [
    'base/windows.yaml:3 wrong-type laptop',
    'base/windows.yaml:3 unknown-key desk,laptop,attic',
  ])
  const { out, err } = await validate(cwd, 'fleet.yaml')
  assert.match(
    err,
    /^base\/windows\.yaml:3:33: error: expected a whole number, got the text "lots" \(laptop\)\n/,
  )
  assert.match(err, /error: unknown key "modell"\n/, 'nobody is named where it is all of them')
  assert.equal(out, '2 errors in 3 files, on 3 of 3 hosts.\n')
})

test('what a host has no value, file or spec for is told where the fleet, or the spec, says it', async (t) => {
  const fleet = `apiVersion: qstate/v1
kind: Fleet
name: home
hosts:
  desk: { reach: { socket: s }, spec: [base] }
  laptop: { reach: { socket: s }, values: { memory: 4000 }, spec: [base, travl.yaml] }
  attic: { reach: { socket: s } }
  cellar: { reach: { socket: s }, values: { memory: 4000 }, spec: [base] }
`
  const cwd = fleetOf(t, { ...FILES, 'fleet.yaml': fleet })
  assert.deepEqual(await wrongIn(cwd, 'fleet.yaml'), [
    'base/windows.yaml:3 unknown-value desk',
    'base/windows.yaml:3 wrong-type desk',
    'fleet.yaml:6 unreadable laptop',
    'fleet.yaml:7 no-spec attic',
  ])
  assert.match((await validate(cwd)).out, /^4 errors in 2 files, on 3 of 4 hosts\.\n$/)
})

test('with errors in its own file the hosts of a fleet are not looked at, which is said', async (t) => {
  const cwd = fleetOf(t, { ...FILES, 'fleet.yaml': FLEET.replace('values:', 'value:') })
  const { code, out, err } = await validate(cwd, 'fleet.yaml')
  assert.equal(code, 65)
  assert.match(err, /^fleet\.yaml:5:1: error: unknown key "value"/)
  assert.equal(out, '1 error in 1 file: its hosts were not looked at yet.\n')
  const all = await validate(cwd, '.')
  assert.equal(all.code, 65)
  assert.match(all.err, /a Fleet is not the state of a host[^]*`qstate validate FILE` checks it/)
})

test('a fleet is checked as it is in a revision, also from a folder below its root', async (t) => {
  const repository = makeRepository(t)
  const office = Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`office/${path}`, text]))
  const good = repository.commit(office)
  const bad = repository.commit({ 'office/hosts/attic.yaml': ATTIC.replace('vcpus', 'vcpu') })
  const cwd = join(repository.folder, 'office')
  assert.deepEqual(await wrongIn(cwd, '--from-git', good, 'fleet.yaml'), [])
  assert.deepEqual(await wrongIn(cwd, '--from-git', bad, 'fleet.yaml'), [
    'hosts/attic.yaml:3 unknown-key attic',
  ])
  repository.commit({ 'office/fleet.yaml': FLEET.replace('hosts/attic.yaml', '../../attic.yaml') })
  assert.deepEqual(await wrongIn(cwd, '--from-git', 'HEAD', 'fleet.yaml'), [
    'fleet.yaml:9 refused-content attic',
  ])
})

test('of very many hosts a few are named', async (t) => {
  const hosts = Array.from({ length: 40 }, (_, index) => `  h${index}: { reach: { socket: s } }\n`)
  const fleet = `apiVersion: qstate/v1
kind: Fleet
name: many
spec: [base]
values: { memory: 1 }
groups: { most: { match: { name: "h?*" }, values: { memory: lots } }, one: { hosts: [h7], values: { memory: 4000 } } }
hosts:
${hosts.join('')}`
  const { err } = await validate(fleetOf(t, { ...FILES, 'fleet.yaml': fleet }), 'fleet.yaml')
  assert.match(err, /\(h0, h1, h2 and 36 more\)\n/)
})

test('of a fleet whose hosts have more files together than one may have, few answers of git are needed', async () => {
  const names = Array.from({ length: 3000 }, (_, index) => `h${index}`)
  const hosts = names.map((name) => `  ${name}: { reach: { socket: s }, spec: [${name}.yaml] }\n`)
  const text = `apiVersion: qstate/v1\nkind: Fleet\nname: many\nhosts:\n${hosts.join('')}`
  let asked = 0
  const sourcesOf = (files: Sources['files']): Sources => ({
    paths: files.map(({ path }) => path),
    files,
    origins: () => Promise.resolve([]),
    readTable: () => 'there are no tables here',
    tablePaths: new Map(),
  })
  const read = (paths: readonly string[]): Promise<Sources> => {
    asked += 1
    if (paths.length > 2000)
      throw new QstateError(problem('refused-content', 'it has more than 2000 YAML files', ''))
    if (paths.includes('h7.yaml')) throw new QstateError(problem('no-such-path', 'h7.yaml is not there', ''))
    return Promise.resolve(sourcesOf(paths.map((path) => ({ path, text: ATTIC }))))
  }
  const { valid, diagnostics } = await validateFleet(sourcesOf([{ path: 'fleet.yaml', text }]), read)
  assert.equal(valid, false)
  assert.deepEqual(
    diagnostics.map(({ code: word, hosts: on }) => [word, on]),
    [['no-such-path', ['h7']]],
  )
  assert.ok(asked < 40, `${asked} times`)
})
