import { RESTART_WORDS, type RestartPolicy, type Setting, SETTINGS, sorted } from '../vocabulary/index.ts'
import { get, type Written, type WrittenMap } from '../yaml/index.ts'
import { adviseOnValue } from './advice.ts'
import { checkName, type Draft, type Reading, say, value } from './context.ts'
import { readDrift } from './drift.ts'
import { readEnsure } from './ensure.ts'
import { readGeneric } from './generic.ts'
import { type Body, type ProfileUse, type Statement, type Statements } from './manifest.ts'
import { readSlic } from './slic.ts'
import { readFlag, readUsb } from './usb.ts'
import { readSetting } from './value.ts'

const SETTING_OF_KEY = new Map(SETTINGS.map((setting) => [`${setting.area}/${setting.key}`, setting]))

/** The setting that a key says below its area, `audio` and `model`. */
const settingOfKey = (area: string, key: string): Setting | undefined => SETTING_OF_KEY.get(`${area}/${key}`)

/** What a qube, a profile or a selector says, path by path. What is wrong is reported and left out. */
export function readBody(written: WrittenMap, reading: Reading): Body {
  let complete = !holdsRefused(written, reading.refused)
  const draft: Draft = {
    reading: {
      ...reading,
      report: (diagnostic) => {
        if (diagnostic.severity === 'error') complete = false
        reading.report(diagnostic)
      },
    },
    statements: new Map(),
  }
  const part = partOf(written, reading.refused)
  readAreas(written, draft)
  const once = part('once')
  if (once?.kind === 'map') readAreas(once, { ...draft, once: true })
  adviseOnValue(draft)
  return {
    extends: readExtends(part('extends')),
    statements: inOrder(draft.statements),
    drift: readDrift(part('drift'), draft),
    restart: readRestart(part('restart')),
    ensure: readEnsure(part('ensure'), draft.reading),
    position: written.position,
    complete,
  }
}

/** A key's value, where the schema has not refused it. */
const partOf =
  (written: WrittenMap, refused: Reading['refused']) =>
  (key: string): Written | undefined => {
    const found = get(written, key)
    return found === undefined || refused.has(found) ? undefined : found
  }

function readAreas(written: WrittenMap, draft: Draft): void {
  const part = partOf(written, draft.reading.refused)
  const slic = part('slic')
  if (slic !== undefined) readSlic(slic, draft)
  readArea('audio', part('audio'), draft)
  readArea('stubdom', part('stubdom'), draft)
  const usb = part('usb')
  if (usb !== undefined) readUsb(usb, draft)
  readArea('qube', part('qube'), draft)
  readTags(part('tags'), draft)
}

function inOrder(statements: Map<string, Statement>): Statements {
  let last = ''
  for (const path of statements.keys()) {
    if (path < last) return new Map(sorted(statements))
    last = path
  }
  return statements
}

function readArea(area: 'audio' | 'stubdom' | 'qube', written: Written | undefined, draft: Draft): void {
  if (written === undefined) return
  const { refused } = draft.reading
  if (written.kind !== 'map') {
    const model = settingOfKey(area, 'model')
    if (model) say(draft, area, model.path, readSetting(model, written), written.position)
    return
  }
  for (const [key, entry] of written.entries) {
    if (refused.has(entry.value)) continue
    const setting = settingOfKey(area, key)
    if (setting) say(draft, area, setting.path, readSetting(setting, entry.value), entry.value.position)
    else if (area === 'qube' && entry.value.kind === 'map') {
      const store = key === 'features' ? 'feature' : 'property'
      for (const inner of entry.value.entries.values()) {
        if (!refused.has(inner.value)) readGeneric(store, inner, draft)
      }
    }
  }
}

function readTags(written: Written | undefined, draft: Draft): void {
  const { refused, report } = draft.reading
  if (written?.kind === 'list') {
    for (const item of written.items) {
      if (item.kind !== 'text' || refused.has(item)) continue
      if (checkName(report, 'tag', { key: item, value: item })) {
        say(draft, 'tags', `tags/${item.value}`, value(true), item.position)
      }
    }
  }
  if (written?.kind !== 'map') return
  for (const entry of written.entries.values()) {
    if (refused.has(entry.value)) continue
    if (!checkName(report, 'tag', entry)) continue
    const saying = readFlag(entry.value, 'a tag')
    say(
      draft,
      'tags',
      `tags/${entry.key.value}`,
      saying,
      'wrong' in saying ? entry.value.position : entry.key.position,
    )
  }
}

/** The schema has let through nothing else. */
function readRestart(written: Written | undefined): RestartPolicy | null {
  if (written?.kind === 'map') {
    const window = get(written, 'window')
    return window?.kind === 'text' ? { window: window.value } : null
  }
  if (written?.kind !== 'text') return null
  return RESTART_WORDS.find((word) => word === written.value) ?? null
}

function readExtends(written: Written | undefined): readonly ProfileUse[] {
  const items = written?.kind === 'list' ? written.items : written === undefined ? [] : [written]
  return items.flatMap((item) =>
    item.kind === 'text' ? [{ profile: item.value, position: item.position }] : [],
  )
}

function holdsRefused(written: Written, refused: ReadonlySet<Written>): boolean {
  if (refused.size === 0) return false
  if (refused.has(written)) return true
  if (written.kind === 'list') return written.items.some((item) => holdsRefused(item, refused))
  if (written.kind === 'map')
    return [...written.entries.values()].some((entry) => holdsRefused(entry.value, refused))
  return false
}
