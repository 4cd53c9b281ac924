import { Composer, type Document, isCollection, isScalar, Lexer, Parser, visit, type YAMLError } from 'yaml'
import { errorAt, type Problem, problem, type Report, type SourceFile } from '../diagnostics/index.ts'
import { explainYamlError } from './errors.ts'
import { readSoundYaml } from './fast-reader.ts'
import { type Written } from './node.ts'
import { Place, Text } from './source-text.ts'
import { MAX_DEPTH, newBudget, TOO_DEEP, writtenDocument } from './tree.ts'

const MAX_BYTES = 1 << 20
const MAX_TOKENS = 500_000
const MAX_DOCUMENTS = 1_000
const MAX_FAULTS = 1_000

/** Parser levels: a collection has one, and a block map or list has one more for what stands in it. */
const MAX_STACK = 2 * MAX_DEPTH + 4

type Parsed = Document.Parsed

interface Documents {
  readonly documents: readonly Written[]
  readonly broken: boolean
}

/**
 * The documents of a file. One that is not sound YAML is reported and left out, and `broken` says so: names that it may
 * have declared must not be called unknown. Text that is built to exhaust a reader is refused before it is composed.
 */
export function readYaml(source: SourceFile, report: Report): Documents {
  // A byte order mark is neither text nor a column.
  const of = new Text(source.path, source.text.replace(/^\uFEFF/, ''))
  if (Buffer.byteLength(of.text) > MAX_BYTES) return refuse(of, 0, TOO_LONG, report)
  const documents = readSoundYaml(of)
  if (documents === undefined || documents.length > MAX_DOCUMENTS) return readAnyYaml(of, report)
  return { documents, broken: false }
}

function refuse(of: Text, offset: number, what: Problem, report: Report): Documents {
  report(errorAt(new Place(of, offset, offset + 1), what))
  return { documents: [], broken: true }
}

/** The same of any text, sound or not, and tells what is wrong with it. */
export function readAnyYaml(of: Text, report: Report): Documents {
  const { text } = of
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
    if (parser.stack.length > MAX_STACK) return refuse(of, offset, TOO_DEEP, report)
    tokens += 1
    if (tokens > MAX_TOKENS) return refuse(of, offset, TOO_MANY_TOKENS, report)
    if (parsed.length > MAX_DOCUMENTS) return refuse(of, offset, TOO_MANY_DOCUMENTS, report)
    if (lexeme.length > 1 || !CONTROL_LEXEMES.has(lexeme)) offset += lexeme.length
  }
  for (const token of parser.end()) parsed.push(...composer.next(token))
  parsed.push(...composer.end(false, text.length))

  const budget = newBudget()
  const documents: Written[] = []
  let broken = false
  for (const document of parsed) {
    const sound = reportSyntax(document, of, report)
    const written = sound ? writtenDocument(document, { of, report, budget }) : undefined
    if (written === undefined) broken = true
    else if (written.kind !== 'null') documents.push(written)
  }
  return { documents, broken }
}

/** Marks that the lexer adds: document, flow error end, scalar. They stand for no text. */
const CONTROL_LEXEMES = new Set(['\x02', '\x18', '\x1f'])

function reportSyntax(document: Parsed, of: Text, report: Report): boolean {
  const { text } = of
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
    const place = new Place(of, openerOf(fault) ?? fault.pos[0], fault.pos[1])
    if (follows || linesTold.has(place.line)) continue
    linesTold.add(place.line)
    report(errorAt(place, what))
  }
  const { version, explicit } = document.directives.yaml
  if (explicit && version !== '1.2') {
    sound = false
    const start = /^%YAML/m.exec(text)?.index ?? 0
    report(errorAt(new Place(of, start, start + 9), OTHER_YAML))
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
