import { formatRange, oneOf, problem, quote, suggest, warningAt } from '../diagnostics/index.ts'
import { type AssignmentMode, deniedProblem, MODES, parseUsbKey, usbKey } from '../vocabulary/index.ts'
import { type Entry, get, partOf, type Written, type WrittenText } from '../yaml/index.ts'
import { complain, type Draft, type Reading, say, value } from './context.ts'
import { readForm, type Said } from './value.ts'

/** `usb`: a map of devices to modes with the reserved word `denied`, or a list of devices to attach by themselves. */
export function readUsb(written: Written, draft: Draft): void {
  const named = new Map<string, WrittenText>()
  if (written.kind === 'list') {
    for (const item of written.items) {
      if (item.kind !== 'text' || draft.reading.refused.has(item)) continue
      sayDevice(item, value({ mode: 'auto-attach' }), item, named, draft)
    }
  }
  if (written.kind !== 'map') return
  for (const [key, entry] of written.entries) {
    if (draft.reading.refused.has(entry.value)) continue
    if (key === 'denied') readDenied(entry.value, draft)
    else readAssignment(entry, named, draft)
  }
}

function readAssignment({ key, value: written }: Entry, named: Map<string, WrittenText>, draft: Draft): void {
  const saying = readMode(written)
  if (saying === undefined) return
  const isRequired = 'value' in saying && modeOf(written) === 'required'
  if (isRequired) {
    const what = problem(
      'required-device',
      'the qube will not start while this device is absent',
      'that is what required means; auto-attach attaches it when it is there',
    )
    draft.reading.report(warningAt((get(written, 'mode') ?? written).position, what))
  }
  sayDevice(key, saying, written, named, draft)
}

/** Undefined where the schema has said what is wrong. */
function readMode(written: Written): Said | undefined {
  const form = readForm(written)
  if (form === 'off' || (written.kind === 'bool' && !written.value)) return value(null)
  if (form !== undefined && 'value' in form) {
    return {
      wrong: problem(
        'no-inherit',
        'an assignment cannot be inherited',
        'write off: the device is not assigned',
      ),
    }
  }
  if (form !== undefined) return form
  const mode = modeOf(written)
  return mode && value({ mode })
}

function modeOf(written: Written): AssignmentMode | undefined {
  const word = written.kind === 'map' ? get(written, 'mode') : written
  return word?.kind === 'text' ? MODES.find((mode) => mode === word.value) : undefined
}

function sayDevice(
  name: WrittenText,
  saying: Said,
  written: Written,
  named: Map<string, WrittenText>,
  draft: Draft,
): void {
  const key = deviceKey(name, draft)
  if (key === undefined) return
  const first = named.get(key)
  if (first !== undefined) {
    const what = problem(
      'device-twice',
      `${quote(name.value)} is the same device as ${quote(first.value)}`,
      `first at ${formatRange(first.position)}; keep one of them`,
    )
    complain(draft, name.position, what)
    return
  }
  named.set(key, name)
  // An assignment is named by its key: that is where other places point to.
  say(draft, 'usb', `usb/${key}`, saying, 'wrong' in saying ? written.position : name.position)
}

/** What a reader of devices needs of a draft. */
export interface DeviceReader {
  readonly reading: Pick<Reading, 'report' | 'devices' | 'allRead'>
}

/** The canonical key of a device that is written by name or by key. */
export function deviceKey(name: WrittenText, draft: DeviceReader): string | undefined {
  const { devices, allRead } = draft.reading
  if (name.value.includes('+')) {
    const parsed = parseUsbKey(name.value)
    if (!('problem' in parsed)) return usbKey(parsed)
    complain(draft, partOf(name, parsed.start, parsed.length), parsed.problem)
    return undefined
  }
  const device = devices.get(name.value)
  if (device) return usbKey(device)
  if (device === undefined && allRead) {
    const hint = suggest(
      name.value,
      [...devices.keys()],
      'declare it under devices, or write BACKEND+PORT:IDENTITY',
    )
    const isWord = name.value === 'denied'
    complain(
      draft,
      name.position,
      isWord
        ? problem('unknown-device', '"denied" is not a device', 'to deny interfaces, write usb as a map')
        : problem('unknown-device', `unknown device ${quote(name.value)}`, hint),
    )
  }
  return undefined
}

/** `denied`: a list of interfaces, or a map that can also take one back. */
function readDenied(written: Written, draft: Draft): void {
  const { refused } = draft.reading
  if (written.kind === 'list') {
    for (const item of written.items) {
      if (item.kind === 'text' && !refused.has(item)) sayDenied(item, value(true), draft)
    }
  }
  if (written.kind !== 'map') return
  for (const { key, value: inner } of written.entries.values()) {
    if (!refused.has(inner)) sayDenied(key, readFlag(inner, 'a denial'), draft)
  }
}

function sayDenied(pattern: WrittenText, saying: Said, draft: Draft): void {
  const what = deniedProblem(pattern.value)
  if (what === undefined) say(draft, 'usb', `usb/denied/${pattern.value}`, saying, pattern.position)
  else complain(draft, pattern.position, what)
}

/** Something that is there (`true`) or not (`off`, `false`): a tag, a denial. */
export function readFlag(written: Written, noun: string): Said {
  if (written.kind === 'bool') return value(written.value ? true : null)
  const form = readForm(written)
  if (form === 'off') return value(null)
  if (form !== undefined && 'unmanaged' in form) return form
  return {
    wrong: problem(
      'wrong-type',
      `${noun} is there or it is not`,
      `expected ${oneOf(['true', 'off', 'unmanaged'])}`,
    ),
  }
}
