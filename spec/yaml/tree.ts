import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
} from 'yaml'
import {
  errorAt,
  formatRange,
  problem,
  type Problem,
  quote,
  type Report,
  type SourceRange,
} from '../diagnostics/index.ts'
import { describe, type Entry, type Written, type WrittenText } from './node.ts'
import { Place, type Text } from './source-text.ts'

/** Values that the documents of one file may hold once every alias is followed. */
const MAX_VALUES = 100_000

/** Levels of maps and lists, aliases followed. Whatever walks a document may recurse. */
export const MAX_DEPTH = 32

export interface Budget {
  values: number
}

export const newBudget = (): Budget => ({ values: 0 })

export interface Tree {
  readonly of: Text
  readonly report: Report
  readonly budget: Budget
}

/** What an anchor stands for, and how many values that is; null while it is still being read. */
interface Anchored {
  readonly written: Written
  readonly values: number
}
type Walk = Tree & {
  readonly anchors: Map<string, Anchored | null>
  readonly heights: Map<Written, number>
  /** Collections that are being read. */
  depth: number
  /** How many were told. */
  faults: number
  /** A limit was met, and told: nothing more is read. */
  exhausted: boolean
}

/** A document with aliases and merge keys followed; undefined (and reported) where that cannot be. */
export function writtenDocument(document: Document.Parsed, tree: Tree): Written | undefined {
  const walk: Walk = {
    ...tree,
    anchors: new Map(),
    heights: new Map(),
    depth: 0,
    faults: 0,
    exhausted: false,
    report: (diagnostic) => {
      walk.faults += 1
      tree.report(diagnostic)
    },
  }
  const written = read(document.contents, walk)
  return walk.faults === 0 ? written : undefined
}

function read(node: Node | null, walk: Walk): Written {
  if (node === null || walk.exhausted) return { kind: 'null', position: placeOf(node, walk) }
  spend(1, node, walk)
  if (isAlias(node)) return readAlias(node, walk)
  const anchor = (node as Scalar).anchor
  if (anchor !== undefined) walk.anchors.set(anchor, null)
  const before = walk.budget.values
  const written = readValue(node, walk)
  if (anchor !== undefined) {
    walk.anchors.set(anchor, { written, values: walk.budget.values - before + 1 })
  }
  return written
}

function readValue(node: Node, walk: Walk): Written {
  const position = placeOf(node, walk)
  if (isScalar(node)) return readScalar(node, position, walk)
  if (walk.depth >= MAX_DEPTH) {
    exhaust(TOO_DEEP, node, walk)
    return { kind: 'null', position }
  }
  walk.depth += 1
  const written: Written = isMap(node)
    ? readMap(node as MapNode, walk)
    : { kind: 'list', items: isSeq(node) ? node.items.map((item) => read(item as Node, walk)) : [], position }
  walk.depth -= 1
  return written
}

/** Levels of collections in a value. Aliases make a value deep that nowhere looks it. */
function heightOf(written: Written, heights: Map<Written, number>): number {
  if (written.kind !== 'map' && written.kind !== 'list') return 0
  const known = heights.get(written)
  if (known !== undefined) return known
  const inner =
    written.kind === 'list' ? written.items : [...written.entries.values()].map(({ value }) => value)
  const height = 1 + inner.reduce((most, value) => Math.max(most, heightOf(value, heights)), 0)
  heights.set(written, height)
  return height
}

function readScalar(node: Scalar, position: SourceRange, { of: { text } }: Walk): Written {
  const { value } = node
  if (typeof value === 'number') return { kind: 'number', value, source: node.source ?? '', position }
  if (typeof value === 'boolean') return { kind: 'bool', value, position }
  if (typeof value !== 'string') return { kind: 'null', position }
  const [start, end] = node.range ?? [0, 0]
  const stands = (at: number): boolean => text.startsWith(value, at)
  const shift =
    end - start === value.length && stands(start)
      ? 0
      : isQuoted(node) && end - start === value.length + 2 && stands(start + 1)
        ? 1
        : null
  // An explicit tag (`!!str`) says what is meant as clearly as quotes do.
  return { kind: 'text', value, plain: node.type === 'PLAIN' && node.tag === undefined, shift, position }
}

const isQuoted = ({ type }: Scalar): boolean => type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE'

type MapNode = { items: Pair<Node, Node | null>[] } & Node

function readMap(node: MapNode, walk: Walk): Written {
  const entries = new Map<string, Entry>()
  const merged: Entry[] = []
  const mergeKeys: WrittenText[] = []
  for (const pair of node.items) {
    if (walk.exhausted) break
    const key = readKey(pair.key, walk)
    if (key === undefined) continue
    const before = walk.faults
    const value: Written = isEmpty(pair.value)
      ? { kind: 'null', position: key.position }
      : read(pair.value, walk)
    if (key.value === '<<' && key.plain) {
      if (mergeKeys[0] !== undefined) reportDuplicate(key, mergeKeys[0], walk)
      mergeKeys.push(key)
      if (walk.faults === before) merged.push(...mergeSources(key, value, walk))
      continue
    }
    const first = entries.get(key.value)
    if (first === undefined) entries.set(key.value, { key, value })
    else reportDuplicate(key, first.key, walk)
  }
  // What a map says itself wins over what it merges, and an earlier source over a later one.
  for (const entry of merged) if (!entries.has(entry.key.value)) entries.set(entry.key.value, entry)
  return { kind: 'map', entries, position: placeOf(node, walk) }
}

/** Nothing after the colon: there the key is the only place to point to. */
const isEmpty = (node: Node | null): boolean =>
  node === null || (isScalar(node) && node.source === '' && node.value === null && node.anchor === undefined)

function readKey(node: Node | null, walk: Walk): WrittenText | undefined {
  const before = walk.faults
  const key = read(node, walk)
  if (key.kind === 'text') return key
  if (walk.exhausted || walk.faults > before) return undefined
  const scalar = key.kind === 'number' || key.kind === 'bool'
  walk.report(
    errorAt(
      key.position,
      problem(
        'key-type',
        `a key must be text, not ${describe(key)}`,
        scalar ? 'put it in quotes' : 'name the key',
      ),
    ),
  )
  return undefined
}

function mergeSources(key: WrittenText, value: Written, walk: Walk): Entry[] {
  const sources = value.kind === 'list' ? value.items : [value]
  return sources.flatMap((source) => {
    if (source.kind === 'map') return [...source.entries.values()]
    const what = problem(
      'merge-key',
      `"<<" merges maps, not ${describe(source)}`,
      'write <<: *anchor-of-a-map',
    )
    walk.report(errorAt(source.kind === 'null' ? key.position : source.position, what))
    return []
  })
}

function readAlias(node: Alias, walk: Walk): Written {
  const position = placeOf(node, walk)
  const anchored = walk.anchors.get(node.source)
  if (anchored) {
    spend(anchored.values, node, walk)
    if (walk.depth + heightOf(anchored.written, walk.heights) > MAX_DEPTH) exhaust(TOO_DEEP, node, walk)
    return walk.exhausted ? { kind: 'null', position } : anchored.written
  }
  const name = quote(node.source)
  const what =
    anchored === null
      ? problem(
          'yaml-alias',
          `the alias ${name} stands inside what it stands for`,
          'a value cannot contain itself',
        )
      : problem(
          'yaml-alias',
          `there is no anchor ${name} above`,
          `write &${node.source.slice(0, 60)} at the value meant`,
        )
  walk.report(errorAt(position, what))
  return { kind: 'null', position }
}

function spend(values: number, node: Node, walk: Walk): void {
  walk.budget.values += values
  if (walk.budget.values > MAX_VALUES) exhaust(TOO_MANY, node, walk)
}

function exhaust(what: Problem, node: Node, walk: Walk): void {
  if (!walk.exhausted) walk.report(errorAt(placeOf(node, walk), what))
  walk.exhausted = true
}

const TOO_MANY = problem(
  'too-large',
  `the file holds more than ${MAX_VALUES} values, aliases followed`,
  'no configuration needs this many; aliases of aliases multiply',
)

export const TOO_DEEP = problem(
  'too-deep',
  `values are nested more than ${MAX_DEPTH} levels deep, aliases followed`,
  'no value of a manifest is deeper than 8 levels',
)

function reportDuplicate(key: WrittenText, first: WrittenText, walk: Walk): void {
  const hint =
    key.value === '<<'
      ? 'merge several maps with <<: [*a, *b]'
      : `first at ${formatRange(first.position)}; keep one of them`
  walk.report(
    errorAt(key.position, problem('duplicate-key', `the key ${quote(key.value)} is here twice`, hint)),
  )
}

function placeOf(node: Node | null, { of }: Walk): SourceRange {
  const range = node?.range
  return range ? new Place(of, range[0], range[1]) : new Place(of, 0, 1)
}
