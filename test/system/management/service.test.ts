import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { slicFiles } from '../../../app/host/slic/files.ts'
import { makeDom0Tree } from '../../../simulator/dom0-tree.ts'
import { QstateError } from '../../../spec/diagnostics/index.ts'
import { ROOT } from '../../cli/run-cli.ts'
import { check, LONG, SEED } from '../../support/property.ts'
import { TABLE_VECTORS } from '../../support/tables.ts'
import { tempFolder } from '../../support/temp.ts'
import { fuzzService, serviceProcess } from './driver.ts'
import { python } from './python.ts'
import { SERVICE_FILE } from './stand-in.ts'

const TEMPLATE = 'etc/qubes/templates/libvirt/xen/by-name/win7.xml'
const HOST_TABLES = 'sys/firmware/acpi/tables'

/** Path, mode and bytes of every file; the service's lock is no part of what it is for. */
function filesOf(root: string): Readonly<Record<string, string>> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.startsWith('run'),
  )
  return Object.fromEntries(
    names.sort().map((name) => {
      const info = statSync(join(root, name))
      const what = info.isDirectory() ? 'folder' : readFileSync(join(root, name)).toString('base64')
      return [name, `${(info.mode & 0o777).toString(8)} ${what}`]
    }),
  )
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A table of any kind, right but for what `spoil` does to it; its checksum may be mended after that. */
const tables: fc.Arbitrary<Buffer> = fc
  .record({
    base: fc.constantFrom('SLIC', 'MSDM', 'TEST'),
    spoil: fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 2 }),
    cut: fc.option(fc.nat(400)),
    mend: fc.boolean(),
  })
  .map(({ base, spoil, cut, mend }) => {
    const bytes = Buffer.from(base === 'TEST' ? TEST_TABLE : readFileSync(join(TABLES, base)))
    for (const [at, value] of spoil) if (at < bytes.length) bytes[at] = value
    const short = bytes.subarray(0, cut ?? bytes.length)
    if (mend && short.length > 9) short[9] = (short[9]! - short.reduce((a, b) => a + b, 0)) & 0xff
    return short
  })

const scratch = tempFolder({ after: (work) => process.on('exit', () => void work()) })
makeDom0Tree(join(scratch, 'model'))
const TABLES = join(scratch, 'model', HOST_TABLES)
const TEST_TABLE = Buffer.concat([Buffer.from('TEST'), Buffer.from([36, 0, 0, 0, 1, 0]), Buffer.alloc(26)])
TEST_TABLE[9] = -TEST_TABLE.reduce((a, b) => a + b, 0) & 0xff

const PARTS = [
  '{# Managed by qstate',
  ': ',
  'tables=host:SLIC',
  ' sha256=-',
  '#}',
  '\n',
  'é',
  '\ufeff',
  '{{ x }}',
]

const worlds = fc.record({
  slic: fc.option(tables, { freq: 6 }),
  msdm: fc.option(tables, { freq: 6 }),
  given: fc.array(tables, { maxLength: 2 }),
  order: fc.shuffledSubarray(['host:SLIC', 'host:MSDM', 'given']),
  parents: fc.subarray([
    'etc/qubes/templates/libvirt/xen-user.xml',
    'usr/share/qubes/templates/libvirt/xen-dist.xml',
    'usr/share/qubes/templates/libvirt/xen-user.xml',
  ]),
  there: fc.option(
    fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.array(fc.constantFrom(...PARTS)).map((parts) => parts.join('')),
    ),
    { freq: 1 },
  ),
  after: fc.constantFrom('nothing', 'edit', 'parent', 'table', 'remove'),
})

test('the service and qstate in dom0 write the same bytes and say the same of whatever is there', async (t) => {
  const ask = serviceProcess(t)
  const root = tempFolder(t)
  let number = 0
  await check(t, worlds, 60, async ({ slic, msdm, given, order, parents, there, after }) => {
    number += 1
    const [ours, theirs] = [join(root, `${number}-ts`), join(root, `${number}-py`)]
    makeDom0Tree(ours)
    for (const [name, bytes] of [['SLIC', slic] as const, ['MSDM', msdm] as const]) {
      if (bytes === null) rmSync(join(ours, HOST_TABLES, name))
      else writeFileSync(join(ours, HOST_TABLES, name), bytes)
    }
    for (const parent of parents) {
      mkdirSync(dirname(join(ours, parent)), { recursive: true })
      writeFileSync(join(ours, parent), 'x')
    }
    if (there !== null) writeFileSync(join(ours, TEMPLATE), there)
    cpSync(ours, theirs, { recursive: true })

    const bytes = new Map(given.map((table) => [sha256(table), table]))
    const store = slicFiles(ours, (digest) => bytes.get(digest))
    const names = order.flatMap((name) =>
      name === 'given' ? [...bytes.keys()].map((d) => `file:${d}`) : [name],
    )
    const payload = names
      .map((name) =>
        name.startsWith('file:') ? `${name} ${bytes.get(name.slice(5))!.toString('base64')}` : name,
      )
      .join('\n')
    const call = (operation: string, text = '') => ask([operation, 'mgmt', 'win7', '--root', theirs], text)

    const compare = async (): Promise<void> => {
      const seen = await store.read('win7')
      const checks = await Promise.all(['host:SLIC', 'host:MSDM'].map((table) => store.problem(table)))
      const reply = await call('get')
      assert.ok(reply.kind === 'ok')
      const [state, ...verdicts] = reply.content.toString('latin1').split('\n')
      const expected =
        seen.status === 'present'
          ? `tables ${seen.value.join(',')}`
          : seen.status === 'absent'
            ? 'absent'
            : 'foreign'
      assert.equal(state, expected)
      for (const [index, verdict] of verdicts.entries()) {
        const why = verdict.slice('host:SLIC '.length)
        const refused = checks[index]?.message ?? 'ok'
        assert.ok(refused === why || refused.endsWith(`: ${why}`) || why === 'missing', `${refused} | ${why}`)
        assert.equal(why === 'ok', checks[index] === undefined)
      }
      const list = await ask(['list', 'mgmt', '', '--root', theirs])
      assert.ok(list.kind === 'ok')
      const listed = (await store.list()).map(({ qube }) => qube).join('\n')
      assert.equal(list.content.toString('latin1'), listed)
      for (const wanted of [names, []]) {
        const texts = await store.texts('win7', wanted).catch(() => null)
        const told = await call('get', wanted.length === 0 ? 'none' : payload)
        const [is = '', would = ''] =
          told.kind === 'ok' ? told.content.toString('latin1').split('\n').slice(3) : ['refused']
        if (texts === null) assert.equal(is, 'refused')
        else if (texts === undefined) assert.equal(is + would, '')
        else {
          assert.equal(Buffer.from(is.slice('is '.length), 'base64').toString('utf8'), texts.is)
          assert.equal(Buffer.from(would.slice('would '.length), 'base64').toString('utf8'), texts.would)
        }
      }
      assert.deepEqual(filesOf(theirs), filesOf(ours))
    }
    const both = async (operation: 'set' | 'remove'): Promise<void> => {
      const told = await (operation === 'set' ? store.set('win7', names) : store.remove('win7')).then(
        () => 'done',
        (error: unknown) => (error instanceof QstateError ? error.message : String(error)),
      )
      const reply = await call(operation, payload)
      const said = reply.kind === 'ok' ? 'done' : reply.kind === 'exception' ? reply.message : reply.kind
      assert.equal(said, told.replace(ours, ''))
    }

    await compare()
    if (names.length > 0) await both('set')
    await compare()
    for (const tree of [ours, theirs]) {
      if (after === 'edit' && existsSync(join(tree, TEMPLATE)))
        writeFileSync(join(tree, TEMPLATE), `${readFileSync(join(tree, TEMPLATE), 'latin1')} `, 'latin1')
      if (after === 'parent') writeFileSync(join(tree, 'etc/qubes/templates/libvirt/xen-dist.xml'), 'x')
      if (after === 'table') rmSync(join(tree, 'var/lib/qstate/acpi/win7.bin'), { force: true })
    }
    await compare()
    if (after === 'remove') await both('remove')
    await compare()
    rmSync(ours, { recursive: true })
    rmSync(theirs, { recursive: true })
  })
})

test('whatever it is sent, the service answers in frames, fails nowhere inside and writes nowhere else', async (t) => {
  const root = join(tempFolder(t), 'dom0')
  makeDom0Tree(root)
  const count = LONG ? 100_000 : 5000
  t.diagnostic(`seed ${SEED}, ${count} calls`)
  const { code, said } = await fuzzService(root, SEED, count)
  assert.equal(code, 0, `seed ${SEED}: ${said}`)
  assert.match(said, /"ok": [1-9]/)
  assert.doesNotMatch(said, /SlicBug/)
})

test('no word of qrexec moves the service to another root, and no hostile name passes', async (t) => {
  const ask = serviceProcess(t)
  const root = join(tempFolder(t), 'dom0')
  makeDom0Tree(root)
  const before = filesOf(root)
  const names = [
    '',
    '--root',
    '.',
    '..',
    '-x',
    '1x',
    'a/b',
    'x'.repeat(32),
    'dom0',
    'Domain-0',
    'none',
    'win7-dm',
    'win7\n',
  ]
  for (const name of names) {
    for (const operation of ['get', 'set', 'remove']) {
      const reply = await ask([operation, 'mgmt', name, '--root', root], 'host:SLIC')
      assert.equal(reply.kind, 'exception', `${operation} ${name}`)
    }
  }
  for (const args of [
    [],
    ['get'],
    ['get', 'mgmt'],
    ['get', 'mgmt', 'win7', '--root'],
    ['get', 'mgmt', '--root', root],
  ]) {
    const reply = await ask(args)
    assert.equal(reply.kind, 'exception', args.join(' '))
  }
  assert.deepEqual(filesOf(root), before)
})

test('the service takes and refuses the same tables as qstate in dom0', async (t) => {
  const ask = serviceProcess(t)
  const root = join(tempFolder(t), 'dom0')
  makeDom0Tree(root)
  for (const { name, bytes, problem } of TABLE_VECTORS) {
    const payload = `file:${sha256(bytes)} ${bytes.toString('base64')}`
    const reply = await ask(['set', 'mgmt', 'win7', '--root', root], payload)
    const said = reply.kind === 'exception' ? reply.message : null
    const expected = problem === null ? null : `the table file:${sha256(bytes)} cannot be used: ${problem}`
    assert.equal(said, expected, name)
  }
})

test('an answer never holds bytes of a table', async (t) => {
  const ask = serviceProcess(t)
  const root = join(tempFolder(t), 'dom0')
  makeDom0Tree(root)
  const key = 'FAKE0-FAKE0-FAKE0-FAKE0-FAKE0'
  const msdm = join(root, HOST_TABLES, 'MSDM')
  assert.ok(readFileSync(msdm, 'latin1').includes(key))
  const texts: string[] = []
  const say = async (operation: string, payload = ''): Promise<void> => {
    const reply = await ask([operation, 'mgmt', 'win7', '--root', root], payload)
    texts.push(reply.kind === 'ok' ? reply.content.toString('latin1') : JSON.stringify(reply))
  }
  await say('set', 'host:SLIC\nhost:MSDM')
  await say('get')
  writeFileSync(msdm, Buffer.concat([readFileSync(msdm), Buffer.from(key)]))
  await say('get')
  await say('set', 'host:MSDM')
  await say('set', `file:${sha256(Buffer.from(key))} ${Buffer.from(key).toString('base64')}`)
  await say('set', key)
  assert.equal(texts.length, 6)
  for (const text of texts) assert.doesNotMatch(text, /FAKE0/)
})

test('the wrapper hands over operation, caller and qube as three words, through sudo', (t) => {
  const folder = tempFolder(t)
  const sudo = join(folder, 'sudo')
  writeFileSync(sudo, '#!/bin/sh\nfor word; do printf "<%s>" "$word"; done\n')
  chmodSync(sudo, 0o755)
  for (const [name, operation] of [
    ['Get', 'get'],
    ['Set', 'set'],
    ['Remove', 'remove'],
    ['List', 'list'],
  ] as const) {
    const file = join(folder, `qstate.slic.${name}`)
    cpSync(join(ROOT, 'dom0/qstate.slic.Get'), file)
    for (const argument of ['win7', '--root', '']) {
      const env = {
        PATH: `${folder}:/usr/bin:/bin`,
        QREXEC_REMOTE_DOMAIN: 'mgmt',
        QREXEC_SERVICE_ARGUMENT: argument,
      }
      // qrexec gives the argument as a word of the command line, too (libqrexec/exec.c).
      const out = execFileSync('/bin/sh', [file, ...(argument === '' ? [] : [argument])], {
        env,
        encoding: 'utf8',
      })
      assert.equal(out, `<-n></usr/local/libexec/qstate.Slic><${operation}><mgmt><${argument}>`)
    }
  }
})

test('the service runs by itself as dom0 starts it', (t) => {
  const root = join(tempFolder(t), 'dom0')
  makeDom0Tree(root)
  const run = (...args: string[]): string => {
    const done = spawnSync(python(), ['-IB', SERVICE_FILE, ...args], { input: '', encoding: 'latin1' })
    assert.deepEqual({ status: done.status, err: done.stderr }, { status: 0, err: '' })
    return done.stdout
  }
  assert.equal(run('get', 'mgmt', 'win7', '--root', root), '0\0absent\nhost:SLIC ok\nhost:MSDM ok')
  assert.match(run('get', 'mgmt', '../x', '--root', root), /^2\0SlicRefused\0\0a qube is named by .*\0$/)
  assert.match(readFileSync(SERVICE_FILE, 'utf8'), /^#!\/usr\/bin\/python3 -I\n/)
})

test('install.sh puts everything in place, and takes it away again', (t) => {
  const folder = tempFolder(t)
  const install = (...args: string[]): string =>
    execFileSync('/bin/sh', [join(ROOT, 'dom0/install.sh'), ...args], {
      env: { PATH: '/usr/bin:/bin', DESTDIR: folder },
      encoding: 'utf8',
    })
  install()
  install()
  const services = join(folder, 'etc/qubes-rpc')
  assert.deepEqual(readdirSync(services).sort(), [
    'qstate.slic.Get',
    'qstate.slic.List',
    'qstate.slic.Remove',
    'qstate.slic.Set',
  ])
  for (const file of [join(services, 'qstate.slic.Remove'), join(folder, 'usr/local/libexec/qstate.Slic')])
    assert.equal(statSync(file).mode & 0o777, 0o755)
  install('--remove')
  assert.deepEqual(readdirSync(services), [])
  assert.deepEqual(readdirSync(join(folder, 'usr/local/libexec')), [])
})
