import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { NO_MEMORY } from '../../agent/state/memory.ts'
import { openStore } from '../../agent/state/store.ts'
import { tempFolder } from '../support/temp.ts'

const SINCE = '2026-11-24T12:00:00Z'
const COMMIT = 'a'.repeat(40)
const AT = { file: 'host.yaml', line: 3, column: 5, length: 4 }

test('what an agent of an earlier version has remembered is read: other words, other codes, or none', async (t) => {
  const folder = tempFolder(t)
  const told = {
    ...NO_MEMORY,
    updatedAt: SINCE,
    refused: { commit: COMMIT, at: SINCE, code: 'rewound', why: 'set back', hint: 'undo' },
    error: { code: 'system', message: 'no space', hint: 'make room', since: SINCE },
    unreachable: { code: 'git-failed', message: 'no server', hint: '', since: SINCE, times: 3 },
    blocked: [{ qube: 'win-a', path: 'audio/model', why: 'Qubes said no', hint: 'see to policy' }],
    failing: [{ qube: 'win-a', code: 'daemon-gone', message: 'it is gone', hint: 'look' }],
  }
  writeFileSync(join(folder, 'memory.json'), JSON.stringify(told))
  const { memory, problem: wrong } = await openStore(folder).load()
  assert.equal(wrong, null)
  assert.deepEqual(memory.refused, {
    ...{ code: 'rewound', message: 'set back', hint: 'undo' },
    ...{ commit: COMMIT, since: SINCE },
  })
  assert.deepEqual(memory.error, {
    code: 'system-error',
    message: 'no space',
    hint: 'make room',
    since: SINCE,
  })
  assert.deepEqual(memory.unreachable, told.unreachable)
  const problem = { code: 'other-version', message: 'Qubes said no', hint: 'see to policy' }
  assert.deepEqual(memory.blocked, [{ qube: 'win-a', path: 'audio/model', problem }])
  assert.deepEqual(memory.failing, [
    { qube: 'win-a', code: 'daemon-unreachable', message: 'it is gone', hint: 'look' },
  ])
})

test('what an agent has remembered is read as it was kept, with the lines of its spec', async (t) => {
  const store = openStore(tempFolder(t))
  const { memory } = await store.load()
  const problem = { code: 'refused', message: 'no', hint: 'ask', at: AT } as const
  const kept = {
    ...memory,
    updatedAt: SINCE,
    refused: { ...problem, code: 'invalid-spec' as const, commit: COMMIT, since: SINCE },
    blocked: [{ qube: 'win-a', path: null, problem }],
    failing: [{ ...problem, qube: 'win-a' }],
  }
  await store.save(kept)
  assert.deepEqual((await store.load()).memory, kept)
})
