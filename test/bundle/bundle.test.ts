import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { outputOf, ROOT, run, startSimulatorOf, temporaryFolder } from './run.ts'

const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
  include: readonly string[]
}
const SOURCES = ['scripts', ...include.filter((name) => name !== 'test' && name !== 'bench')]
const SPEC = join(ROOT, 'examples/windows-10.yaml')
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
const after: (() => void)[] = []
let folder = ''

before(() => {
  folder = temporaryFolder({ after: (work: () => void) => after.push(work) })
  outputOf(run(folder, process.execPath, [join(ROOT, 'scripts/bundle.mjs'), folder]))
})
test.after(() => {
  for (const work of after) work()
})

test('the same sources give the same bytes, wherever the checkout is', (t) => {
  const bytes = ['a', join('some', 'where', 'else')].map((place) => {
    const root = join(temporaryFolder(t), place)
    mkdirSync(root, { recursive: true })
    for (const name of SOURCES) cpSync(join(ROOT, name), join(root, name), { recursive: true })
    for (const name of ['package.json', 'tsconfig.json', 'LICENSE'])
      copyFileSync(join(ROOT, name), join(root, name))
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
    outputOf(run(root, process.execPath, [join(root, 'scripts/bundle.mjs')]))
    return readFileSync(join(root, 'dist/bundle/qstate.cjs'))
  })
  assert.ok(bytes[0]!.equals(bytes[1]!))
  assert.ok(bytes[0]!.equals(readFileSync(join(folder, 'qstate.cjs'))))
})

test('it is ASCII, and names no folder of the machine that it was made on', () => {
  const text = readFileSync(join(folder, 'qstate.cjs'), 'latin1')
  assert.equal(/[^\x00-\x7f]/.exec(text)?.index, undefined)
  assert.equal(text.includes(ROOT), false)
})

test('the licences of all that is in it lie beside it', () => {
  const licences = readFileSync(join(folder, 'LICENSES.txt'), 'utf8')
  const inside = new Set(
    [
      ...readFileSync(join(folder, 'qstate.cjs'), 'latin1').matchAll(
        /^\s*(?:\/\/ |")node_modules\/((?:@[^/]+\/)?[^/]+)\//gm,
      ),
    ].map((match) => match[1] ?? ''),
  )
  for (const name of ['ajv', 'commander', 'pino', 'rfc6902', 'yaml']) assert.ok(inside.has(name), name)
  for (const name of inside) assert.match(licences, new RegExp(`^${name} \\S+ \\(.+\\)\n\n.{40}`, 'ms'), name)
})

test('one file is enough: it tells its version, plans on a simulator of its own, and logs, with nothing else there', async (t) => {
  const alone = temporaryFolder(t)
  const program = join(alone, 'qstate.cjs')
  copyFileSync(join(folder, 'qstate.cjs'), program)
  const qstate = (...args: string[]): ReturnType<typeof run> =>
    run(alone, process.execPath, [program, ...args])
  assert.match(outputOf(qstate('version')), new RegExp(`^qstate ${version} `))
  assert.match(outputOf(qstate('schema')), /urn:qstate:manifest:v1/)

  const socket = await startSimulatorOf(t, alone, [process.execPath, program])
  const there = ['--socket', socket, '--state-dir', join(alone, 'state')]
  assert.match(outputOf(qstate(...there, 'version', '--host')), /Qubes 4\.3 /)
  assert.match(outputOf(qstate(...there, 'plan', SPEC)), /^Plan: /m)
  outputOf(qstate(...there, 'apply', '--yes', SPEC))
  const again = qstate(...there, '--verbose', '--log-format', 'json', 'plan', SPEC)
  assert.match(outputOf(again), /Nothing to do/)
  assert.match(again.stderr, /^\{"level":20,.*"call":".*admin\.vm\.List/m)
})

test('what only the agent and a fleet need is not run for a spec', () => {
  const probe = join(folder, 'probe.cjs')
  // Metrics need HTTP.
  writeFileSync(
    probe,
    "process.on('exit', () => console.error(`http: ${process.moduleLoadList.includes('NativeModule http')}`))",
  )
  const qstate = (...args: string[]): ReturnType<typeof run> =>
    run(folder, process.execPath, ['--require', probe, join(folder, 'qstate.cjs'), ...args])
  assert.match(qstate('agent', 'check').stderr, /^http: true$/m)
  for (const args of [['version'], ['validate', SPEC]]) {
    const result = qstate(...args)
    outputOf(result)
    assert.match(result.stderr, /^http: false$/m)
  }
})

test('the bundle and the compiled checkout say the same', (t) => {
  const home = temporaryFolder(t)
  for (const args of [
    ['--help'],
    ['apply', '--help'],
    ['validate', SPEC],
    ['validate', join(ROOT, 'package.json')],
    ['plam'],
  ]) {
    const [bundled, compiled] = [join(folder, 'qstate.cjs'), join(ROOT, 'dist/cli/bin.js')].map((program) => {
      const { status, stdout, stderr } = run(home, process.execPath, [program, ...args])
      return { status, stdout, stderr }
    })
    assert.deepEqual(bundled, compiled)
  }
})
