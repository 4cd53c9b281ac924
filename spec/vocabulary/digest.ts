import { createHash } from 'node:crypto'
import { type DesiredQube, type DesiredSetting, type DesiredState } from './desired-state.ts'

/** SHA-256 over the wanted settings. Places and the order of writing do not count. */
export function digestOf(name: string | null, qubes: ReadonlyMap<string, DesiredQube>): string {
  const hash = createHash('sha256').update(`{"name":${JSON.stringify(name)},"qubes":{`)
  let text = ''
  // In parts: the text of a thousand qubes would be held as a whole, only to be thrown away.
  for (const [qube, wanted] of sorted(qubes)) {
    const ensure = wanted.ensure === undefined ? '' : `,"ensure":${JSON.stringify(wanted.ensure)}`
    text += `${JSON.stringify(qube)}:{"settings":${valuesText(wanted)}${onceText(wanted)}${driftText(wanted)}${ensure}},`
    if (text.length < PART) continue
    hash.update(text)
    text = ''
  }
  return hash.update(`${text}}}`).digest('hex')
}

const PART = 16_384

/** SHA-256 over which `select` entries match which qubes; null where there are no entries. */
export function matchedDigest({ qubes, selections }: DesiredState): string | null {
  if (selections === undefined) return null
  const hash = createHash('sha256')
  for (const [name, { matched = [] }] of qubes)
    if (matched.length > 0) hash.update(`${name}:${matched.join(',')}\n`)
  return hash.digest('hex')
}

function onceText({ settings }: DesiredQube): string {
  const paths = [...settings.values()].flatMap(({ once, path }) => (once === true ? [path] : []))
  return paths.length === 0 ? '' : `,"once":${JSON.stringify(paths)}`
}

function driftText({ drift }: DesiredQube): string {
  return drift === undefined ? '' : `,"drift":${JSON.stringify(sorted(drift))}`
}

const texts = new WeakMap<DesiredQube, string>()
const settingTexts = new WeakMap<DesiredSetting, string>()

/** What a profile says is one setting in all qubes that extend it. */
function textOf(setting: DesiredSetting): string {
  const known = settingTexts.get(setting)
  if (known !== undefined) return known
  const text = `${JSON.stringify(setting.path)}:${JSON.stringify(setting.value)}`
  settingTexts.set(setting, text)
  return text
}

/** The wanted values of a qube as one JSON object, by path, in the order of the settings. Worked out once. */
export function valuesText(qube: DesiredQube): string {
  const known = texts.get(qube)
  if (known !== undefined) return known
  const parts: string[] = []
  // No pair is made for each setting of thousands of qubes; and the text is put together at once, not for each comparison.
  qube.settings.forEach((setting) => parts.push(textOf(setting)))
  const text = `{${parts.join(',')}}`
  texts.set(qube, text)
  return text
}

export function sorted<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map.keys()].sort().map((key) => [key, map.get(key) as T])
}
