import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { driftPolicyOf } from '../../spec/vocabulary/drift.ts'
import { makeKey } from '../../fleet/store/keys.ts'
import { defaultHostPolicies, loadAgentConfig, loadHostPolicies } from '../../spec/agent/load.ts'
import { runCli } from '../cli/run-cli.ts'
import { tempFolder } from '../support/temp.ts'

const HEAD = 'apiVersion: qstate/v1\nkind: Agent\n'
const SOURCE = 'source: { url: "ssh://git@example.org/qubes.git" }\n'
const VERIFY = 'verify: { by: ssh, allowedSigners: /etc/qstate/allowed }\n'

const load = (text: string): ReturnType<typeof loadAgentConfig> =>
  loadAgentConfig({ path: 'agent.yaml', text })

test('reads an agent’s file, with its defaults', () => {
  const { config, diagnostics } = load(HEAD + SOURCE + VERIFY)
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(config, {
    source: {
      url: 'ssh://git@example.org/qubes.git',
      ref: { kind: 'branch', name: 'main' },
      paths: ['.'],
      everyMs: 300_000,
      maxBytes: 64 * 1024 * 1024,
      identity: null,
      knownHosts: null,
      credentials: null,
    },
    fleet: null,
    verify: { by: 'ssh', allowedSigners: '/etc/qstate/allowed', revoked: null, commits: 'all' },
    policy: {
      commits: 'observe',
      drift: new Map(),
      withdraw: 'apply',
    },
    compareMs: 3_600_000,
    windows: [],
    freezes: [],
    restartTimeoutMs: 900_000,
    listen: null,
    notify: [],
  })
})

test('reads which fleet it belongs to', () => {
  const more =
    'fleet: { name: office, servers: ["tls://nats.example.org:4222"], key: /etc/qstate/host.key }\n'
  const { config, diagnostics } = load(HEAD + SOURCE + VERIFY + more)
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(config?.fleet, {
    name: 'office',
    host: null,
    servers: ['tls://nats.example.org:4222'],
    key: '/etc/qstate/host.key',
    ca: null,
    consent: [],
    file: 'fleet.yaml',
    checks: '/etc/qstate/checks',
  })
})

test('reads all that it can say', () => {
  const { config, diagnostics } = load(`${HEAD}
source:
  url: /srv/qubes.git
  tag: stable
  paths: [profiles, hosts/laptop.yaml]
  every: 30s
  maxSize: 8MiB
  identity: /etc/qstate/key
  knownHosts: /etc/qstate/known_hosts
verify: { by: gpg, keyring: /etc/qstate/keys.gpg, commits: tip }
policy: { commits: apply, drift: { default: correct, usb: report, qube/memory: report }, withdraw: report }
compare: 10m
windows: ["Mon-Fri 22:00-06:00", "Sat,Sun 00:00-24:00"]
freezes: [{ from: 2026-12-20, until: 2027-01-04, why: holidays }]
restartTimeout: 30m
listen: "127.0.0.1:9777"
notify:
  - { webhook: "https://example.org/hook", token: /etc/qstate/token, on: [drift, refused] }
  - { command: [/usr/local/bin/tell, --loud] }
`)
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(config?.source.ref, { kind: 'tag', name: 'stable' })
  assert.equal(config.source.maxBytes, 8 * 1024 * 1024)
  assert.deepEqual(config.verify, { by: 'gpg', keyring: '/etc/qstate/keys.gpg', commits: 'tip' })
  assert.deepEqual(
    ['usb/denied/u080650', 'audio/model', 'qube/memory', 'qube/vcpus'].map((path) =>
      driftPolicyOf(config.policy.drift, path),
    ),
    ['report', 'correct', 'report', 'correct'],
  )
  assert.deepEqual(config.windows[0], { days: [1, 2, 3, 4, 5], from: 1320, to: 360 })
  assert.deepEqual(config.windows[1], { days: [0, 6], from: 0, to: 1440 })
  assert.deepEqual(config.freezes, [{ from: '2026-12-20', until: '2027-01-04', why: 'holidays' }])
  assert.deepEqual(config.notify[1], {
    on: null,
    to: { kind: 'command', argv: ['/usr/local/bin/tell', '--loud'] },
  })
})

test('reads how hosts without an agent are kept, which applies where nothing is said', () => {
  const { config, diagnostics } = loadHostPolicies({
    path: 'hosts.yaml',
    text: `${HEAD}windows: ["22:00-06:00"]\npolicy: { drift: correct }\n`,
  })
  assert.deepEqual(diagnostics, [])
  const { policy, ...more } = defaultHostPolicies()
  assert.deepEqual(policy, { commits: 'apply', drift: new Map(), withdraw: 'apply' })
  assert.equal(config?.policy.commits, 'apply')
  assert.deepEqual(config.policy.drift, new Map([['default', 'correct']]))
  assert.deepEqual(config, { ...more, policy: config.policy, windows: config.windows })
  assert.equal(config.windows.length, 1)
})

for (const key of ['source: { url: /r }', 'verify: { by: none }', 'listen: "127.0.0.1:9777"'])
  test(`the hosts file of a controller has no ${key.replace(/:.*/, '')}`, () => {
    const { config, diagnostics } = loadHostPolicies({ path: 'hosts.yaml', text: `${HEAD}${key}\n` })
    assert.equal(config, null)
    assert.deepEqual(
      diagnostics.map(({ code, at }) => [code, at.line, at.column]),
      [['unknown-key', 3, 1]],
    )
  })

const KEY = makeKey().publicKey
const CONSENT = `fleet: { name: f, servers: ["nats://h:4222"], consent: [${KEY}] }\n`

test('reads whose consent to withdrawals is enough', () => {
  const { config, diagnostics } = load(HEAD + SOURCE + VERIFY + CONSENT)
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(config?.fleet?.consent, [KEY])
})

/** What is wrong, where it is told, and a word that has to be in it. */
const WRONG: readonly [string, string, string, RegExp][] = [
  ['no kind', `apiVersion: qstate/v1\n${SOURCE}${VERIFY}`, '1:1', /kind/],
  ['another kind', `apiVersion: qstate/v1\nkind: Fleet\n${SOURCE}${VERIFY}`, '2:7', /Agent/],
  ['no source', HEAD + VERIFY, '1:1', /source/],
  ['a misspelt key', `${HEAD}${SOURCE}${VERIFY}polcy: {}\n`, '5:1', /policy/],
  ['a word that is none', `${HEAD}${SOURCE}${VERIFY}policy: { commits: aply }\n`, '5:20', /apply/],
  ['another key', `${HEAD}${SOURCE}${VERIFY}policy: { mode: apply }\n`, '5:11', /commits, drift or withdraw/],
  [
    'a drift policy that is none',
    `${HEAD}${SOURCE}${VERIFY}policy: { drift: { qube/memory: corect } }\n`,
    '5:33',
    /correct/,
  ],
  [
    'a setting in another spelling',
    `${HEAD}${SOURCE}${VERIFY}policy: { drift: { qube.memory: report } }\n`,
    '5:20',
    /write qube\/memory/,
  ],
  [
    'a device by a name',
    `${HEAD}${SOURCE}${VERIFY}policy: { drift: { usb/webcam: report } }\n`,
    '5:24',
    /BACKEND\+PORT:IDENTITY/,
  ],
  [
    'a mistyped key whose consent is to be enough',
    `${HEAD}${SOURCE}${VERIFY}${CONSENT.replace(KEY, `${KEY.slice(0, -1)}${KEY.endsWith('A') ? 'B' : 'A'}`)}`,
    '5:57',
    /checksum/,
  ],
  ['consent of anyone', `${HEAD}${SOURCE}${VERIFY}${CONSENT.replace(KEY, 'anyone')}`, '5:57', /public key/],
  ['no signers', `${HEAD}${SOURCE}verify: { by: ssh }\n`, '4:15', /allowedSigners/],
  ['no keyring', `${HEAD}${SOURCE}verify: { by: gpg }\n`, '4:15', /keyring/],
  [
    'a branch and a tag',
    `${HEAD}source: { url: /x, branch: main, tag: v1 }\n${VERIFY}`,
    '3:39',
    /branch or a tag/,
  ],
  ['a URL that runs a program', `${HEAD}source: { url: "ext::sh" }\n${VERIFY}`, '3:16', /https or ssh/],
  [
    'an option in place of a branch',
    `${HEAD}source: { url: /x, branch: --upload-pack=x }\n${VERIFY}`,
    '3:28',
    /branch/,
  ],
  ['a quote in a path for ssh', `${HEAD}source: { url: /x, identity: "/a'b" }\n${VERIFY}`, '3:30', /path/],
  ['a window that is none', `${HEAD}${SOURCE}${VERIFY}windows: ["25:00-06:00"]\n`, '5:11', /22:00-06:00/],
  ['an empty window', `${HEAD}${SOURCE}${VERIFY}windows: ["06:00-06:00"]\n`, '5:11', /00:00-24:00/],
  [
    'a day that is none',
    `${HEAD}${SOURCE}${VERIFY}freezes: [{ from: 2026-13-40, until: 2027-01-01 }]\n`,
    '5:19',
    /day/,
  ],
  [
    'a freeze backwards',
    `${HEAD}${SOURCE}${VERIFY}freezes: [{ from: 2027-02-01, until: 2027-01-01 }]\n`,
    '5:11',
    /before it begins/,
  ],
  ['an address that others reach', `${HEAD}${SOURCE}${VERIFY}listen: "0.0.0.0:80"\n`, '5:9', /loopback/],
  ['nobody to tell', `${HEAD}${SOURCE}${VERIFY}notify: [{ on: [drift] }]\n`, '5:10', /webhook or a command/],
  [
    'a token for a command',
    `${HEAD}${SOURCE}${VERIFY}notify: [{ command: [/x], token: /t }]\n`,
    '5:34',
    /token/,
  ],
  [
    'a notice that is none',
    `${HEAD}${SOURCE}${VERIFY}notify: [{ command: [/x], on: [drfit] }]\n`,
    '5:32',
    /drift/,
  ],
  ...(
    [
      ['source: { url: /x, every: 9s }', '3:27', /10s to 24h/],
      ['source: { url: /x, every: 2d }', '3:27', /10s to 24h/],
      ['source: { url: "https://user:s3cret@example.org/r" }', '3:16', /`credentials`/],
      ['source: { url: "https://s3cret@example.org/r" }', '3:16', /`credentials`/],
      ['source: { url: "https://:s3cret@example.org/r" }', '3:16', /`credentials`/],
      ['source: { url: "https://example.org/r?access_token=s3cret" }', '3:16', /`credentials`/],
      ['source: { url: "https://example.org/r#s3cret" }', '3:16', /`credentials`/],
      ['source: { url: "ssh://git:s3cret@example.org/r" }', '3:16', /`identity`/],
      ['source: { url: "https://user:s3cret@[x/r" }', '3:16', /no URL/],
    ] as const
  ).map(([source, where, word]): (typeof WRONG)[number] => [
    source,
    `${HEAD}${source}\n${VERIFY}`,
    where,
    word,
  ]),
  ...(
    [
      ['compare: 0s', '5:10', /1m to 24h/],
      ['restartTimeout: 30s', '5:17', /1m to 24h/],
      ['restartTimeout: 99999d', '5:17', /1m to 24h/],
      ['listen: "127.0.0.1:0"', '5:9', /port/],
      ['listen: "127.0.0.1:65536"', '5:9', /port/],
      ['listen: "127.0.0.256:80"', '5:9', /loopback/],
      ['listen: "127.0.0.0.1:80"', '5:9', /loopback/],
      ['listen: "127.....:80"', '5:9', /loopback/],
      ['freezes: [{ from: 2026-02-31, until: 2026-04-01 }]', '5:19', /no such day/],
      ['notify: [{ webhook: "https://u:p@example.org/" }]', '5:21', /token/],
      ['notify: [{ webhook: "https://u@example.org/" }]', '5:21', /token/],
      ['notify: [{ webhook: "https://[x/" }]', '5:21', /no URL/],
      ['notify: [{ webhook: "http://example.org/", token: /t }]', '5:21', /https/],
      ['notify: [{ webhook: "http://127.0.0.1.example.org/", token: /t }]', '5:21', /https/],
      ['notify: [{ command: [""] }]', '5:22', /program/],
      ['notify: [{ command: [/x, "a\\0b"] }]', '5:26', /NUL/],
    ] as const
  ).map(([line, where, word]): (typeof WRONG)[number] => [
    line,
    `${HEAD}${SOURCE}${VERIFY}${line}\n`,
    where,
    word,
  ]),
  ['two documents', `${HEAD}${SOURCE}${VERIFY}---\n${HEAD}`, '6:1', /another document/],
  ['nothing', '# nothing\n', '1:1', /kind: Agent/],
]

for (const [what, text, where, word] of WRONG)
  test(`refuses ${what}, and says where`, () => {
    const { config, diagnostics } = load(text)
    assert.equal(config, null)
    const told = diagnostics.map(({ at, message, hint }) => `${at.line}:${at.column}: ${message} ${hint}`)
    assert.ok(
      told.some((line) => line.startsWith(`${where}: `) && word.test(line)),
      told.join('\n'),
    )
  })

test('takes what is just within bounds', () => {
  for (const line of [
    'compare: 1m',
    'restartTimeout: 24h',
    'listen: "127.0.0.1:65535"',
    'listen: "127.255.0.9:1"',
    'listen: "[::1]:9777"',
    'freezes: [{ from: 2028-02-29, until: 2028-03-01 }]',
    'notify: [{ webhook: "http://127.0.0.1:8/", token: /t }, { webhook: "http://[::1]/", token: /t }]',
    'notify: [{ command: [/x, ""] }]',
  ])
    assert.deepEqual(load(`${HEAD}${SOURCE}${VERIFY}${line}\n`).diagnostics, [], line)
})

test('a source by ssh may name a user', () => {
  for (const url of ['ssh://git@example.org/r', 'git@example.org:r', '/srv/a?b#c', 'file:///srv/a?b'])
    assert.deepEqual(load(`${HEAD}source: { url: "${url}" }\n${VERIFY}`).diagnostics, [], url)
})

test('a webhook that anybody on the way can read is warned of', () => {
  const { config, diagnostics } = load(
    `${HEAD}${SOURCE}${VERIFY}notify: [{ webhook: "http://example.org/" }]\n`,
  )
  assert.notEqual(config, null)
  assert.deepEqual(
    diagnostics.map(({ code, severity, at }) => [code, severity, at.line, at.column]),
    [['plain-webhook', 'warning', 5, 21]],
  )
})

for (const url of [
  'https://user:s3cret@example.org/r',
  'https://s3cret@example.org/r',
  'https://example.org/r?token=s3cret',
  'https://example.org/r?a=b&token=s3cret',
  'ssh://git:s3cret@example.org/r',
  'http://user:s3cret@example.org/r',
])
  test(`a secret in a URL is not shown where it is refused: ${url}`, async (t) => {
    const file = join(tempFolder(t), 'agent.yaml')
    writeFileSync(file, `${HEAD}source: { url: "${url}" }\n${VERIFY}notify: [{ webhook: "${url}" }]\n`)
    for (const more of [[], ['--json']]) {
      const { code, out, err } = await runCli(['agent', 'check', '--file', file, ...more])
      assert.equal(code, 65, out + err)
      assert.doesNotMatch(out + err, /s3cret/)
    }
  })

test('tells all that is wrong at once', () => {
  const { diagnostics } = load(`${HEAD}source: { url: x }\nverify: { by: pgp }\nlisten: here\n`)
  assert.equal(diagnostics.length, 3)
})
