import { type Mode, type UsbDevice } from './calls.ts'

/**
 * Strict readers of qubesd's texts. Answers are untrusted: what does not fit is `undefined`, never a guess.
 * Shapes as recorded from 4.2, 4.3 and 4.4.
 */

export interface ListedQube {
  readonly name: string
  readonly klass: string
  readonly state: string
  /** Not told by 4.2. */
  readonly uuid: string | null
}

export interface PropertyAnswer {
  readonly isDefault: boolean
  readonly type: string
  /** Text as qubesd has it, `True`, `4096`, empty for none. */
  readonly value: string
}

export interface Assignment extends UsbDevice {
  readonly mode: Mode
  /** Only where it has some. */
  readonly options?: Readonly<Record<string, string>>
}

export interface AttachedDevice extends UsbDevice {
  readonly byHand: boolean
}

export interface AvailableDevice extends UsbDevice {
  /** A word or two for people, from the device itself: untrusted. */
  readonly description: string
  /** The qube that has it now. */
  readonly attachedTo: string | null
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** `NAME class=CLASS state=STATE [uuid=UUID]` a line. */
export function parseList(text: string): readonly ListedQube[] | undefined {
  return eachLine(text, (line) => {
    const match = /^([A-Za-z][A-Za-z0-9_.-]*) class=([A-Za-z]+) state=([A-Za-z]+)((?: [a-z_]+=\S*)*)$/.exec(
      line,
    )
    if (match === null) return undefined
    const [, name = '', klass = '', state = '', more = ''] = match
    const uuid = / uuid=(\S+)/.exec(more)?.[1] ?? null
    return uuid !== null && !UUID.test(uuid) ? undefined : { name, klass, state, uuid }
  })
}

/** `default=BOOL type=TYPE VALUE`. */
export function parseProperty(text: string): PropertyAnswer | undefined {
  const match = /^default=(True|False) type=([a-z]+) ([^]*)$/.exec(text)
  if (match === null) return undefined
  const [, isDefault, type = '', value = ''] = match
  return { isDefault: isDefault === 'True', type, value }
}

/** One property a line, newline and backslash escaped. */
export function parseProperties(text: string): ReadonlyMap<string, PropertyAnswer> | undefined {
  const starts = propertyStarts(text)
  if (starts === undefined) return undefined
  return new Map([...starts].map(([name, start]) => [name, propertyAt(text, start)]))
}

/** The same, as strict, where only some are asked for: the longest of all answers is not taken apart for the rest. */
export function parseSomeProperties(
  text: string,
): ((name: string) => PropertyAnswer | undefined) | undefined {
  const starts = propertyStarts(text)
  if (starts === undefined) return undefined
  return (name) => {
    const start = starts.get(name)
    return start === undefined ? undefined : propertyAt(text, start)
  }
}

const PROPERTY_LINE = /[a-z_][a-z0-9_]* default=(?:True|False) type=[a-z]+ [^\n]*\n/y

/** Where what is said of each property starts, after its name. */
function propertyStarts(text: string): ReadonlyMap<string, number> | undefined {
  const starts = new Map<string, number>()
  for (let at = 0; at < text.length; at = PROPERTY_LINE.lastIndex) {
    PROPERTY_LINE.lastIndex = at
    if (!PROPERTY_LINE.test(text)) return undefined
    const name = text.slice(at, text.indexOf(' ', at))
    if (starts.has(name)) return undefined
    starts.set(name, at + name.length + 1)
  }
  return starts
}

function propertyAt(text: string, start: number): PropertyAnswer {
  const type = text.indexOf(' type=', start) + ' type='.length
  const value = text.indexOf(' ', type) + 1
  const raw = text.slice(value, text.indexOf('\n', value))
  return {
    isDefault: text.startsWith('default=True', start),
    type: text.slice(type, value - 1),
    value: raw.includes('\\') ? raw.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c)) : raw,
  }
}

/** Names, one a line: tags, features, denied interfaces. */
export function parseNames(text: string, pattern: RegExp): readonly string[] | undefined {
  return eachLine(text, (line) => (pattern.test(line) ? line : undefined))
}

/** `BACKEND+PORT:IDENTITY key='value' …` a line (4.3 and later). */
export function parseAssigned(text: string): readonly Assignment[] | undefined {
  return eachLine(text, (line) => {
    const fields = parseFields(line)
    if (fields === undefined) return undefined
    const device = fieldsDevice(fields)
    const mode = fields.get('mode')
    if (device === undefined) return undefined
    if (mode !== 'auto-attach' && mode !== 'ask-to-attach' && mode !== 'required') return undefined
    const { backend, port, identity } = device
    // Keys of options begin with an underscore, so that none is taken for a key of the assignment.
    const options = [...fields].flatMap(([key, value]) =>
      key.startsWith('_') ? [[key.slice(1), value]] : [],
    )
    const more =
      options.length === 0 ? {} : { options: Object.fromEntries(options) as Record<string, string> }
    return { backend, port, identity, mode, ...more }
  })
}

/**
 * `BACKEND+PORT:IDENTITY … mode='…' …` a line: what is attached. By hand, so that its mode is manual, is also what an assignment
 * has attached that does not name both port and identity.
 */
export function parseAttached(text: string): readonly AttachedDevice[] | undefined {
  return eachLine(text, (line) => {
    const match = /^([A-Za-z][A-Za-z0-9_.-]*)\+([A-Za-z0-9_.-]+)(?=[: ])(?::(.*?) device_id=')?/.exec(line)
    if (match === null) return undefined
    const [, backend = '', port = '', identity = '*'] = match
    return { backend, port, identity, byHand: / mode='manual'(?: |$)/.test(line) }
  })
}

/** `PORT:IDENTITY key='value' …` a line (4.3 and later). */
export function parseAvailable(text: string): readonly AvailableDevice[] | undefined {
  return eachLine(text, (line) => {
    const fields = parseFields(line)
    const device = fields === undefined ? undefined : fieldsDevice(fields)
    if (fields === undefined || device === undefined) return undefined
    const words = [
      fields.get('vendor') ?? fields.get('manufacturer'),
      fields.get('product') ?? fields.get('name'),
    ]
    const description = words
      .flatMap((word) => word?.trim() ?? [])
      .join(' ')
      .trim()
    return { ...device, description, attachedTo: fields.get('attachment') ?? null }
  })
}

/** `BACKEND+PORT [identity=…] persistent=yes|no` a line (4.2). Only persistent ones are assignments. */
export function parseList42(text: string): readonly Assignment[] | undefined {
  const all = eachLine(text, (line) => {
    const match = /^([A-Za-z][A-Za-z0-9_.-]*)\+(\S+)(?: .*)? persistent=(yes|no)$/.exec(line)
    if (match === null) return undefined
    const [, backend = '', port = '', persistent] = match
    return { backend, port, identity: '*', mode: 'auto-attach' as const, persistent: persistent === 'yes' }
  })
  return all
    ?.filter((a) => a.persistent)
    .map(({ backend, port, identity, mode }) => ({ backend, port, identity, mode }))
}

/** `PORT key=value …` a line, values unquoted and with spaces in them (4.2). */
export function parseAvailable42(text: string, backend: string): readonly AvailableDevice[] | undefined {
  return eachLine(text, (line) => {
    const port = /^([0-9]+-[0-9]+(?:\.[0-9]+)*)(?: |$)/.exec(line)?.[1]
    if (port === undefined) return undefined
    // The last of all, whatever it holds.
    const description = / description=(.*)$/.exec(line)?.[1] ?? ''
    const attached = / attachment=([A-Za-z][A-Za-z0-9_.-]*)/.exec(line)?.[1] ?? 'None'
    return { backend, port, identity: '*', description, attachedTo: attached === 'None' ? null : attached }
  })
}

function fieldsDevice(fields: ReadonlyMap<string, string>): UsbDevice | undefined {
  const backend = fields.get('backend_domain')
  const port = fields.get('port_id')
  const identity = fields.get('device_id')
  return backend === undefined || port === undefined || identity === undefined
    ? undefined
    : { backend, port, identity }
}

/**
 * The `key='value'` pairs after the first word. That holds a serial as it is, pairs and all: what counts begins where all of the
 * rest are pairs. A quote inside is `\'`; a backslash stands for itself, so that a value which ends in one looks as if it
 * went on: where the line makes no sense otherwise, it ended where another pair begins.
 */
function parseFields(line: string): ReadonlyMap<string, string> | undefined {
  for (let at = line.indexOf(FIRST_PAIR); at >= 0; at = line.indexOf(FIRST_PAIR, at + 1)) {
    const fields = readPairs(line, at, PAIR) ?? readPairs(line, at, PAIR_ENDING_IN_BACKSLASH)
    if (fields !== undefined) return fields
  }
  return undefined
}

const FIRST_PAIR = " device_id='"
const PAIR = / +([a-z_-]+)='((?:[^'\\]|\\'|\\(?!'))*)'/y
const PAIR_ENDING_IN_BACKSLASH =
  / +([a-z_-]+)='((?:[^'\\]|\\(?!')|\\'(?! +[a-z_-]+='))*(?:\\(?=' +[a-z_-]+='))?)'/y

function readPairs(line: string, first: number, pair: RegExp): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>()
  pair.lastIndex = first
  while (pair.lastIndex < line.length) {
    const match = pair.exec(line)
    if (match === null) return undefined
    const [, key = '', value = ''] = match
    if (fields.has(key)) return undefined
    fields.set(key, value.replaceAll("\\'", "'"))
  }
  return fields
}

/** Longer than any line that a request, which is bounded, can make qubesd send; and what a regular expression bears. */
const MAX_LINE = 256 * 1024

/** Every line ends, the last one too: what does not was cut short on its way. */
function eachLine<T>(text: string, read: (line: string) => T | undefined): readonly T[] | undefined {
  if (text === '') return []
  if (!text.endsWith('\n')) return undefined
  const values: T[] = []
  for (const line of text.slice(0, -1).split('\n')) {
    const value = line.length > MAX_LINE ? undefined : read(line)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values
}
