import { drift, duration, object, type Schema, servers, text, union, words } from '../schema/index.ts'
import { HOST_NAME, PUBLIC_KEY, SIZE } from '../vocabulary/index.ts'

/** Of notices, in the order of the alphabet. */
export const NOTICE_WORDS = [
  'applied',
  'conflict',
  'drift',
  'error',
  'failed',
  'fleet-away',
  'fleet-back',
  'held',
  'proposed',
  'reachable',
  'recovered',
  'refused',
  'restarted',
  'unreachable',
  'waiting',
] as const

const REF = '^[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}$'
/** A file on the host. No quotes: some are handed to ssh. */
const PATH = '^/[^\\x00-\\x1f\'"\\\\]{1,1000}$'

const list = (expected: string, items: Schema, more: Schema = {}): Schema => ({
  type: 'array',
  'x-expected': expected,
  items,
  maxItems: 100,
  ...more,
})

const oneOf = (description: string, ...list_: readonly string[]): Schema => ({
  ...words(...list_),
  'x-expected': `${list_.slice(0, -1).join(', ')} or ${list_.at(-1) ?? ''}`,
  description,
})

const file = (description: string): Schema =>
  text('the absolute path of a file', { pattern: PATH, description })

const source = object(
  'a map of url, branch or tag, paths, every',
  {
    url: text('an https or ssh URL, an absolute path, or the path of a bundle', {
      pattern: '^(?:https://|ssh://|file:///|/|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:)[^\\x00-\\x20\\x7f]{1,1000}$',
      description: 'The repository.',
    }),
    branch: text('the name of a branch', { pattern: REF, description: 'Without branch or tag: main.' }),
    tag: text('the name of a tag', {
      pattern: REF,
      description: 'A tag that is moved as commits are released.',
    }),
    paths: list(
      'a list of paths from the root of the repository',
      text('a path', { minLength: 1, maxLength: 1000 }),
      {
        minItems: 1,
        description: 'Files and folders of this host’s spec. Without it: all of the repository.',
      },
    ),
    every: duration('How often the repository is looked at, 10s to 24h. Without it: 5m.'),
    maxSize: text('a size such as 64MiB', {
      pattern: SIZE.source,
      description: 'Of one fetch. Without it: 64MiB.',
    }),
    identity: file('Private key for ssh.'),
    knownHosts: file('Keys of the servers that ssh may talk to.'),
    credentials: file(
      'For https: user and password or token of the server, as a line https://USER:TOKEN@HOST, in a file of mode 0600.',
    ),
  },
  { required: ['url'], description: 'Where the commits come from.' },
)

const fleet = object(
  'a map of name, servers, key, ca, host, consent, file, checks',
  {
    name: text('the name of the fleet', { pattern: HOST_NAME.source }),
    servers,
    host: text('the name of this host in the fleet', {
      pattern: HOST_NAME.source,
      description: 'Without it: the name of the machine.',
    }),
    key: file('Private key of this host, as `qstate fleet key` makes it.'),
    ca: file(
      'Certificates that those of the servers are signed with. Without it: those that the system trusts.',
    ),
    consent: list(
      'a list of public keys',
      text('a public key that begins with U', { pattern: PUBLIC_KEY.source }),
      {
        minItems: 1,
        description:
          'Public keys of people whose consent to a mass withdrawal, given at `qstate rollout start`, is enough on this host. Without it: a person on this host has to agree.',
      },
    ),
    file: text('the path of a file from the root of the repository', {
      minLength: 1,
      maxLength: 1000,
      description: 'Where the fleet is written down. Without it: fleet.yaml.',
    }),
    checks: file('Folder of the checks that a rollout may ask for. Without it: /etc/qstate/checks.'),
  },
  {
    required: ['name', 'servers'],
    description: 'The fleet whose orders say which commit is wanted. Without it: branch or tag do.',
  },
)

const commits = oneOf('Which commits have to be signed. Without it: all.', 'all', 'tip')

const verify = object(
  'a map of by, and allowedSigners or keyring',
  {
    by: oneOf(
      'Kind of signature. With none, whoever may push decides what this host becomes.',
      'ssh',
      'gpg',
      'none',
    ),
    allowedSigners: file(
      'For ssh: who may sign, as in ssh-keygen(1), ALLOWED SIGNERS. Outside the repository.',
    ),
    revoked: file('For ssh: keys that count no longer.'),
    keyring: file('For gpg: public keys of those who may sign, as `gpg --export` writes them.'),
    commits,
  },
  { required: ['by'], description: 'Whose commits count.' },
)

const policy = object(
  'a map of commits, drift, withdraw',
  {
    commits: oneOf(
      'What is done about what a commit newly says. Without it: observe; for hosts without an agent: apply.',
      'observe',
      'propose',
      'apply',
    ),
    drift: {
      ...drift,
      description:
        'What is done about settings that someone has changed on the host. Without it: report. Where this or the spec says report, they are left.',
    },
    withdraw: oneOf(
      'What to do about settings that the spec no longer names. Without it: apply.',
      'apply',
      'report',
    ),
  },
  { description: 'What the agent may do by itself.' },
)

const DAY = text('a day such as 2026-12-20', { pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' })

const kinds = list('a list of what is told', oneOf('', ...NOTICE_WORDS), { minItems: 1 })

const notify = list(
  'a list of { webhook } and { command }',
  union('{ webhook } or { command }', [
    object('{ webhook, token, on } or { command, on }', {
      webhook: text('an http or https URL', { pattern: '^https?://[^\\x00-\\x20\\x7f]{1,1000}$' }),
      token: file('A file whose text is sent as bearer token.'),
      command: list(
        'a list of program and arguments',
        text('a text without NUL', { maxLength: 4096, pattern: '^[^\\x00]*$' }),
        { minItems: 1 },
      ),
      on: kinds,
    }),
  ]),
  { description: 'Who is told what happens. Without it: the log alone.' },
)

/** What the file of an agent says, and that of a controller for its hosts without one. */
export const agentSchema: object = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:qstate:agent:v1',
  title: 'qstate agent',
  description:
    'How a host follows a git repository. It is kept on that host, outside the repository. Without source, verify, fleet and listen: how a controller keeps hosts that have no agent.',
  ...object(
    'a map with apiVersion and kind',
    {
      apiVersion: { ...words('qstate/v1'), 'x-expected': 'qstate/v1' },
      kind: { ...words('Agent'), 'x-expected': 'Agent' },
      source,
      fleet,
      verify,
      policy,
      compare: duration(
        'How often everything is compared, as a net under events, 1m to 24h. Without it: 1h.',
      ),
      windows: list(
        'a list of times such as 22:00-06:00',
        text('times such as 22:00-06:00', { maxLength: 100 }),
        {
          minItems: 1,
          description: 'When anything may be written; local time. Without it: always.',
        },
      ),
      freezes: list(
        'a list of { from, until, why }',
        object(
          '{ from, until, why }',
          { from: DAY, until: DAY, why: text('a text', { maxLength: 200 }) },
          {
            required: ['from', 'until'],
          },
        ),
        { description: 'Days on which nothing is written; until is the first day on which it is again.' },
      ),
      restartTimeout: duration('How long a qube may take to shut down, 1m to 24h. Without it: 15m.'),
      listen: text('unix:PATH or ADDRESS:PORT of the loopback', {
        pattern: '^(?:unix:/[^\\x00-\\x1f]{1,100}|(?:127\\.[0-9.]{5,11}|localhost|\\[::1\\]):[0-9]{1,5})$',
        description: 'Where metrics, health and status are served. Without it: nowhere.',
      }),
      notify,
    },
    // What only an agent needs, or has, is said where the file is read: a controller reads one for hosts without an agent.
    { required: ['apiVersion', 'kind'] },
  ),
}
