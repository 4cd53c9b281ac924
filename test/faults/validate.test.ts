import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedHost } from '../cli/run-cli.ts'

/** What Windows does not survive is warned of at its line, with no host. */

const WARNED = [
  [
    '{ extends: hvm, qube: { memory: 2048, maxmem: 3000 } }',
    /4:\d+: warning: memory is balanced between 2048 and 3000/,
  ],
  ['{ qube: { virtMode: hvm, memory: 400, maxmem: 4000 } }', /4:\d+: warning: memory is balanced/],
  [
    '{ extends: windows-11, qube: { memory: 512 } }',
    /4:\d+: warning: 512 MiB of memory, and windows-11 needs 4096/,
  ],
  [
    '{ extends: windows-10, qube: { memory: 1024 } }',
    /4:\d+: warning: 1024 MiB of memory, and windows-10 needs 2048/,
  ],
  [
    '{ extends: windows-11, ensure: { label: red, root: 5GiB } }',
    /4:\d+: warning: a root volume of 5120 MiB, and windows-11 needs 60 GiB/,
  ],
  [
    '{ extends: windows-10, qube: { memory: 16384 }, stubdom: { memory: 64 } }',
    /4:\d+: warning: 64 MiB for the stubdomain of a qube with 16384 MiB/,
  ],
  ['{ audio: ich9 }', /4:\d+: error: .*ich9/],
] as const

const SILENT = [
  '{ extends: windows-11 }',
  '{ extends: windows-10, qube: { memory: 4096, maxmem: 0 } }',
  '{ qube: { virtMode: pvh, memory: 400, maxmem: 4000 } }',
  '{ extends: windows-11, ensure: { label: red, root: 80GiB } }',
  '{ extends: windows-10, qube: { memory: 16384 }, stubdom: { memory: 500 } }',
]

test('validate warns at the line of what Windows does not survive', async (t) => {
  const host = await simulatedHost(t)
  for (const [body, found] of WARNED) {
    const path = host.write('spec.yaml', `apiVersion: qstate/v1\nname: test\nqubes:\n  win: ${body}\n`)
    const { out, err } = await host.qstate('validate', path)
    assert.match(out + err, found, body)
  }
  assert.deepEqual(host.simulator.requests, [])
})

test('validate is silent where nothing is wrong', async (t) => {
  const host = await simulatedHost(t)
  for (const body of SILENT) {
    const path = host.write('spec.yaml', `apiVersion: qstate/v1\nname: test\nqubes:\n  win: ${body}\n`)
    const { code, out, err } = await host.qstate('validate', path)
    assert.equal(code, 0)
    assert.doesNotMatch(out + err, /warning|error/, body)
  }
})
