import { type SourceFile } from '../diagnostics/index.ts'
import { get, plainValue, readYaml, type WrittenMap } from '../yaml/index.ts'

/** What stands at the top of a file beside what is written anew. */
export interface KeptParts {
  /** Of the configuration. */
  readonly name: string | null
  /** Lines of YAML by their key, those of `name` among them. */
  readonly lines: ReadonlyMap<string, readonly string[]>
}

export const NOTHING_KEPT: KeptParts = { name: null, lines: new Map() }

/** Keys that a manifest is written with. */
const WRITTEN: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'devices', 'profiles', 'qubes'])

/**
 * The parts of a manifest that are kept when its qubes are written anew: its `name`, its selectors, with the comments above them.
 * None where the file is no manifest; undefined where its text is not sound.
 */
export function keptParts(file: SourceFile): KeptParts | undefined {
  const { documents, broken } = readYaml(file, () => undefined)
  if (broken) return undefined
  const lines = file.text.split(/\r?\n/)
  const parts = new Map<string, readonly string[]>()
  let name: string | null = null
  for (const document of documents) {
    const version = get(document, 'apiVersion')
    if (document.kind !== 'map' || version?.kind !== 'text' || !version.value.startsWith('qstate/')) continue
    const named = get(document, 'name')
    if (named?.kind === 'text') name ??= named.value
    // A second document of the file can say more of `select`, and no more than the first of `name`.
    for (const [key, part] of partsOf(document, lines)) if (!parts.has(key)) parts.set(key, part)
  }
  return { name, lines: parts }
}

function partsOf(document: WrittenMap, lines: readonly string[]): readonly [string, readonly string[]][] {
  const entries = [...document.entries.values()]
  // In brackets, as JSON is, entries have no lines of their own.
  const isBlock = entries.every(({ key }) => key.position.column === 1)
  return entries
    .filter(({ key }) => !WRITTEN.has(key.value))
    .map(({ key, value }) => {
      if (!isBlock) return [key.value, [`${key.value}: ${JSON.stringify(plainValue(value))}`]]
      const first = key.position.line - 1
      const rest = lines.slice(first + 1)
      const length = rest.findIndex((line) => /^(?!#|\s|- |-$|[\]}])./.test(line))
      const own = lines.slice(first, length === -1 ? undefined : first + 1 + length)
      return [key.value, [...commentAbove(first, lines), ...trimmed(own)]]
    })
}

function commentAbove(line: number, lines: readonly string[]): readonly string[] {
  let first = line
  // What stands at the head of a file is about the file.
  while (first > 0 && lines[first - 1]?.startsWith('#') === true) first -= 1
  return first === 0 ? [] : lines.slice(first, line)
}

/** Blank lines and comments at the end are about what comes next. */
function trimmed(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => line.trim() !== '' && !line.startsWith('#'))
  return lines.slice(0, last + 1)
}
