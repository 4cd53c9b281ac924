import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { NO_MEMORY } from '../../agent/state/memory.ts'
import { type Memory } from '../../documents/agent/index.ts'
import { agentView } from '../../cli/views/agent.ts'
import { fleetView } from '../../cli/views/fleet.ts'
import { makeStyle } from '../../cli/views/style.ts'
import { showTime } from '../../cli/views/value.ts'
import { readReport } from '../../fleet/store/read.ts'
import { loadManifest } from '../../spec/compose/load.ts'
import { formatDiagnostics } from '../../spec/diagnostics/format.ts'
import { problem } from '../../spec/diagnostics/index.ts'
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
  assert.equal(showTime('yesterday\u001b[2J'), 'yesterday\\u{1b}[2J')
})

test('errors of a spec that status quotes keep their carets below what they mean', () => {
  const file = {
    path: 'hosts/a.yaml',
    text: 'apiVersion: qstate/v1\nqubes:\n  win10-work: { audoi: ich6 }\n',
  }
  const why = formatDiagnostics(loadManifest([file]).diagnostics, [file], { color: false, width: 100 })
  const refusal = {
    commit: 'a'.repeat(40),
    since: '2026-11-24T12:00:00Z',
    code: 'invalid-spec' as const,
    message: why,
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

const SINCE = '2026-11-24T12:00:00Z'
const drift = {
  qube: 'win-a',
  path: 'qube/vcpus',
  wanted: 3,
  found: 8,
  since: '2026-11-24T11:00:00Z',
  noticed: 'comparison',
}

const agentShown = (memory: Partial<Memory>): string =>
  agentView({ memory: { ...NO_MEMORY, ...memory }, running: null, mirror: '' }, makeStyle(false, 60)).replace(
    /\s+/g,
    ' ',
  )

test('what an agent has seen before its daemon went is told as such, with the time from which it is away', () => {
  const error = { message: '/q.sock: nothing listens', hint: '', since: SINCE }
  const since = showTime(SINCE)
  const silent = { error: { ...error, code: 'daemon-unreachable' as const }, events: 'connected' as const }
  const gone = agentShown({ ...silent, drift: [drift] })
  assert.match(
    gone,
    new RegExp(
      `daemon no answer since ${since}: /q.sock: nothing listens what follows is as it was last seen, before that drift win-a`,
    ),
  )
  // Where there is nothing to follow, nothing is said of it.
  assert.doesNotMatch(agentShown(silent), /last seen/)
  assert.match(
    agentShown({ error: { ...error, code: 'system-error' } }),
    new RegExp(`error .*\\(since ${since}\\)`),
  )
  assert.doesNotMatch(agentShown({ drift: [drift] }), /last seen/)
})

test('what cannot be planned is among what an agent knows', () => {
  const blocked = [
    { qube: 'win-a', path: 'audio/model', problem: problem('refused', 'Qubes said no', 'see to policy') },
    { qube: 'win-b', path: null, problem: problem('unknown-qube', 'there is no such qube', '') },
  ]
  const shown = agentShown({ blocked, events: 'connected' })
  assert.match(
    shown,
    /blocked win-a audio model: Qubes said no see to policy blocked win-b: there is no such qube/,
  )
})

test('drift of a host whose daemon does not answer is shown as what it was, and since when; older agents say nothing of it', () => {
  const told = {
    ...{ schema: 'qstate.report', version: 1, host: 'desk', beat: 1, at: SINCE, order: null, looked: false },
    ...{ status: 'applied', commit: 'a'.repeat(40), digest: null, generation: 1, drift: 2, restarts: 0 },
    ...{ notRunning: [], check: null, trouble: null, held: null, recalled: null },
  }
  const read = (more: object): ReturnType<typeof readReport> =>
    readReport({ key: 'reports/desk', value: { ...told, ...more }, revision: 1, at: SINCE })
  const shown = (more: object, columns = 100): string => {
    const report = read(more)
    assert.ok(report.ok)
    const row = { host: 'desk', groups: [], report: report.value, lastSeen: SINCE, ordered: null }
    const status = { hosts: [row], leader: null, leaderLastSeen: null }
    return fleetView(status, new Date(SINCE), makeStyle(false, columns))
  }
  assert.match(shown({}), /^desk +aaaaaaaaaaaa +applied +2 +just now\n\n/m)
  assert.match(shown({ unseenSince: SINCE }), /^desk +aaaaaaaaaaaa +applied +was 2 +just now$/m)
  assert.match(shown({ unseenSince: SINCE, drift: 0 }), /was none/)
  const line = `not looked at since ${showTime(SINCE)}`
  assert.match(shown({ unseenSince: SINCE }), new RegExp(`${line}: the drift is of the last look`))
  assert.match(shown({ unseenSince: SINCE, drift: null }), new RegExp(`unknown[^]*${line}$`, 'm'))
  assert.ok(widest(shown({ unseenSince: SINCE }, 40).split('\n').slice(2).join('\n')) <= 40)
  assert.equal(read({ unseenSince: 5 }).ok, false)
})
