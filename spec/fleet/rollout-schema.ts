import { duration, object, type Schema, text, union, words } from '../schema/index.ts'
import { HOST_NAME } from '../vocabulary/index.ts'
import { amount, count, hostNames, match, PERCENT } from './schema-parts.ts'

const approval: Schema = {
  ...words('manual', 'none'),
  'x-expected': 'manual or none',
  description: 'With manual, the wave begins only after `qstate rollout approve`.',
}

const maxFailures = union(
  'a number of hosts, a percentage such as 5%, or { count, percent }',
  [
    { type: 'integer', minimum: 0, maximum: 1_000_000 },
    { type: 'string', pattern: PERCENT.source },
    object(
      '{ count, percent }',
      {
        count: count('a number of hosts', 0, 'Over all waves.'),
        percent: text('a percentage such as 5%', { pattern: PERCENT.source, description: 'Of each wave.' }),
      },
      { minProperties: 1 },
    ),
  ],
  {
    description:
      'More failures than this abort the rollout: a number counts over all waves, a percentage in each.',
  },
)

const limits = {
  maxUnavailable: amount(1, 'Hosts at work at once; at least one, whatever the percentage comes to.'),
  maxFailures,
  soak: duration('How long the hosts of a wave are watched once they have been given the revision.'),
  approval,
}

const choice = {
  hosts: hostNames('Hosts by name.'),
  match,
  count: count('a number of hosts', 1, 'So many of the hosts that are meant and in no earlier wave.'),
  percent: text('a percentage such as 10%', {
    pattern: PERCENT.source,
    description: 'So many of all hosts of the fleet, of those that are in no earlier wave.',
  }),
}

const health = object(
  'a map of drift, running, pendingRestarts, check',
  {
    drift: count(
      'a number of settings',
      0,
      'Settings that may have drifted after the soak. Without it: none.',
    ),
    running: {
      type: 'array',
      'x-expected': 'a list of qube names',
      items: text('the name of a qube', { pattern: '^[A-Za-z][A-Za-z0-9_.-]{0,30}$' }),
      description: 'Qubes that must be running after the soak, where a host has them.',
    },
    pendingRestarts: count(
      'a number of qubes',
      0,
      'Qubes that may wait for a restart. Without it: any number.',
    ),
    check: text('the name of a check', {
      pattern: HOST_NAME.source,
      description: 'A program of this name in the checks folder of each host, which its owner put there.',
    }),
  },
  { description: 'What a host must show after the soak.' },
)

const away = object(
  '{ after, then }',
  {
    after: duration('A host that has not been heard of for so long is away.'),
    then: {
      ...words('wait', 'skip', 'later'),
      'x-expected': 'wait, skip or later',
      description:
        'The wave waits for it, goes on without it, or goes on and gives it the revision once it is back.',
    },
  },
  { description: 'What is done with hosts that are away.' },
)

/** What the hosts of a fleet are to have, and how carefully they are given it. */
export const rolloutSchema: object = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:qstate:rollout:v1',
  title: 'qstate rollout',
  description: 'One revision for many hosts, in waves.',
  ...object(
    'a map with apiVersion, kind, name, revision and waves',
    {
      apiVersion: { ...words('qstate/v1'), 'x-expected': 'qstate/v1' },
      kind: { ...words('Rollout'), 'x-expected': 'Rollout' },
      name: text('a name for the rollout', { pattern: HOST_NAME.source }),
      revision: text('a commit, branch or tag', { pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$' }),
      canary: object(
        'a map that says which hosts',
        { ...choice, ...limits },
        { description: 'The first wave.' },
      ),
      waves: {
        type: 'array',
        minItems: 1,
        'x-expected': 'a list of waves, the first one first',
        items: object('a map that says which hosts', {
          name: text('a name for the wave', { pattern: HOST_NAME.source }),
          ...choice,
          ...limits,
        }),
        description: 'Which hosts, in which order. A wave that says none has all that are left.',
      },
      maxUnavailable: limits.maxUnavailable,
      maxFailures,
      soak: limits.soak,
      health,
      away,
      deadline: duration('A rollout that has not ended after so long is aborted.'),
      rollback: {
        ...words('on-abort', 'never'),
        'x-expected': 'on-abort or never',
        description: 'Whether an abort gives hosts back what they had. Without it: on-abort.',
      },
    },
    { required: ['apiVersion', 'kind', 'name', 'revision', 'waves'] },
  ),
}
