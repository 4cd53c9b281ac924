import {
  CREATABLE,
  DURATION,
  expectedOf,
  FEATURE_NAME,
  LABEL,
  MAX_TEXT,
  MODES,
  type NameKind,
  PROPERTY_NAME,
  QUBE_NAME,
  RESTART_WORDS,
  type Setting,
  SETTING_HELP,
  SETTINGS,
  type SettingType,
  SIZE,
  TAG_NAME,
  WINDOW,
} from '../vocabulary/index.ts'

export type Schema = Readonly<Record<string, unknown>>

/**
 * Parts of the schema. Three annotations are ours: `x-expected` says in words what may stand here, `x-setting` is the
 * path of the setting, whose own reader explains a mismatch best, and `x-name` the kind of name that keys must be.
 *
 * A union has at most one branch for maps and one for lists: so a mismatch can be told in terms of the one that was meant.
 */
export const words = (...list: readonly string[]): Schema => ({ type: 'string', enum: list })

export const object = (
  expected: string,
  properties: Readonly<Record<string, Schema>>,
  more: Schema = {},
): Schema => ({
  type: 'object',
  'x-expected': expected,
  properties,
  additionalProperties: false,
  ...more,
})

export const mapOf = (expected: string, values: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  'x-expected': expected,
  additionalProperties: values,
  ...more,
})

/** A map whose keys are names of one kind. */
export const named = (kind: NameKind, pattern: RegExp, schema: Schema): Schema => ({
  ...schema,
  'x-name': kind,
  propertyNames: { pattern: pattern.source },
})

/** Branches that are mostly meant come first: what those before did not fit is noted, and thrown away. */
export const union = (expected: string, branches: readonly Schema[], more: Schema = {}): Schema => ({
  'x-expected': expected,
  anyOf: branches,
  ...more,
})

export const text = (expected: string, more: Schema = {}): Schema => ({
  type: 'string',
  'x-expected': expected,
  ...more,
})

export const listOf = (expected: string, items: Schema): Schema => ({
  type: 'array',
  'x-expected': expected,
  items,
})

/** `{ value: "off" }`: a text that is a word of ours. */
const literalText = object(
  '{ value: text }',
  { value: text('text', { maxLength: MAX_TEXT }) },
  { required: ['value'] },
)

function settingSchema(setting: Setting): Schema {
  const forms = words(...(setting.off === undefined ? [] : ['off']), 'inherit', 'unmanaged')
  const values = valueSchemas(setting.type)
  return union(expectedOf(setting), [...values, ...asToolsTakeIt(setting), forms], {
    title: setting.key,
    description: `${SETTING_HELP[setting.path] ?? ''} (${setting.store} ${setting.name})`.trim(),
    'x-setting': setting.path,
  })
}

/** What is no word of a spec, and is what the documentation of Qubes gives to qvm-features and qvm-prefs. */
function asToolsTakeIt({ name, type, store, off }: Setting): readonly Schema[] {
  if (name === 'timezone') return [{ type: 'integer' }]
  if (type.kind === 'bool') return [{ enum: store === 'feature' ? [1, '1', ''] : [1, 0] }]
  const takesNothing = off === '' && (type.kind === 'word' || type.kind === 'int')
  return takesNothing ? [words('')] : []
}

function valueSchemas(type: SettingType): readonly Schema[] {
  switch (type.kind) {
    case 'bool':
      return [{ type: 'boolean' }]
    case 'int':
      return [{ type: 'integer', minimum: type.min, maximum: type.max }]
    case 'word':
      return [words(...type.words)]
    case 'text':
      return [{ type: 'string', maxLength: type.max }, literalText]
    case 'qube':
      return [{ type: 'string', maxLength: 31 }]
  }
}

function areaProperties(area: string): Record<string, Schema> {
  return Object.fromEntries(
    SETTINGS.filter((setting) => setting.area === area).map((setting) => [
      setting.key,
      settingSchema(setting),
    ]),
  )
}

const MODEL = SETTINGS.find(({ path }) => path === 'audio/model')
const AUDIO_SCALAR = MODEL ? valueSchemas(MODEL.type) : []

export const audio = union(
  'a model (ich6), off, or a map',
  [
    object('a map of audio settings', areaProperties('audio')),
    ...AUDIO_SCALAR,
    words('off', 'inherit', 'unmanaged'),
  ],
  { description: 'Sound through the stubdomain. A word alone is the model.', 'x-setting': 'audio/model' },
)

export const stubdom = object('a map of stubdom settings', areaProperties('stubdom'), {
  description: 'The small domain in which QEMU runs beside an HVM qube.',
})

const generic = (expected: string): Schema =>
  union(expected, [
    { type: 'string', maxLength: MAX_TEXT },
    { type: 'number' },
    { type: 'boolean' },
    literalText,
  ])

export const qube = object(
  'a map of qube settings',
  {
    ...areaProperties('qube'),
    features: named(
      'feature',
      FEATURE_NAME,
      mapOf(
        'a map of feature names to values',
        generic('text, a number, true, false, off, inherit or unmanaged'),
        {
          description: 'Any other feature by its own name. true is "1", false and off the empty text.',
        },
      ),
    ),
    properties: named(
      'property',
      PROPERTY_NAME,
      mapOf(
        'a map of property names to values',
        generic('text, a number, true, false, inherit or unmanaged'),
        {
          description: 'Any other property by its own name, as qvm-prefs lists them.',
        },
      ),
    ),
  },
  { description: 'Properties and features of the qube itself.' },
)

const tableFile = {
  file: text('the path of a file', { minLength: 1, maxLength: MAX_TEXT }),
  sha256: text('64 hex digits in lower case, as sha256sum prints them', { pattern: '^[0-9a-f]{64}$' }),
}
const table = union('host:SLIC, host:MSDM or { file, sha256 }', [
  words('host:SLIC', 'host:MSDM'),
  object('{ file, sha256 }', tableFile, { required: ['file', 'sha256'] }),
])

export const slic = union(
  'host, off, unmanaged, { file, sha256 } or { tables: [...] }',
  [
    words('host', 'off', 'unmanaged'),
    object('{ file, sha256 } or { tables: [...] }', {
      ...tableFile,
      tables: {
        ...listOf('a list of tables: host:SLIC, host:MSDM, { file, sha256 }', table),
        minItems: 1,
        maxItems: 16,
      },
    }),
  ],
  {
    description:
      'ACPI tables for OEM activation: of this machine (opt-in: the guest sees what machine it is), or from a file.',
  },
)

const MODE = words(...MODES)
const assignment = union(
  `${MODES.join(', ')}, off or unmanaged`,
  [
    MODE,
    words('off', 'unmanaged', 'inherit'),
    { type: 'boolean', const: false },
    object('{ mode }', { mode: { ...MODE, 'x-expected': MODES.join(', ') } }, { required: ['mode'] }),
  ],
  {
    description:
      'auto-attach when it is there, ask-to-attach, or required: then the qube does not start without it.',
  },
)

const flag = union('true, off or unmanaged', [{ type: 'boolean' }, words('off', 'inherit', 'unmanaged')])
/** In one body: far more than any qube has, so that what is checked for each pair stays cheap. */
const MAX_DEVICES = 256

const denied = union(
  'a list of interfaces such as u080650, or a map of them to true or off',
  [
    {
      ...listOf('a list of interfaces', text('an interface such as u080650 or u03****')),
      maxItems: MAX_DEVICES,
    },
    mapOf('a map of interfaces to true or off', flag, { maxProperties: MAX_DEVICES }),
  ],
  {
    description:
      'Interfaces of devices, of USB or of any other class, that Qubes 4.3 and later refuse to attach by hand.',
  },
)

export const usb = union(
  'a map of devices to modes, or a list of devices',
  [
    {
      ...mapOf('a map of devices to modes', assignment, { maxProperties: MAX_DEVICES }),
      properties: { denied },
    },
    {
      ...listOf('a list of devices', text('the name of a device, or BACKEND+PORT:IDENTITY')),
      maxItems: MAX_DEVICES,
    },
  ],
  { description: 'USB devices by name (devices) or by BACKEND+PORT:IDENTITY. A list means auto-attach.' },
)

export const tags = union(
  'a list of tags, or a map of tags to true or off',
  [
    listOf('a list of tags', text('a tag')),
    named('tag', TAG_NAME, mapOf('a map of tags to true or off', flag)),
  ],
  { description: 'Tags of the qube; off takes one away.' },
)

export const extendsSchema = union(
  'the name of a profile, or a list of them',
  [{ type: 'string' }, listOf('a list of profiles', text('the name of a profile'))],
  {
    description:
      'Profiles whose values this takes over; a later one wins, and what is written here wins over all.',
  },
)

export const restart = union(
  'never, ask, idle-halted, now or { window: 22:00-06:00 }',
  [
    words(...RESTART_WORDS),
    object(
      '{ window: 22:00-06:00 }',
      { window: text('two times of the day, as in 22:00-06:00', { pattern: WINDOW.source }) },
      { required: ['window'] },
    ),
  ],
  {
    description:
      'When the running qube may be restarted so that changes count. Without it: never. idle-halted leaves it running, and waits until it has been shut down.',
  },
)

const size = text('a size such as 60GiB or 2048MiB', { pattern: SIZE.source })

export const ensure = union(
  'present, absent, or a map of class, label, template, root and private',
  [
    words('present', 'absent'),
    object('a map of class, label, template, root and private', {
      class: { ...words(...CREATABLE), 'x-expected': 'StandaloneVM, AppVM or TemplateVM' },
      label: text('a label such as red', { pattern: LABEL.source }),
      template: text('the name of a template', { pattern: QUBE_NAME.source }),
      root: size,
      private: size,
    }),
  ],
  {
    description:
      'Creates the qube where it does not exist; absent removes it, if the command line says so, too. The volumes of one that exists grow; in what else it differs is told.',
  },
)

export const duration = (description: string): Schema =>
  text('a duration such as 90s, 30m, 12h or 7d', { pattern: DURATION.source, description })

/** Servers of a fleet. */
export const servers: Schema = {
  type: 'array',
  minItems: 1,
  'x-expected': 'a list of servers such as tls://nats.example.org:4222',
  items: text('a server such as tls://nats.example.org:4222', {
    pattern: '^(?:tls|nats)://[A-Za-z0-9.-]+(?::[0-9]{1,5})?$',
  }),
  description: 'NATS servers with JetStream. `tls://` asks for TLS.',
}
