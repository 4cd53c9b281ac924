import { errorAt, formatRange, problem, quote, suggest } from '../diagnostics/index.ts'
import { type Move, nameProblem } from '../vocabulary/index.ts'
import { get, type Written, type WrittenText } from '../yaml/index.ts'
import { type Reading } from './context.ts'
import { type Body, type Selector } from './manifest.ts'
import { itemsOf } from './nodes.ts'

/** What has another name now: the configuration itself (`formerly`), and qubes of it (`moved`). All documents together say it. */

/** Names that the configuration had before. */
export function readFormerly(
  documents: readonly Written[],
  name: string | null,
  reading: Reading,
): readonly string[] {
  const { report, allRead } = reading
  const found = new Map<string, WrittenText>()
  for (const item of itemsIn(documents, 'formerly', reading)) {
    if (item.kind !== 'text') continue
    const { value, position } = item
    const first = found.get(value)
    const wrong =
      nameProblem('configuration', value) ??
      (first !== undefined
        ? problem(
            'said-twice',
            `${quote(value)} stands here twice`,
            `first at ${formatRange(first.position)}`,
          )
        : value === name
          ? problem(
              'formerly-now',
              `${quote(value)} is the name that the configuration has now`,
              'leave it out',
            )
          : undefined)
    if (wrong !== undefined) report(errorAt(position, wrong))
    else found.set(value, item)
  }
  const [first] = found.values()
  if (first !== undefined && name === null && allRead) report(errorAt(first.position, UNNAMED))
  return [...found.keys()]
}

const UNNAMED = problem(
  'formerly-unnamed',
  'a configuration without a name takes nothing over from another',
  'write its new name: `name: …`',
)

/** A line, with the places of its names. */
interface WrittenMove extends Move {
  readonly fromText: WrittenText
  readonly toText: WrittenText
}

/** Qubes that were renamed. In a chain, `a` to `b` and `b` to `c`, every name stands once on each side. */
export function readMoves(
  documents: readonly Written[],
  spec: { readonly qubes: ReadonlyMap<string, Body>; readonly selectors: readonly Selector[] },
  reading: Reading,
): readonly Move[] {
  const [bySource, byTarget] = [new Map<string, WrittenMove>(), new Map<string, WrittenMove>()]
  for (const item of itemsIn(documents, 'moved', reading)) {
    const move = readMove(item, reading)
    if (move === undefined || isTwice(move, { bySource, byTarget }, reading)) continue
    bySource.set(move.from, move)
    byTarget.set(move.to, move)
  }
  for (const move of bySource.values()) checkMove(move, bySource, spec, reading)
  return [...bySource.values()].map(({ from, to, position }) => ({ from, to, position }))
}

function readMove(written: Written, { refused, report }: Reading): WrittenMove | undefined {
  const [from, to] = [get(written, 'from'), get(written, 'to')]
  if (from?.kind !== 'text' || to?.kind !== 'text' || refused.has(from) || refused.has(to)) return undefined
  const wrong = [from, to].flatMap((name) => {
    const what = nameProblem('qube', name.value)
    return what === undefined ? [] : [{ position: name.position, what }]
  })
  for (const { position, what } of wrong) report(errorAt(position, what))
  if (from.value === to.value) {
    const hint = 'name the qube that it was before, and the one that it is now'
    report(errorAt(to.position, problem('itself', `${from.value} cannot be its own former name`, hint)))
    return undefined
  }
  return wrong.length > 0
    ? undefined
    : { from: from.value, to: to.value, position: written.position, fromText: from, toText: to }
}

type Known = ReadonlyMap<string, WrittenMove>

function isTwice(
  { from, to, fromText, toText }: WrittenMove,
  { bySource, byTarget }: { readonly bySource: Known; readonly byTarget: Known },
  { report }: Reading,
): boolean {
  const [source, target] = [bySource.get(from)?.fromText, byTarget.get(to)?.toText]
  const twice = (name: string, first: WrittenText, what: string): ReturnType<typeof problem> =>
    problem('moved-twice', `${name} ${what}`, `first at ${formatRange(first.position)}; keep one of them`)
  if (source !== undefined) report(errorAt(fromText.position, twice(from, source, 'was renamed already')))
  else if (target !== undefined)
    report(errorAt(toText.position, twice(to, target, 'has a former name already')))
  return source !== undefined || target !== undefined
}

function checkMove(
  { from, fromText, to, toText }: WrittenMove,
  moves: Known,
  { qubes, selectors }: Parameters<typeof readMoves>[1],
  { report, allRead }: Reading,
): void {
  if (qubes.has(from)) {
    const hint = `where it was renamed to ${to}, take ${from} out of qubes; else drop this line`
    report(errorAt(fromText.position, problem('moved-from-named', `the spec still names ${from}`, hint)))
  } else if (isCircle(from, moves)) {
    const hint = 'the qube that has its name now is the end of the chain'
    report(errorAt(fromText.position, problem('moved-in-circle', `${from} was renamed back to itself`, hint)))
  } else if (!qubes.has(to) && !moves.has(to) && selectors.length === 0 && allRead) {
    const hint = suggest(to, [...qubes.keys()], 'write it under qubes, by its new name')
    report(errorAt(toText.position, problem('moved-to-unknown', `the spec has no qube ${to}`, hint)))
  }
}

function isCircle(start: string, moves: Known): boolean {
  const seen = new Set<string>()
  for (
    let name: string | undefined = start;
    name !== undefined && !seen.has(name);
    name = moves.get(name)?.to
  )
    seen.add(name)
  const last = [...seen].at(-1)
  return last !== undefined && moves.has(last)
}

function itemsIn(documents: readonly Written[], key: string, { refused }: Reading): readonly Written[] {
  return documents.flatMap((document) => {
    const list = get(document, key)
    return list === undefined || refused.has(list) ? [] : itemsOf(list).filter((item) => !refused.has(item))
  })
}
