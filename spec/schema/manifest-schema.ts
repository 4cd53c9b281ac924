import { OWN_NAME, QUBE_NAME, TAG_NAME } from '../vocabulary/index.ts'
import { drift } from './drift-schema.ts'
import {
  audio,
  ensure,
  extendsSchema,
  listOf,
  mapOf,
  named,
  object,
  qube,
  restart,
  type Schema,
  slic,
  stubdom,
  tags,
  text,
  union,
  usb,
  words,
} from './schema-parts.ts'

const definition = (name: string): Schema => ({ $ref: `#/$defs/${name}` })

const AREA_KEYS = { slic, audio, stubdom, usb, qube, tags }

const once = object(
  'a map of slic, audio, stubdom, usb, qube and tags',
  Object.fromEntries(Object.keys(AREA_KEYS).map((key) => [key, definition(key)])),
  { description: 'Settings that are given once, and are left to the user from then on.' },
)

const BODY_KEYS = { extends: extendsSchema, ...AREA_KEYS, once, drift, restart, ensure }
const body = Object.fromEntries(Object.keys(BODY_KEYS).map((key) => [key, definition(key)]))

const match = object(
  'a map with at least one of tag, name, class',
  {
    tag: text('a tag', { pattern: TAG_NAME.source }),
    name: text('a name in which * stands for any text and ? for one character', {
      pattern: '^[A-Za-z0-9_.*?-]{1,64}$',
    }),
    class: {
      ...words('AppVM', 'DispVM', 'RemoteVM', 'StandaloneVM', 'TemplateVM'),
      'x-expected': 'AppVM, DispVM, RemoteVM, StandaloneVM or TemplateVM',
    },
  },
  { minProperties: 1, description: 'Which qubes of the host are meant: all conditions given must hold.' },
)

const device = union(
  '{ backend, port, identity } or BACKEND+PORT:IDENTITY',
  [
    { type: 'string' },
    object(
      '{ backend, port, identity }',
      {
        backend: text('the qube with the USB controller, such as sys-usb', { pattern: QUBE_NAME.source }),
        port: text('a port such as 2-1 or "2-2.1", or "*"'),
        identity: text('VENDOR:PRODUCT:SERIAL:INTERFACES, or "*"'),
      },
      { required: ['backend'] },
    ),
  ],
  { description: 'Without port or identity any will do; one of the two is needed.' },
)

const qubeName = text('the name of a qube', { pattern: QUBE_NAME.source })

const move = object(
  '{ from, to }',
  { from: qubeName, to: qubeName },
  { required: ['from', 'to'], description: 'A qube that was cloned under another name, and then removed.' },
)

/** The user-facing contract: what editors complete, and what every document is checked against before it is read. */
export const manifestSchema: object = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:qstate:manifest:v1',
  title: 'qstate manifest',
  description:
    'The wanted state of Windows qubes on Qubes OS. Documents and files together are one configuration.',
  ...object(
    'a map with apiVersion, and qubes, profiles, devices or select',
    {
      apiVersion: { ...words('qstate/v1'), 'x-expected': 'qstate/v1' },
      kind: { ...words('Qubes'), 'x-expected': 'Qubes' },
      name: text('a name for the configuration'),
      formerly: {
        ...listOf('a list of names', text('a name that the configuration had')),
        description: 'Names that the configuration had before.',
      },
      moved: { ...listOf('a list of { from, to }', move), description: 'Qubes that were renamed.' },
      devices: named('device', OWN_NAME, mapOf('a map of names to USB devices', device)),
      profiles: named(
        'profile',
        OWN_NAME,
        mapOf('a map of profile names to what they say', definition('body')),
      ),
      qubes: named(
        'qube',
        QUBE_NAME,
        mapOf('a map of qube names to what they should be', definition('body')),
      ),
      select: {
        type: 'array',
        'x-expected': 'a list of { match, ... }',
        items: object(
          'a map with match and what the qubes should be',
          { match, ...body },
          { required: ['match'] },
        ),
        description: 'Qubes of the host by tag, name or class.',
      },
    },
    { required: ['apiVersion'] },
  ),
  $defs: {
    ...BODY_KEYS,
    body: object(
      'a map of slic, audio, stubdom, usb, qube, tags, once, drift, restart, ensure and extends',
      body,
    ),
  },
}
