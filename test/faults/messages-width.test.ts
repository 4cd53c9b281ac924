import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeProgram } from '../../cli/main.ts'
import { ioOf, type Result, runCli, simulatedHost } from '../cli/run-cli.ts'

/** What is printed keeps to the width of the terminal. */

const tooWide = ({ out, err }: Pick<Result, 'out' | 'err'>, width: number): readonly string[] =>
  `${out}\n${err}`.split('\n').filter((line) => line.length > width)

test('the help of every command wraps at the width of the terminal', async () => {
  const silent = { out: () => undefined, err: () => undefined }
  const program = makeProgram(ioOf({}, silent), () => undefined)
  const names = program.commands.flatMap((command) => [
    [command.name()],
    ...command.commands
      .filter((inner) => inner.name() !== 'help')
      .map((inner) => [command.name(), inner.name()]),
  ])
  assert.ok(names.length > 30)
  for (const columns of [60, 80, 120]) {
    for (const name of [[], ...names]) {
      const help = await runCli(['help', ...name], { columns })
      assert.equal(help.code, 0, help.err)
      assert.deepEqual(tooWide(help, columns), [], name.join(' '))
    }
  }
  const said = async (columns: number): Promise<readonly string[]> =>
    (await runCli(['help', 'apply'], { columns })).out.split(/\s+/)
  assert.deepEqual(await said(60), await said(120), 'no word is lost')
})

test('an error and its hint wrap at the width of the terminal', async (t) => {
  const host = await simulatedHost(t)
  const CASES = [
    ['destroy'],
    ['plan', '--dry-run'],
    ['plan', 'there-is-none.yaml'],
    ['plan', '--target', '!'],
    ['help', 'plam'],
  ]
  for (const argv of CASES) {
    const told = await host.qstateWith({ columns: 60 }, ...argv)
    assert.notEqual(told.code, 0)
    assert.deepEqual(tooWide(told, 60), [])
  }
})

test('hints below a line of a spec wrap at the width of the terminal, under their own beginning', async (t) => {
  const host = await simulatedHost(t)
  const file = host.write(
    'a.yaml',
    'apiVersion: qstate/v1\nqubes: { w: { usb: { nothing: required, audio: ac97 } } }\n',
  )
  const { err } = await host.qstateWith({ columns: 60 }, 'validate', file)
  const hints = err.split('\n').filter((line) => /^ {6}= | {8}\S/.test(line))
  assert.ok(hints.length > 1)
  assert.deepEqual(
    hints.filter((line) => line.length > 60),
    [],
  )
})

test('plan, apply, drift, status, history, rollback and withdraw keep their sums to the width of the terminal', async (t) => {
  const host = await simulatedHost(t)
  const file = host.write(
    'a.yaml',
    `apiVersion: qstate/v1
name: desk
qubes:
  win10-work: { qube: { memory: 5000, vcpus: 3, netvm: sys-firewal }, audio: ich6, tags: [a, b] }
  win10-home: { qube: { memory: 5000 }, audio: off, tags: [a, b] }
  win-new: { ensure: { class: StandaloneVM, label: red }, qube: { memory: 4000 } }
  win11-template: { qube: { memory: 5000, vcpus: 4, netvm: off }, tags: [c] }
`,
  )
  const saved = join(host.folder, 'plan.json')
  const narrow = (...argv: string[]): Promise<Result> => host.qstateWith({ columns: 60 }, ...argv)
  for (const argv of [
    ['plan', file],
    ['plan', '-o', saved, file],
    ['apply', '--yes', file],
    ['apply', '--yes', file],
    ['status', file],
    ['drift', file],
    ['history'],
    ['devices'],
    ['rollback', '--yes'],
    ['withdraw', '--all', '--yes'],
    ['import', '-o', join(host.folder, 'b.yaml')],
  ]) {
    const told = await narrow(...argv)
    const own = tooWide(told, 60).filter((line) => !line.includes(host.folder))
    assert.deepEqual(own, [], argv.join(' '))
    assert.notEqual(told.out + told.err, '', argv.join(' '))
  }
})
