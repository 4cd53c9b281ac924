import {
  errorAt,
  nearest,
  PLACEHOLDER,
  problem,
  type Problem,
  quote,
  type Report,
} from '../diagnostics/index.ts'
import { describe, type Entry, type Written, type WrittenMap, type WrittenText } from '../yaml/index.ts'

/** What a fleet does with the documents of one host's spec. */
export interface Layering {
  /** Layer of a file: a higher one is laid over lower ones. */
  readonly layerOf: (file: string) => number
  /** What `${NAME}` stands for. */
  readonly values: ReadonlyMap<string, Written>
}

const LAYERED = ['devices', 'profiles', 'qubes'] as const

/**
 * Lays the documents of later layers over those of earlier ones, name by name and key by key, and fills in values.
 * Everything keeps its place, so that a diagnostic points to the file that said it.
 */
export const layered =
  ({ layerOf, values }: Layering) =>
  (documents: readonly Written[], report: Report): readonly Written[] => {
    const inOrder = documents
      .map((document) => ({ document, layer: layerOf(document.position.file) }))
      .sort((a, b) => a.layer - b.layer)
    const done: { document: Written; layer: number }[] = []
    for (const { document, layer } of inOrder) {
      let rest = document
      for (const [index, under] of done.entries()) {
        if (under.layer === layer) continue
        const [below, left] = layOver(under.document, rest)
        done[index] = { document: below, layer: under.layer }
        rest = left
      }
      done.push({ document: rest, layer })
    }
    return done.map(({ document }) => fill(document, values, report))
  }

/** Names that both documents have, merged into the lower one and taken from the upper. */
function layOver(lower: Written, upper: Written): readonly [Written, Written] {
  if (lower.kind !== 'map' || upper.kind !== 'map') return [lower, upper]
  let [below, left] = [lower, upper]
  for (const key of LAYERED) {
    const [mine, theirs] = [below.entries.get(key), left.entries.get(key)]
    if (mine?.value.kind !== 'map' || theirs?.value.kind !== 'map') continue
    const merged = new Map(mine.value.entries)
    const rest = new Map(theirs.value.entries)
    for (const [name, entry] of theirs.value.entries) {
      const base = merged.get(name)
      if (base === undefined) continue
      merged.set(name, { key: base.key, value: mergeValue(base.value, entry.value) })
      rest.delete(name)
    }
    below = withEntry(below, key, { key: mine.key, value: { ...mine.value, entries: merged } })
    left = withEntry(left, key, { key: theirs.key, value: { ...theirs.value, entries: rest } })
  }
  return [below, left]
}

/** Maps are merged; anything else the upper one replaces. */
function mergeValue(lower: Written, upper: Written): Written {
  if (lower.kind !== 'map' || upper.kind !== 'map') return upper
  const entries = new Map(lower.entries)
  for (const [key, entry] of upper.entries) {
    const base = entries.get(key)
    entries.set(
      key,
      base === undefined ? entry : { key: entry.key, value: mergeValue(base.value, entry.value) },
    )
  }
  return { ...upper, entries }
}

const withEntry = (map: WrittenMap, key: string, entry: Entry): WrittenMap => ({
  ...map,
  entries: new Map(map.entries).set(key, entry),
})

function fill(written: Written, values: ReadonlyMap<string, Written>, report: Report): Written {
  switch (written.kind) {
    case 'text':
      return fillText(written, values, report)
    case 'list':
      return { ...written, items: written.items.map((item) => fill(item, values, report)) }
    case 'map': {
      const filled = [...written.entries].map(
        ([key, entry]) => [key, { key: entry.key, value: fill(entry.value, values, report) }] as const,
      )
      return { ...written, entries: new Map(filled) }
    }
    default:
      return written
  }
}

/** A text that is one placeholder becomes the value itself; within a longer text a value must be text or a number. */
function fillText(text: WrittenText, values: ReadonlyMap<string, Written>, report: Report): Written {
  const { value, position } = text
  const whole = /^\$\{([A-Za-z0-9][A-Za-z0-9_-]*)\}$/.exec(value)?.[1]
  const found = whole === undefined ? undefined : values.get(whole)
  if (found !== undefined) return { ...found, position }
  if (!value.includes('${')) return text
  const filled = value.replace(PLACEHOLDER, (placeholder, name: string) => {
    const inner = values.get(name)
    if (inner?.kind === 'text') return inner.value
    if (inner?.kind === 'number') return inner.source
    report(errorAt(position, inner === undefined ? noValue(name, values) : notText(name, inner)))
    return placeholder
  })
  return { ...text, value: filled, plain: false, shift: null }
}

function noValue(name: string, values: ReadonlyMap<string, Written>): Problem {
  const near = nearest(name, values.keys())
  const hint =
    near === undefined
      ? 'set it under values of the fleet, of a group or of the host'
      : `did you mean ${quote(near)}?`
  return problem('unknown-value', `nothing says what \${${name}} stands for`, hint)
}

const notText = (name: string, value: Written): Problem =>
  problem('wrong-type', `\${${name}} is ${describe(value)}`, 'within a text it must be a text or a number')
