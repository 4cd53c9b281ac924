import { mapOf, named, object, type Schema, servers, text, union, words } from '../schema/index.ts'
import { HOST_NAME, OWN_NAME, PUBLIC_KEY } from '../vocabulary/index.ts'
import { count, hostNames, labels, match } from './schema-parts.ts'

const spec: Schema = {
  type: 'array',
  minItems: 1,
  'x-expected': 'a list of files or folders of YAML',
  items: text('a file or folder of YAML, beside this file', { minLength: 1, maxLength: 1024 }),
  description:
    'Files of the spec, beside this one. What a host says is laid over its groups, and they over the fleet.',
}

const values = {
  ...named(
    'value',
    HOST_NAME,
    mapOf(
      'a map of names to values',
      union('a text, a number, true, false or a list of texts', [
        { type: 'string' },
        { type: 'number' },
        { type: 'boolean' },
        { type: 'array', items: { type: 'string' } },
      ]),
    ),
  ),
  description: 'What ${NAME} stands for in the spec.',
}

const key = text('a public key that begins with U', { pattern: PUBLIC_KEY.source })

const reach = union(
  'agent, qrexec, { socket: PATH } or { ssh: HOST }',
  [
    words('agent', 'qrexec'),
    {
      ...object('one of socket, ssh', {
        socket: text('the path of a socket of qubesd', { minLength: 1, maxLength: 1024 }),
        ssh: text('a host of ssh, such as admin@laptop', {
          pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,254}$',
        }),
      }),
      minProperties: 1,
      maxProperties: 1,
    },
  ],
  {
    description:
      'How the host is reached: by an agent of its own that connects outwards, or directly from here. With `qrexec` it is the machine that this runs on; which program carries the calls is the operator’s to say (--qrexec-client).',
  },
)

const store = union(
  'local, or { nats: [SERVER, ...] }',
  [
    words('local'),
    object(
      '{ nats, controllers, replicas }',
      {
        nats: servers,
        controllers: {
          type: 'array',
          'x-expected': 'a list of public keys',
          items: key,
          description: 'Public keys of those who are in charge: controllers, and people with their commands.',
        },
        replicas: count('1, 3 or 5', 1, 'Servers that each keep everything, of a cluster. Without it: 1.'),
      },
      { required: ['nats'] },
    ),
  ],
  {
    description:
      'Where rollouts are kept: in a folder of this machine, or on servers that all hosts connect to.',
  },
)

/** Hosts, what is known of them, and how they are reached. */
export const fleetSchema: object = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:qstate:fleet:v1',
  title: 'qstate fleet',
  description: 'Many Qubes OS machines that get their state from one repository.',
  ...object(
    'a map with apiVersion, kind, name and hosts',
    {
      apiVersion: { ...words('qstate/v1'), 'x-expected': 'qstate/v1' },
      kind: { ...words('Fleet'), 'x-expected': 'Fleet' },
      name: text('a name for the fleet', { pattern: HOST_NAME.source }),
      store,
      spec,
      values,
      groups: named(
        'group',
        OWN_NAME,
        mapOf(
          'a map of group names to what they say',
          object('a map with match or hosts, and spec or values', {
            match,
            hosts: hostNames('Hosts of the group by name.'),
            spec,
            values,
          }),
        ),
      ),
      hosts: {
        ...named(
          'host',
          HOST_NAME,
          mapOf(
            'a map of host names to what is known of them',
            object('a map of labels, spec, values, reach, key', {
              labels,
              spec,
              values,
              reach,
              key,
            }),
          ),
        ),
        minProperties: 1,
      },
    },
    { required: ['apiVersion', 'kind', 'name', 'hosts'] },
  ),
}
