import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { ftruncateSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readBytes } from '../../documents/read/index.ts'
import { startQstate } from '../support/process.ts'
import { tempFolder } from '../support/temp.ts'

/** What is no file, or is one without an end: read as a process, since what hangs here hangs in a call of the system. */
const KINDS = ['pipe', 'device', 'file without an end'] as const

type Kind = (typeof KINDS)[number]

function makeOdd(kind: Kind, path: string): void {
  if (kind === 'pipe') execFileSync('mkfifo', [path])
  if (kind === 'device') symlinkSync('/dev/zero', path)
  if (kind === 'file without an end') ftruncateSync(openSync(path, 'w'), 1024 ** 4)
}

interface Reader {
  readonly what: string
  /** Files beside the odd one, which is `odd`. */
  readonly files?: Readonly<Record<string, string>>
  readonly argv: readonly string[]
}

const HEAD = 'apiVersion: qstate/v1\n'
const SPEC = `${HEAD}qubes:\n  win10-work: { audio: ich6 }\n`
const AGENT = `${HEAD}kind: Agent\nsource: { url: /srv/r }\nverify: { by: none }\n`
const FLEET = `${HEAD}kind: Fleet
name: home
store: { nats: ["nats://127.0.0.1:1"] }
hosts: { desk: { spec: [spec.yaml] } }
`

/** Every place where a path that somebody has written is read. */
const READERS: readonly Reader[] = [
  { what: 'a spec', argv: ['validate', 'odd'] },
  { what: 'a spec in a folder', argv: ['validate', 'folder'] },
  {
    what: 'a table of a spec',
    files: {
      'spec.yaml': `${HEAD}qubes:\n  win10-work: { slic: { file: odd, sha256: ${'a'.repeat(64)} } }\n`,
    },
    argv: ['validate', 'spec.yaml'],
  },
  { what: 'a saved plan', argv: ['apply', '--yes', 'odd'] },
  {
    what: 'a recorded host',
    files: { 'spec.yaml': SPEC },
    argv: ['plan', '--host-state', 'odd', 'spec.yaml'],
  },
  { what: 'the file of an agent', argv: ['agent', '--file', 'odd'] },
  { what: 'a fleet', argv: ['fleet', 'status', '--fleet', 'odd'] },
  { what: 'a private key', argv: ['fleet', 'key', '--of', 'odd'] },
  {
    what: 'a key to connect with',
    files: { 'fleet.yaml': FLEET, 'spec.yaml': SPEC },
    argv: ['fleet', 'status', '--key', 'odd'],
  },
  {
    what: 'certificates of servers',
    files: { 'fleet.yaml': FLEET, 'spec.yaml': SPEC },
    argv: ['fleet', 'status', '--ca', 'odd'],
  },
  { what: 'a fixture', argv: ['simulator', '--fixture', 'odd'] },
]

/** The command line with whole paths: the process has a folder of its own. */
function place(
  t: TestContext,
  { files = {}, argv }: Reader,
): { readonly odd: string; readonly argv: readonly string[] } {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'folder'))
  for (const [name, text] of Object.entries({ 'agent.yaml': AGENT, ...files }))
    writeFileSync(join(folder, name), text)
  const odd = argv.includes('folder') ? 'folder/odd.yaml' : 'odd'
  const paths = new Set(['odd', 'folder', ...Object.keys(files)])
  return {
    odd: join(folder, odd),
    argv: [
      ...['--socket', join(folder, 's'), '--state-dir', join(folder, 'state')],
      ...argv.map((word) => (paths.has(word) ? join(folder, word) : word)),
      ...(files['fleet.yaml'] !== undefined ? ['--fleet', join(folder, 'fleet.yaml')] : []),
    ],
  }
}

for (const reader of READERS)
  test(`${reader.what} that is no file, or has no end, is refused at once`, async (t) => {
    const refuse = async (kind: Kind): Promise<void> => {
      const { odd, argv } = place(t, reader)
      makeOdd(kind, odd)
      const { code, out, err } = await startQstate(argv).ended
      assert.ok(code === 1 || code === 64 || code === 65, `${String(code)} ${out}${err}`)
      const why = kind === 'file without an end' ? /is larger than [0-9]+ MiB/ : /it is no file/
      assert.match(out + err, why, kind)
    }
    await Promise.all(KINDS.map(refuse))
  })

test('a file of the kernel is read to its end, whatever size it says', () => {
  const found = readBytes('/proc/self/status')
  assert.ok(found !== undefined && 'bytes' in found)
  assert.match(found.bytes.toString(), /^Name:/)
  assert.deepEqual(readBytes('/proc/self/status', 10), { fault: 'it is larger than 0.009765625 KiB' })
})

test('links between folders lead in no circle', async (t) => {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  writeFileSync(join(folder, 'a/b/spec.yaml'), SPEC)
  for (const name of ['up', 'again', 'more']) {
    symlinkSync('..', join(folder, 'a', name))
    symlinkSync('../..', join(folder, 'a/b', name))
  }
  const { code, out, err } = await startQstate(['validate', folder]).ended
  assert.equal(code, 0, out + err)
})

test('a folder with a spec behind a link is read through it', async (t) => {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'shared'))
  mkdirSync(join(folder, 'host'))
  writeFileSync(join(folder, 'shared/spec.yaml'), SPEC)
  symlinkSync('../shared', join(folder, 'host/shared'))
  const { code, out, err } = await startQstate(['validate', join(folder, 'host')]).ended
  assert.equal(code, 0, out + err)
})

test('files that are large together are refused before they are parsed', async (t) => {
  const folder = tempFolder(t)
  for (let i = 0; i < 66; i++) writeFileSync(join(folder, `${i}.yaml`), Buffer.alloc(1024 * 1024, '#'))
  const { code, err } = await startQstate(['validate', folder]).ended
  assert.equal(code, 65, err)
  assert.match(err, /the files together are larger than 64 MiB/)
})
