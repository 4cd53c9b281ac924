import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startQstate } from '../support/process.ts'
import { tempFolder } from '../support/temp.ts'

test('a simulator takes its files of dom0 with it, unless they were there before or its state is kept', async (t) => {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'before.dom0'))
  for (const { name, options, stays } of [
    { name: 'own', options: [], stays: false },
    { name: 'before', options: [], stays: true },
    { name: 'kept', options: ['--state', join(folder, 'state.json')], stays: true },
  ]) {
    const socket = join(folder, name)
    const running = startQstate(['simulator', '--socket', socket, ...options])
    await running.said('Ctrl-C ends it.')
    assert.ok(existsSync(join(`${socket}.dom0`, 'sys/firmware/acpi/tables/SLIC')))
    running.child.kill('SIGINT')
    assert.equal((await running.ended).code, 0)
    assert.equal(existsSync(`${socket}.dom0`), stays, name)
  }
})
