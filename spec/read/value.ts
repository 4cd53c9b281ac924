import { type Code, nearest, oneOf, problem, type Problem, quote } from '../diagnostics/index.ts'
import {
  canBeAbsent,
  expectedOf,
  INHERIT,
  isPlainNumber,
  MAX_TEXT,
  NUMBER_LIKE,
  OFF,
  PRINTABLE,
  qubeProblem,
  type Setting,
  textProblem,
  TRUTH_LIKE,
  UNMANAGED,
  type Value,
} from '../vocabulary/index.ts'
import { describe, get, type Written, type WrittenNumber, type WrittenText } from '../yaml/index.ts'

/** What one written value says: a value (null: inherit), that qstate leaves the path alone, or nothing sound. */
export type Said =
  { readonly value: Value | null } | { readonly unmanaged: true } | { readonly wrong: Problem }

const said = (value: Value | null): Said => ({ value })
const wrong = (code: Code, message: string, hint: string): Said => ({ wrong: problem(code, message, hint) })

/** A value of a setting that has a name of its own. */
export function readSetting(setting: Setting, written: Written): Said {
  const form = readForm(written)
  if (form === 'off') return readOff(setting)
  if (form !== undefined)
    return 'value' in form && !canBeAbsent(setting.path) ? { wrong: noDefault(setting.key) } : form
  const { type, off } = setting
  if (written.kind === 'null') return wrongNull(expectedOf(setting))
  // As the tools of Qubes are given it: nothing is what they take for off.
  if (off !== undefined && isOffAsText(setting) && written.kind === 'text' && written.value === '')
    return said(off)
  switch (type.kind) {
    case 'bool':
      return readBool(setting, written)
    case 'int':
      return readInt(type, written, expectedOf(setting))
    case 'word':
      return written.kind === 'text' ? readWord(setting, type.words, written) : wrongKind(setting, written)
    case 'qube': {
      if (written.kind !== 'text') return wrongKind(setting, written)
      if (written.value === 'none') {
        return wrong('not-a-qube', `${quote(written.value)} is not a qube`, `write off for no ${setting.key}`)
      }
      if (written.value === 'default') {
        return wrong('not-a-qube', '"default" is not a qube', 'write inherit for the default')
      }
      const what = qubeProblem(written.value)
      return what === undefined ? said(written.value) : { wrong: what }
    }
    case 'text': {
      if (written.kind === 'number' && setting.name === 'timezone') return readOffset(setting, written)
      const text = literal(written) ?? written
      if (text.kind !== 'text') return wrongKind(setting, text)
      const trap = plainTrap(text)
      return trap === undefined ? readText(setting, text.value) : { wrong: trap }
    }
  }
}

export const noDefault = (name: string): Problem =>
  problem('no-default', `${name} has no default to inherit`, 'write a value, or unmanaged to leave it alone')

/** `off`, or one of the words that end the matter, or undefined: a value of its own. */
export function readForm(written: Written): 'off' | Said | undefined {
  if (written.kind !== 'text') return undefined
  if (written.value === OFF) return 'off'
  if (written.value === INHERIT) return said(null)
  return written.value === UNMANAGED ? { unmanaged: true } : undefined
}

/** `{ value: "off" }`: the text itself, where a word would say something else. */
export function literal(written: Written): WrittenText | undefined {
  const inner = get(written, 'value')
  return inner?.kind === 'text' ? { ...inner, plain: false } : undefined
}

export function wrongNull(expected: string): Said {
  return wrong(
    'no-value',
    'there is no value here',
    `expected ${expected}; to say nothing, leave the key out`,
  )
}

/** Text without quotes that somebody may have meant otherwise. */
export function plainTrap({ value, plain }: WrittenText): Problem | undefined {
  if (!plain) return undefined
  if (TRUTH_LIKE.test(value)) {
    return problem(
      'ambiguous-text',
      `${quote(value)} is plain text in YAML 1.2, and true or false in older ones`,
      'write true or false, or put it in quotes if the text is meant',
    )
  }
  if (NUMBER_LIKE.test(value)) {
    return problem(
      'ambiguous-text',
      `${quote(value)} is a number or a date to some`,
      'put it in quotes if the text is meant',
    )
  }
  return undefined
}

/** A number whose text would not be what was written. */
export function numberTrap(number: WrittenNumber): Problem | undefined {
  if (isPlainNumber(number)) return undefined
  const { value, source } = number
  const large = Number.isInteger(value) && !Number.isSafeInteger(value)
  return problem(
    'ambiguous-number',
    large
      ? `${source.slice(0, 60)} is too large to be kept exactly`
      : `${source.slice(0, 60)} reads as ${value}`,
    `write ${quote(source)} if this text is meant`,
  )
}

function readOff({ off, key }: Setting): Said {
  if (off !== undefined) return said(off)
  return wrong(
    'no-off',
    `${key} cannot be off`,
    'write a value, inherit for the default, or unmanaged to leave it alone',
  )
}

function readBool(setting: Setting, written: Written): Said {
  if (written.kind === 'bool') {
    if (!written.value) return said(setting.off ?? false)
    return said(onOf(setting))
  }
  // What qubesd takes: for a feature any text is on, for a property these are numbers for its two values.
  if (written.kind === 'number' && written.source === '1') return said(onOf(setting))
  if (setting.store === 'feature' && written.kind === 'text' && written.value === '1')
    return said(onOf(setting))
  if (setting.store === 'property' && written.kind === 'number' && written.source === '0')
    return said(setting.off ?? false)
  const text = written.kind === 'text' ? written.value : written.kind === 'number' ? written.source : ''
  const truth = /^(?:1|y|yes|on|true)$/i.test(text)
    ? 'true'
    : /^(?:0|n|no|false)$/i.test(text)
      ? 'false'
      : undefined
  const hint = truth === undefined ? `expected ${expectedOf(setting)}` : `write ${truth}`
  return wrong('wrong-type', `expected true or false, got ${describe(written)}`, hint)
}

/** In the qube area features keep the text that Qubes stores. */
const onOf = ({ path }: Setting): Value => (path.startsWith('qube/features/') ? '1' : true)

/** Whether the empty text is what Qubes itself keeps for off. */
const isOffAsText = ({ store, off }: Setting): boolean => store === 'feature' || off === ''

function readInt(
  { min, max, unit }: { readonly min: number; readonly max: number; readonly unit: string },
  written: Written,
  expected: string,
): Said {
  const message = `expected a whole number, got ${describe(written)}`
  if (written.kind === 'text') {
    const digits = /^ *([0-9]+) *([A-Za-zµ]*)$/.exec(written.value)
    if (digits?.[2] === '') return wrong('wrong-type', message, `write ${digits[1] ?? ''} without quotes`)
    return wrong('wrong-type', message, `expected ${expected}${digits ? '; the unit is not written' : ''}`)
  }
  if (written.kind !== 'number' || !Number.isInteger(written.value)) {
    return wrong('wrong-type', message, `expected ${expected}`)
  }
  if (!isPlainNumber(written)) {
    const { source, value } = written
    return wrong(
      'ambiguous-number',
      `${source.slice(0, 60)} reads as ${value}`,
      `write plain decimal digits: ${value}`,
    )
  }
  if (written.value < min || written.value > max) {
    return wrong('out-of-range', `${written.source} is out of range`, `expected ${min} to ${max} ${unit}`)
  }
  return said(written.value)
}

function readWord(setting: Setting, words: readonly string[], { value }: WrittenText): Said {
  if (words.includes(value)) return said(value)
  if (setting.path === 'audio/model') {
    return wrong('unknown-model', `unknown audio model ${quote(value)}`, modelHint(value, words))
  }
  const near = nearest(value, words)
  const hint = near === undefined ? `expected ${oneOf(words)}` : `did you mean ${quote(near)}?`
  return wrong('unknown-word', `unknown ${setting.key} ${quote(value)}`, hint)
}

function modelHint(value: string, words: readonly string[]): string {
  const works = 'ich6 is what works; ac97, es1370 and sb16 start but are likely silent'
  if (value === 'ich9') {
    return `${works}. ich9, though documented, keeps the qube from starting on Qubes 4.2 and later: libvirt rejects it`
  }
  if (['ich7', 'usb', 'pcspk', 'virtio'].includes(value)) {
    return `${works}. ${value} keeps the qube from starting on Qubes 4.2 and later`
  }
  if (value === '0' || TRUTH_LIKE.test(value)) {
    return `write off for no audio: to Qubes any other text is a model. ${works}`
  }
  const near = nearest(value, words)
  return near === undefined ? works : `did you mean ${quote(near)}? ${works}`
}

function wrongKind(setting: Setting, written: Written): Said {
  if (setting.path === 'audio/model' && (written.kind === 'number' || written.kind === 'bool')) {
    return wrong('unknown-model', `${describe(written)} is not an audio model`, modelHint('0', []))
  }
  const quotes = written.kind === 'number' ? ` (as text, in quotes: ${quote(written.source)})` : ''
  return wrong(
    'wrong-type',
    `expected text, got ${describe(written)}`,
    `expected ${expectedOf(setting)}${quotes}`,
  )
}

function readText(setting: Setting, text: string): Said {
  if (!PRINTABLE.test(text)) return { wrong: NOT_PRINTABLE }
  const max = setting.type.kind === 'text' ? setting.type.max : MAX_TEXT
  if (text.length > max) return { wrong: tooLong(text.length, max) }
  const what = textProblem(setting, text)
  return what === undefined ? said(text) : { wrong: what }
}

/** A timezone in seconds needs no quotes, as long as every reader sees the same number. */
function readOffset(setting: Setting, number: WrittenNumber): Said {
  const offset = readText(setting, number.source)
  const trap = numberTrap(number)
  return 'wrong' in offset || trap === undefined ? offset : { wrong: trap }
}

export const NOT_PRINTABLE = problem(
  'not-printable',
  'the text holds a character that Qubes does not accept here',
  'only printable ASCII: letters, digits, punctuation and spaces',
)

export const tooLong = (length: number, max: number): Problem =>
  problem('too-long', `the text has ${length} characters`, `at most ${max}`)
