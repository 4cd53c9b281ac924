import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { outputOf, ROOT, run, temporaryFolder } from './run.ts'

/** A program laid out as a package lays it out, which tells that it ran. */
function installed(t: TestContext): {
  readonly home: string
  readonly program: string
  readonly cache: string
} {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'lib/qstate'), { recursive: true })
  const program = join(folder, 'bin/qstate')
  copyFileSync(join(ROOT, 'bin/qstate'), program)
  chmodSync(program, 0o755)
  writeFileSync(
    join(folder, 'lib/qstate/qstate.cjs'),
    '#!/usr/bin/env node\nconsole.log("ran", process.argv[2])\n',
  )
  const home = join(folder, 'home')
  return { home, program, cache: join(home, '.cache/qstate') }
}

const cached = (cache: string): string[] => {
  try {
    return readdirSync(cache)
  } catch {
    return []
  }
}

test('compiled code is kept in a folder of the user’s own, one file, which each command adds to', (t) => {
  const { home, program, cache } = installed(t)
  assert.equal(outputOf(run(home, program, ['plan'])), 'ran plan\n')
  const [name = ''] = cached(cache)
  const first = readFileSync(join(cache, name))
  assert.equal(statSync(cache).mode & 0o777, 0o700)
  assert.equal(statSync(join(cache, name)).mode & 0o777, 0o600)
  assert.equal(outputOf(run(home, program, ['plan'])), 'ran plan\n')
  assert.ok(readFileSync(join(cache, name)).equals(first), 'nothing new: not written again')
  assert.equal(outputOf(run(home, program, ['apply'])), 'ran apply\n')
  assert.deepEqual(cached(cache), [name])
  assert.match(readFileSync(join(cache, name), 'latin1'), /^[0-9a-f]{8}plan apply\n/)
})

test('a cache that was damaged, cut or left by another version is not used, and made anew', (t) => {
  const { home, program, cache } = installed(t)
  outputOf(run(home, program, ['plan']))
  const [name = ''] = cached(cache)
  const good = readFileSync(join(cache, name))
  const flipped = Buffer.from(good)
  flipped[flipped.length >> 1]! ^= 0x55
  for (const bad of [
    flipped,
    good.subarray(0, good.length / 2),
    Buffer.alloc(good.length),
    Buffer.alloc(0),
  ]) {
    writeFileSync(join(cache, name), bad)
    assert.equal(outputOf(run(home, program, ['plan'])), 'ran plan\n')
    assert.match(readFileSync(join(cache, name), 'latin1'), /^[0-9a-f]{8}plan\n/)
  }
  writeFileSync(join(cache, 'old-v20.0.0-x64.v8'), 'old')
  writeFileSync(join(program, '../../lib/qstate/qstate.cjs'), 'console.log("newer", process.argv[2])\n')
  assert.equal(outputOf(run(home, program, ['plan'])), 'newer plan\n')
  assert.equal(cached(cache).length, 1)
  assert.notEqual(cached(cache)[0], name)
})

test('a folder that others may write, or that is a link, is neither read nor written', (t) => {
  const { home, program, cache } = installed(t)
  mkdirSync(join(home, '.cache'), { recursive: true })
  mkdirSync(cache)
  chmodSync(cache, 0o777)
  assert.equal(outputOf(run(home, program, ['plan'])), 'ran plan\n')
  assert.deepEqual(cached(cache), [])
  const other = installed(t)
  mkdirSync(join(other.home, '.cache'), { recursive: true })
  symlinkSync(cache, other.cache)
  assert.equal(outputOf(run(other.home, other.program, ['plan'])), 'ran plan\n')
  assert.deepEqual(cached(cache), [])
})

test('it runs without a home, and without a cache where none is wanted', (t) => {
  const { home, program, cache } = installed(t)
  assert.equal(outputOf(run(home, program, ['plan'], { HOME: '' })), 'ran plan\n')
  assert.equal(outputOf(run(home, program, ['plan'], { QSTATE_NO_COMPILE_CACHE: '1' })), 'ran plan\n')
  assert.deepEqual(cached(cache), [])
})
