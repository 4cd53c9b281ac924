import { Composer, type Document, isCollection, isScalar, Lexer, Parser, visit, type YAMLError } from 'yaml'
import { type Position } from './desired-state.ts'
import { errorAt, type Problem, problem, type Report } from './diagnostics.ts'
import { type SourceFile } from './manifest.ts'
import { type Written } from './written.ts'
import { explainYamlError } from './yaml-errors.ts'
import { type Locate, MAX_DEPTH, newBudget, TOO_DEEP, writtenDocument } from './yaml-tree.ts'

const MAX_BYTES = 1 << 20
const MAX_TOKENS = 500_000
const MAX_DOCUMENTS = 1_000
const MAX_FAULTS = 1_000

/** Parser levels: a collection has one, and a block map or list has one more for what stands in it. */
const MAX_STACK = 2 * MAX_DEPTH + 4

type Parsed = Document.Parsed

/**
 * The documents of a file. One that is not sound YAML is reported and left out, and `broken` says so: names that it may
 * have declared must not be called unknown. Text that is built to exhaust a reader is refused before it is composed.
 */
export function readYaml(
  source: SourceFile,
  report: Report,
): { readonly documents: readonly Written[]; readonly broken: boolean } {
  // A byte order mark is neither text nor a column.
  const text = source.text.replace(/^\uFEFF/, '')
  const locate = locator(source.path, text)
  const refuse = (offset: number, what: Problem): { documents: readonly Written[]; broken: boolean } => {
    report(errorAt(locate(offset, offset + 1), what))
    return { documents: [], broken: true }
  }

  if (Buffer.byteLength(text) > MAX_BYTES) return refuse(0, TOO_LONG)
  const parser = new Parser()
  const composer = new Composer({
    // Keys are compared in yaml-tree.ts: the library's own comparison takes quadratic time.
    uniqueKeys: false,
    merge: false,
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  const parsed: Parsed[] = []
  let offset = 0
  let [tokens, faults] = [0, 0]
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      if (token.type === 'error') faults += 1
      parsed.push(...composer.next(token))
    }
    // This far from YAML, more of it would only take time.
    if (faults > MAX_FAULTS) break
    if (parser.stack.length > MAX_STACK) return refuse(offset, TOO_DEEP)
    tokens += 1
    if (tokens > MAX_TOKENS) return refuse(offset, TOO_MANY_TOKENS)
    if (parsed.length > MAX_DOCUMENTS) return refuse(offset, TOO_MANY_DOCUMENTS)
    if (lexeme.length > 1 || !CONTROL_LEXEMES.has(lexeme)) offset += lexeme.length
  }
  for (const token of parser.end()) parsed.push(...composer.next(token))
  parsed.push(...composer.end(false, text.length))

  const budget = newBudget()
  const documents: Written[] = []
  let broken = false
  for (const document of parsed) {
    const sound = reportSyntax(document, text, locate, report)
    const written = sound ? writtenDocument(document, { locate, text, report, budget }) : undefined
    if (written === undefined) broken = true
    else if (written.kind !== 'null') documents.push(written)
  }
  return { documents, broken }
}

/** Marks that the lexer adds: document, flow error end, scalar. They stand for no text. */
const CONTROL_LEXEMES = new Set(['\x02', '\x18', '\x1f'])

function reportSyntax(document: Parsed, text: string, locate: Locate, report: Report): boolean {
  let sound = true
  const openerOf = openers(document)
  const linesTold = new Set<number>()
  const faults = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])
  for (const fault of faults) {
    const what = explainYamlError(fault, text)
    if (what === undefined) continue
    // One fault makes the parser stumble over its line, and over all that comes after; the first says it best.
    const follows = !sound && fault.code === 'UNEXPECTED_TOKEN'
    sound = false
    const place = locate(openerOf(fault) ?? fault.pos[0], fault.pos[1])
    if (follows || linesTold.has(place.line)) continue
    linesTold.add(place.line)
    report(errorAt(place, what))
  }
  const { version, explicit } = document.directives.yaml
  if (explicit && version !== '1.2') {
    sound = false
    const start = /^%YAML/m.exec(text)?.index ?? 0
    report(errorAt(locate(start, start + 9), OTHER_YAML))
  }
  return sound
}

/** Where the quote or bracket stands that is never closed: the parser only tells where the text ended. */
function openers(document: Parsed): (fault: YAMLError) => number | undefined {
  let starts: Map<number, number> | undefined
  return ({ code, pos: [offset] }) => {
    if (code !== 'MISSING_CHAR' && code !== 'BAD_INDENT') return undefined
    starts ??= startsByEnd(document)
    return starts.get(offset)
  }
}

function startsByEnd(document: Parsed): Map<number, number> {
  const starts = new Map<number, number>()
  visit(document, {
    Node: (_, node) => {
      const { range } = node as { range?: readonly number[] | null }
      const opens = isScalar(node) ? node.type?.startsWith('QUOTE') : isCollection(node) && node.flow
      if (opens && range?.[0] !== undefined && range[1] !== undefined) starts.set(range[1], range[0])
    },
  })
  return starts
}

/** The library's own count of lines loses some where the text is not sound. */
function locator(file: string, text: string): Locate {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const startOf = (line: number): number => starts[line] ?? text.length + 1
  // A document is read from its top to its end: the next place is mostly on the same line, or on the one below.
  let index = 0
  return (start, end): Position => {
    const from = Math.min(start, text.length)
    if (from >= startOf(index + 1)) index += 1
    if (from < startOf(index) || from >= startOf(index + 1)) index = lastAtOrBefore(starts, from)
    const last = Math.min(end, startOf(index + 1) - 1)
    // Mostly there is nothing to trim.
    const length = /[!-~]/.test(text.charAt(last - 1)) ? last - from : text.slice(from, last).trimEnd().length
    return { file, line: index + 1, column: from - startOf(index) + 1, length: Math.max(length, 1) }
  }
}

/** Index of the last of the ascending numbers that is not greater than a number; the first is not. */
function lastAtOrBefore(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((numbers[middle] ?? Infinity) <= limit) low = middle
    else high = middle - 1
  }
  return low
}

const TOO_LONG = problem(
  'too-large',
  'the file is larger than 1 MiB',
  'split it: all files together are one configuration',
)
const TOO_MANY_TOKENS = problem('too-large', 'the file has too many parts', TOO_LONG.hint)
const TOO_MANY_DOCUMENTS = problem(
  'too-large',
  'the file has more than 1000 documents',
  'one document can hold many qubes',
)
const OTHER_YAML = problem(
  'yaml-version',
  'the %YAML directive asks for another version than 1.2',
  'remove the line: manifests are YAML 1.2, where yes, no, on and off are plain words',
)
