import { type EnsureDifference, type Plan } from '../../reconciler/index.ts'
import { escapeForTerminal, formatRange, type Problem } from '../../spec/diagnostics/index.ts'
import { SETTING_BY_PATH, type Value } from '../../spec/index.ts'

/** A setting's value in words that a person would use. */
export function showValue(path: string, value: Value | null): string {
  if (value === null) return absent(path)
  if (typeof value === 'boolean')
    return path.startsWith('tags/') || path.startsWith('usb/') ? 'yes' : value ? 'on' : 'off'
  if (typeof value === 'number') return withUnit(path, value)
  // A text that looks like a word of the spec is quoted.
  if (typeof value === 'string')
    return value === '' ? 'off' : WORDS.has(value) ? `“${value}”` : escapeForTerminal(value)
  if ('mode' in value) return value.mode
  return value.length === 0 ? 'none' : value.map(tableText).join(' + ')
}

/** A table, or in its place why qstate's own template for it does not hold any more. */
function tableText(table: string): string {
  if (table.startsWith('edited:'))
    return `edited by someone (${escapeForTerminal(table.slice('edited:'.length))})`
  if (table === 'outdated:parent') return 'a template that extends another by now'
  return table === 'outdated:table' ? 'a table file that is gone or changed' : escapeForTerminal(table)
}

const WORDS: ReadonlySet<string> = new Set(['off', 'on', 'inherit', 'inherited', 'default', 'unmanaged'])

/** A commit as people read one; the `+` of files that differ from it stays. */
export const shortCommit = (commit: string): string =>
  `${commit.slice(0, 12)}${commit.endsWith('+') ? '+' : ''}`

/** The commit that stands for a spec, or all that its files are of. Empty where none is known. */
export function showCommits({ commit, origins = [] }: Pick<Plan['spec'], 'commit' | 'origins'>): string {
  if (commit !== null) return shortCommit(commit)
  return origins.flatMap((origin) => (origin.commit === null ? [] : [shortCommit(origin.commit)])).join(', ')
}

/** When, to the minute and by this machine's own clock, as windows and freezes are meant. What is no time stays text. */
export function showTime(iso: string): string {
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return escapeForTerminal(iso)
  const [month, day, hours, minutes] = [at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes()].map(
    (part) => String(part).padStart(2, '0'),
  )
  return `${at.getFullYear()}-${month}-${day} ${hours}:${minutes}`
}

/** A span of time by its two largest units, as a spec says them: `1d`, `1h 20m`. Begun seconds count. */
export function showSpan(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([many]) => many > 0)
  const told = first < 0 ? [] : parts.slice(first, first + 2).filter(([many]) => many > 0)
  return told.length === 0 ? '0s' : told.map(([many, unit]) => `${many}${unit}`).join(' ')
}

/** What a host says of itself, in one line: it was found to hold nothing that moves a cursor. */
export const oneLine = (text: string): string => text.replace(/\s+/g, ' ')

/** A setting in running text: `audio model`, `tags windows`, a device without the tail of its identity. */
export function showPath(path: string): string {
  const area = path.slice(0, path.indexOf('/'))
  return `${area} ${belowArea(path).replace(/^([^:]+:[0-9a-f]{4}:[0-9a-f]{4}):.+$/, '$1…')}`
}

/** The path below its area. */
export const belowArea = (path: string): string =>
  path.slice(path.indexOf('/') + 1).replace(/^(?:features|properties)\//, '')

function absent(path: string): string {
  if (path.startsWith('usb/denied/')) return 'not denied'
  if (path.startsWith('usb/')) return 'not assigned'
  if (path.startsWith('tags/')) return 'no'
  if (path.startsWith('slic/')) return 'none'
  const setting = SETTING_BY_PATH.get(path)
  const isProperty = setting?.store === 'property' || path.startsWith('qube/properties/')
  return isProperty ? 'default' : 'inherited'
}

function withUnit(path: string, value: number): string {
  const type = SETTING_BY_PATH.get(path)?.type
  return type?.kind === 'int' && type.unit !== 'CPUs' ? `${value} ${type.unit}` : String(value)
}

/** What is wrong, and the line of the spec that it stems from. */
export const showProblem = ({ message, at }: Problem): string =>
  at === undefined ? message : `${message} (${formatRange(at)})`

/** How a person agrees to what a host holds; empty: it holds nothing for one. */
export const consentHint = (problem: Problem | null): readonly string[] =>
  problem?.code === 'withdrawal-not-allowed' || problem?.code === 'removal-not-allowed' ? [problem.hint] : []

/** Bytes of a volume, as a spec says them. */
export function showSize(bytes: number): string {
  const gib = bytes / 1024 ** 3
  return Number.isInteger(gib) ? `${gib} GiB` : `${bytes / 1024 ** 2} MiB`
}

/** In what a qube is another than `ensure` says, and what would make it that. */
export function differenceText({ what, is, ensure }: EnsureDifference): string {
  const show = (value: string | number): string => (typeof value === 'number' ? showSize(value) : value)
  const told = `${what} is ${show(is)}, and ensure says ${show(ensure)}`
  switch (what) {
    case 'class':
      return `${told}: a qube keeps the class that it was created with`
    case 'label':
      return `${told}: to have it set, write qube: { label: ${show(ensure)} }`
    case 'template':
      return `${told}: to have it set, write qube: { properties: { template: ${show(ensure)} } }`
    case 'root':
    case 'private':
      return `${told}: no volume is made smaller`
  }
}
