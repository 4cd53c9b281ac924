import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { globMatches } from '../../spec/compose/select.ts'
import { desiredOf, HANGS_MS, HEAD, host, settingsOf, source } from './manifests.ts'

test('a later profile wins, and the own body over all', () => {
  const state = desiredOf([
    source(`${HEAD}profiles:
  small: { qube: { memory: 1000, vcpus: 1, label: red } }
  large: { qube: { memory: 2000, vcpus: 2 } }
qubes:
  a: { extends: [small, large], qube: { vcpus: 3 } }
  b: { extends: [large, small] }
`),
  ])
  assert.deepEqual(settingsOf(state, 'a'), { 'qube/label': 'red', 'qube/memory': 2000, 'qube/vcpus': 3 })
  assert.deepEqual(settingsOf(state, 'b'), { 'qube/label': 'red', 'qube/memory': 1000, 'qube/vcpus': 1 })
})

test('drift policies are composed key by key, the nearest wins, and a device goes by its name', () => {
  const text = `${HEAD}devices: { webcam: "sys-usb+2-1:*" }
profiles:
  base: { drift: { audio: report, qube/memory: correct } }
  office: { extends: base, drift: { qube/memory: report, usb/webcam: report } }
  plain: { extends: windows-10 }
select:
  - { match: { tag: w }, drift: { default: report, audio: correct } }
qubes:
  a: { extends: office, qube: { memory: 1000 }, usb: [webcam], stubdom: { qrexec: true }, drift: { usb: correct } }
  b: { drift: correct }
  c: { extends: plain }
`
  const { qubes, digest } = desiredOf([source(text)], host('a: AppVM w', 'b: AppVM w', 'c: AppVM'))
  const driftOf = (qube: string): unknown => Object.fromEntries(qubes.get(qube)?.drift ?? [])
  assert.deepEqual(driftOf('a'), {
    ...{ default: 'report', audio: 'report' },
    ...{ 'qube/memory': 'report', 'usb/sys-usb+2-1:*': 'report', usb: 'correct' },
  })
  assert.deepEqual(driftOf('b'), { default: 'correct', audio: 'correct' })
  assert.equal(qubes.get('c')?.drift, undefined)
  const other = desiredOf(
    [source(text.replace('drift: correct', 'drift: report'))],
    host('a: AppVM w', 'b: AppVM w', 'c: AppVM'),
  )
  assert.notEqual(other.digest, digest, 'another policy is another spec')
})

test('selectors come in file order, below what a qube says itself', () => {
  const text = `${HEAD}profiles:
  first: { qube: { memory: 1, vcpus: 1, debug: true, label: red } }
  own: { qube: { vcpus: 5, debug: false } }
select:
  - match: { tag: windows }
    extends: first
    qube: { memory: 2 }
  - match: { name: "win*" }
    qube: { memory: 3, defaultUser: second }
qubes:
  win: { extends: own, qube: { debug: true } }
`
  const facts = host('win: StandaloneVM windows', 'win2: AppVM', 'other: AppVM windows', 'linux: AppVM')
  const state = desiredOf([source(text)], facts)
  assert.deepEqual([...state.qubes.keys()], ['other', 'win', 'win2'])
  assert.deepEqual(settingsOf(state, 'win'), {
    'qube/debug': true,
    'qube/defaultUser': 'second',
    'qube/label': 'red',
    'qube/memory': 3,
    'qube/vcpus': 5,
  })
  assert.deepEqual(settingsOf(state, 'win2'), { 'qube/defaultUser': 'second', 'qube/memory': 3 })
  assert.deepEqual(settingsOf(state, 'other'), {
    'qube/debug': true,
    'qube/label': 'red',
    'qube/memory': 2,
    'qube/vcpus': 1,
  })
})

test('all conditions of a match must hold, and the host is never matched', () => {
  const text = `${HEAD}select: [{ match: { tag: w, name: "*", class: AppVM }, qube: { vcpus: 2 } }, { match: { name: "d*" }, qube: { vcpus: 1 } }]`
  const facts = host('a: AppVM w', 'b: AppVM', 'c: TemplateVM w', 'dom0: AdminVM w')
  assert.deepEqual([...desiredOf([source(text)], facts).qubes.keys()], ['a'])
})

test('a manifest says what it needs to know of a host', () => {
  const without = loadManifest([source(`${HEAD}qubes: { win: {} }`)])
  assert.deepEqual(without.manifest?.selects, { needsHost: false, tags: [] })
  const text = `${HEAD}select: [{ match: { tag: b } }, { match: { tag: a, name: x } }, { match: { tag: b } }]`
  assert.deepEqual(loadManifest([source(text)]).manifest?.selects, { needsHost: true, tags: ['a', 'b'] })
})

test('a selected qube without a body of its own has the place of the selector', () => {
  const state = desiredOf([source(`${HEAD}select:\n  - match: { tag: w }\n`)], host('a: AppVM w'))
  assert.equal(state.qubes.get('a')?.position.line, 3)
})

/** What is noted of each qube that cannot be. */
const unfitOf = (
  text: string,
  ...qubes: string[]
): Record<string, readonly (readonly [string | null, string])[]> => {
  const { manifest, diagnostics } = loadManifest([source(text)])
  assert.deepEqual(diagnostics, [])
  assert.ok(manifest)
  const resolved = resolve(manifest, host(...qubes))
  assert.deepEqual(resolved.diagnostics, [])
  return Object.fromEntries(
    [...resolved.desired.qubes.values()].map(({ name, unfit = [] }) => [
      name,
      unfit.map(({ path, problem: { code } }) => [path, code] as const),
    ]),
  )
}

test('what selectors bring about is noted with the setting of the qube that it is about, and makes no spec invalid', () => {
  const text = `${HEAD}profiles: { usb: { stubdom: { qrexec: true }, usb: ["sys-usb+2-1:*"] } }
select: [{ match: { tag: w }, extends: usb }]
qubes: { win: { qube: { virtMode: pvh } } }
`
  const device = 'usb/sys-usb+2-1:*'
  assert.deepEqual(unfitOf(text, 'win: AppVM w', 'b: AppVM w', 'c: AppVM w', 'd: AppVM'), {
    win: [
      ['stubdom/qrexec', 'needs-hvm'],
      [device, 'needs-hvm'],
      [device, 'contested-device'],
    ],
    b: [[device, 'contested-device']],
    c: [[device, 'contested-device']],
  })
  assert.deepEqual(unfitOf(text, 'b: AppVM w'), { win: [], b: [] })
})

test('devices that are one only while a certain device is in a certain port are warned of', () => {
  const text = `${HEAD}profiles: { usb: { stubdom: { qrexec: true } } }
qubes:
  a: { extends: usb, usb: ["sys-usb+3-1:*"] }
  b: { extends: usb, usb: ["sys-usb+*:0b0e:0412::u030000"] }
select: [{ match: { tag: w }, extends: usb, usb: ["sys-usb+3-1:0b0e:0412::u030000"] }]
`
  const { manifest, diagnostics } = loadManifest([source(text)])
  const told = diagnostics.map(({ severity, code, at }) => [severity, code, at.line])
  assert.deepEqual(told, [['warning', 'overlapping-devices', 5]])
  assert.ok(manifest)
  const resolved = resolve(manifest, host('c: AppVM w'))
  assert.deepEqual(
    resolved.diagnostics.map(({ severity, code, at }) => [severity, code, at.line]),
    [['warning', 'overlapping-devices', 6]],
  )
  assert.deepEqual(
    [...resolved.desired.qubes.values()].flatMap(({ unfit }) => unfit ?? []),
    [],
  )
})

test('resolve does not repeat what loading has told', () => {
  const { manifest, diagnostics } = loadManifest([
    source(`${HEAD}qubes: { win: { audio: ac97, slic: host, qube: { uefi: true } } }`),
  ])
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['silent-model', 'slic-uefi'],
  )
  assert.ok(manifest)
  assert.deepEqual(resolve(manifest, host('win: AppVM')).diagnostics, [])
})

test('a value of a built-in profile has the place of the word that extends it', () => {
  const state = desiredOf([
    source(
      `${HEAD}profiles:\n  p: { extends: windows-10 }\nqubes:\n  a: { extends: p }\n  b: { extends: [p, hvm] }\n`,
    ),
  ])
  const place = (qube: string, path: string): string => {
    const { line, column, length } = state.qubes.get(qube)?.settings.get(path)?.position ?? {
      line: 0,
      column: 0,
      length: 0,
    }
    return `${line}:${column}+${length}`
  }
  assert.equal(place('a', 'qube/memory'), '3:17+10')
  assert.equal(place('b', 'qube/memory'), '3:17+10')
  assert.equal(place('b', 'qube/virtMode'), '6:21+3')
})

test('profiles that share a base thousands of times over are composed once', () => {
  const levels = Array.from({ length: 30 }, (_, n) => `  p${n + 1}: { extends: [p${n}, p${n}, p${n}] }`)
  const text = `${HEAD}profiles:\n  p0: { qube: { vcpus: 2 } }\n${levels.join('\n')}\nqubes: { win: { extends: p30 } }\n`
  const start = performance.now()
  assert.deepEqual(settingsOf(desiredOf([source(text)])), { 'qube/vcpus': 2 })
  assert.ok(performance.now() - start < HANGS_MS)
})

test('a long chain of profiles is refused wherever it starts', () => {
  const chain = Array.from({ length: 60 }, (_, n) => `  p${n + 1}: { extends: p${n} }`)
  for (const order of [chain, [...chain].reverse()]) {
    const { diagnostics } = loadManifest([source(`${HEAD}profiles:\n  p0: {}\n${order.join('\n')}\n`)])
    assert.ok(diagnostics.length > 0)
    assert.ok(diagnostics.every(({ code, at }) => code === 'extends-too-deep' && at.line > 1))
  }
})

test('names in a document that cannot be read are not called unknown', () => {
  const { diagnostics } = loadManifest([
    source(`${HEAD}profiles: { office: [ }`, 'a.yaml'),
    source(`${HEAD}qubes: { win: { extends: office, usb: [headset] } }`, 'b.yaml'),
  ])
  assert.deepEqual(
    diagnostics.map(({ at }) => at.file),
    ['a.yaml'],
  )
})

test('a glob takes linear time however many stars it has', () => {
  assert.ok(globMatches('win-*', 'win-'))
  assert.ok(globMatches('*a?c*', 'xxabcxx'))
  assert.ok(globMatches('?', 'a'))
  assert.ok(!globMatches('?', ''))
  assert.ok(!globMatches('win-?', 'win-10'))
  assert.ok(!globMatches('WIN*', 'win'))
  const start = performance.now()
  assert.ok(!globMatches(`${'*a'.repeat(30)}*b`, 'a'.repeat(31)))
  assert.ok(performance.now() - start < HANGS_MS)
})

const membersOf = (text: string, ...qubes: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    [...desiredOf([source(HEAD + text)], host(...qubes)).qubes].map(([name, { settings }]) => [
      name,
      settings.get('qube/vcpus')?.value ?? null,
    ]),
  )

test('a selector sees the tags that the spec gives: under a name, in a profile, in another selector', () => {
  const select = 'select: [{ match: { tag: lab }, qube: { vcpus: 4 } }]'
  const two = ['a: AppVM', 'b: AppVM']
  assert.deepEqual(membersOf(`qubes: { a: { tags: [lab] } }\n${select}`, ...two), { a: 4 })
  assert.deepEqual(
    membersOf(`profiles: { p: { tags: [lab] } }\nqubes: { b: { extends: p } }\n${select}`, ...two),
    { b: 4 },
  )
  const chain = `select:
  - { match: { tag: third }, qube: { vcpus: 4 } }
  - { match: { tag: second }, tags: [third] }
  - { match: { tag: first }, tags: [second] }
  - { match: { name: a }, tags: [first] }`
  assert.deepEqual(membersOf(chain, ...two), { a: 4 })
})

test('a selector does not see a tag that the spec takes away, and the qube itself has the last word', () => {
  const text = `qubes: { a: { tags: { lab: off } }, b: { tags: { lab: unmanaged } } }
select: [{ match: { tag: lab }, qube: { vcpus: 4 } }, { match: { name: c }, tags: { lab: off } }]`
  assert.deepEqual(membersOf(text, 'a: AppVM lab', 'b: AppVM lab', 'c: AppVM lab'), {
    a: null,
    b: 4,
    c: null,
  })
})

test('a selector means a qube that the spec creates, with its class', () => {
  const text = `qubes: { new: { ensure: { class: StandaloneVM, label: red }, tags: [lab] } }
select: [{ match: { tag: lab, class: StandaloneVM, name: "n*" }, qube: { vcpus: 4 } }]`
  assert.deepEqual(membersOf(text), { new: 4 })
})

test('a selector that gives its own tag matches what has it; one that depends on itself is reported', () => {
  const gives = 'select: [{ match: { tag: lab }, tags: [lab], qube: { vcpus: 4 } }]'
  assert.deepEqual(membersOf(gives, 'a: AppVM lab', 'b: AppVM'), { a: 4 })
  const takes = `${HEAD}select:
  - { match: { tag: lab }, tags: { lab: off } }
  - { match: { tag: one }, tags: { two: off } }
  - { match: { name: b }, tags: { two: off } }`
  assert.deepEqual(unfitOf(takes, 'a: AppVM lab', 'c: AppVM'), { a: [[null, 'selector-cycle']] })
  assert.deepEqual(unfitOf(takes, 'b: AppVM one'), { b: [] })
})
