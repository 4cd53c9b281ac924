import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { simulatedHost } from '../cli/run-cli.ts'
import { hostOptions, runCli } from '../support/cli.ts'
import { windowsHost } from '../support/fixtures.ts'
import { ROOT, startHost } from '../support/host.ts'
import { tempFolder } from '../support/temp.ts'

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

const ENV = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', NO_COLOR: '1' }

/** Runs qstate within limits of the shell. */
const limited = (limits: string, argv: readonly string[], program = 'bin/qstate'): Promise<Ended> =>
  new Promise((resolve) => {
    const script = `${limits} && exec "$0" "$@"`
    const words = ['-c', script, process.execPath, join(ROOT, program), ...argv]
    const child = execFile('/bin/sh', words, { env: ENV, maxBuffer: 2 ** 26 }, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err })
    })
  })

const isMessage = ({ out, err }: Ended): void => {
  assert.doesNotMatch(out + err, /This is a bug|^ +at /m)
}

const SPEC = 'apiVersion: qstate/v1\nqubes:\n  win10-work: { audio: ich6, qube: { memory: 5000 } }\n'

async function host(
  t: TestContext,
): Promise<{ readonly options: readonly string[]; readonly spec: string; readonly folder: string }> {
  const { socket, folder } = await simulatedHost(t)
  const spec = join(folder, 'spec.yaml')
  writeFileSync(spec, SPEC)
  return { options: ['--socket', socket, '--state-dir', join(folder, 'state')], spec, folder }
}

for (const [what, argv] of [
  ['plan', ['plan', '-o']],
  ['import', ['import', '--force', '-o']],
  ['record', ['record', '-o']],
] as const)
  test(`${what} -o leaves the old file whole where there is no room for a new one, and nothing beside it`, async (t) => {
    const { options, spec } = await host(t)
    const folder = tempFolder(t)
    const file = join(folder, 'file')
    const argvOf = [...options, ...argv, file, ...(what === 'plan' ? [spec] : [])]
    const first = await limited('true', argvOf)
    assert.equal(first.code, 0, first.err)
    const old = readFileSync(file)
    // A file may not grow at all, as on a disk that is full.
    const full = await limited('ulimit -f 0', argvOf)
    assert.equal(full.code, 1, full.out + full.err)
    assert.match(full.err, /no file may be that large there \(EFBIG\)/)
    isMessage(full)
    assert.deepEqual(readFileSync(file), old)
    assert.deepEqual(readdirSync(folder), ['file'])
  })

test('a file that -o writes again is not opened to others', async (t) => {
  const { options, folder } = await host(t)
  const file = join(folder, 'own.yaml')
  writeFileSync(file, '', { mode: 0o600 })
  assert.equal((await limited('umask 022', [...options, 'import', '--force', '-o', file])).code, 0)
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

for (const command of ['plan', 'validate', 'status', 'show', 'import', 'schema', 'help', 'apply'] as const)
  test(`${command} says that its answer could not be written, and ends with 1`, async (t) => {
    const { options, spec } = await host(t)
    const more = {
      apply: ['--yes', spec],
      plan: [spec],
      validate: [spec],
      status: [spec],
      show: ['win10-work'],
    }
    const words = command in more ? more[command as keyof typeof more] : []
    const ended = await limited('exec >/dev/full', [...options, command, ...words])
    isMessage(ended)
    assert.equal(ended.code, 1, ended.err)
    assert.match(ended.err, /error: stdout: no space is left there \(ENOSPC\)/)
  })

test('an apply is done to its end although its answer cannot be written', async (t) => {
  const { options, spec } = await host(t)
  await limited('exec >/dev/full', [...options, 'apply', '--yes', spec])
  const after = await limited('true', [...options, 'plan', '--detailed-exitcode', spec])
  assert.equal(after.code, 0, after.out)
})

test('a reader that has seen enough is no error', async () => {
  const child = spawn(process.execPath, [join(ROOT, 'bin/qstate'), 'schema'], {
    env: ENV,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let err = ''
  child.stderr.on('data', (text: Buffer) => (err += text.toString()))
  const [code] = (await once(child, 'close')) as [number]
  assert.deepEqual([code, err], [0, ''])
})

for (const command of ['plan', 'import', 'status', 'apply', 'doctor'] as const)
  test(`${command} that may open few files says so`, async (t) => {
    const { options, spec } = await host(t)
    const words =
      command === 'apply' ? ['--yes', spec] : command === 'plan' || command === 'status' ? [spec] : []
    const argv = [...options, '--concurrency', '64', command, ...words]
    // As one file: what is loaded one by one takes more of them at once.
    const ended = await limited('ulimit -n 20', argv, 'dist/bundle/qstate.cjs')
    isMessage(ended)
    assert.notEqual(ended.code, 0, ended.out)
    assert.match((ended.out + ended.err).replace(/\s+/g, ' '), /too many files are open/)
    assert.match((ended.out + ended.err).replace(/\s+/g, ' '), /ulimit -n/)
  })

test('an import that no spec could hold says what to do instead', async (t) => {
  const features = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`note.${i}`, 'x'.repeat(1000)]))
  const qubes = Array.from({ length: 30 }, (_, i) => ({ name: `win-${i}`, features }))
  const big = await startHost(t, { fixture: windowsHost(qubes) })
  const { code, err } = await runCli(big, ['import'])
  assert.equal(code, 65, err)
  assert.match(err, /these qubes take a file of over 1 MiB, which is not read/)
  assert.match(err, /name some of the qubes/)
  assert.equal((await limited('true', [...hostOptions(big), 'import', 'win-1', 'win-2'])).code, 0)
})
