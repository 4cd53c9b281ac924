import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { NO_MEMORY } from '../../agent/memory.ts'
import { agentView } from '../../cli/views/agent.ts'
import { makeStyle } from '../../cli/views/style.ts'
import { showTime } from '../../cli/views/value.ts'
import { formatDiagnostics, loadManifest } from '../../spec/index.ts'
import { simulatedHost } from './run-cli.ts'

/** How what is shown fits a terminal, and how times are written. */

const widest = (out: string): number => Math.max(...out.split('\n').map((line) => line.length))

test('history and status keep to the width of the terminal, and to one line where it suffices', async (t) => {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  const settings = '{ audio: ac97, qube: { memory: 6144, vcpus: 3, timezone: localtime }, tags: [office] }'
  writeFileSync(spec, `apiVersion: qstate/v1\nqubes:\n  win10-work: ${settings}\n`)
  await host.qstate('apply', '--yes', spec)
  for (const command of [['history'], ['status', spec]]) {
    const narrow = await host.qstateWith({ columns: 44 }, ...command)
    assert.ok(widest(narrow.out) <= 44, narrow.out)
    assert.match(narrow.out, /^ {4,}\S/m, 'what does not fit goes below')
    const wide = await host.qstateWith({ columns: 140 }, ...command)
    assert.doesNotMatch(wide.out, /^ {4,}\D/m)
    assert.deepEqual(narrow.out.split(/\s+/), wide.out.split(/\s+/))
  }
})

test('times are written in one way, by the clock of this machine; what is none stays as it is', (t) => {
  const before = process.env['TZ']
  t.after(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
  process.env['TZ'] = 'Asia/Kolkata'
  assert.equal(showTime('2026-11-24T20:00:59.000Z'), '2026-11-25 01:30')
  process.env['TZ'] = 'UTC'
  assert.equal(showTime('2026-11-24T20:00:59.000Z'), '2026-11-24 20:00')
  assert.equal(showTime('yesterday\u001b[2J'), 'yesterday\\u001b[2J')
})

test('errors of a spec that status quotes keep their carets below what they mean', () => {
  const file = {
    path: 'hosts/a.yaml',
    text: 'apiVersion: qstate/v1\nqubes:\n  win10-work: { audoi: ich6 }\n',
  }
  const why = formatDiagnostics(loadManifest([file]).diagnostics, [file], { color: false, width: 100 })
  const refusal = {
    commit: 'a'.repeat(40),
    at: '2026-11-24T12:00:00Z',
    code: 'invalid-spec' as const,
    why,
    hint: '',
  }
  const memory = { ...NO_MEMORY, mode: 'apply', refused: refusal }
  for (const width of [100, 50]) {
    const shown = agentView({ memory, running: null, mirror: '' }, makeStyle(false, width)).split('\n')
    const quoted = shown.find((line) => line.includes(' | ') && line.includes('audoi')) ?? ''
    const caret = shown[shown.indexOf(quoted) + 1] ?? ''
    assert.equal(caret.indexOf('^'), quoted.indexOf('audoi'), shown.join('\n'))
  }
})
