import { type ErrorCode, type YAMLError } from 'yaml'
import { type Code, problem, type Problem, quote } from '../diagnostics/index.ts'

/** A fault that the YAML parser found, in words for somebody who writes a manifest; undefined if it is none to us. */
export function explainYamlError(fault: YAMLError, text: string): Problem | undefined {
  const found = text.slice(...fault.pos)
  if (fault.code === 'TAG_RESOLVE_FAILED') {
    return problem(
      'yaml-tag',
      `the tag ${quote(found.trim())} is not used in manifests`,
      'remove it: values are plain text, numbers, true and false',
    )
  }
  if (fault.name === 'YAMLWarning' && fault.code !== 'BAD_DIRECTIVE') return undefined
  if (fault.code === 'UNEXPECTED_TOKEN' && found.startsWith('%')) return undefined
  const start = text.lastIndexOf('\n', fault.pos[0] - 1) + 1
  if (CONFLICT.test(text.slice(start, start + 8))) {
    return problem(
      'yaml-syntax',
      'a merge conflict of git is left here',
      'keep one of the two sides, and remove the lines with <<<<<<<, ======= and >>>>>>>',
    )
  }
  const [message, hint] = (WORDS[fault.code] ?? DEFAULT)(fault)
  return problem(CODES[fault.code] ?? 'yaml-syntax', message, hint)
}

const CONFLICT = /^(?:<{7}|={7}|>{7}|\|{7})(?:\s|$)/

type Explain = (fault: YAMLError) => readonly [message: string, hint: string]

const CODES: Partial<Record<ErrorCode, Code>> = { TAB_AS_INDENT: 'yaml-tab', BAD_ALIAS: 'yaml-alias' }

const DEFAULT: Explain = ({ message }) => [lowerFirst(message), 'this is not valid YAML']

const WORDS: Partial<Record<ErrorCode, Explain>> = {
  TAB_AS_INDENT: () => ['a tab is used for indentation', 'YAML indents with spaces only'],
  BAD_INDENT: ({ message }) =>
    UNCLOSED.test(message)
      ? unclosed(message)
      : [
          lowerFirst(message),
          'keys of one map start in the same column, and what belongs to a key stands further to the right',
        ],
  BLOCK_AS_IMPLICIT_KEY: () => [
    'a map starts inside a value',
    'put it on lines of its own below the key, all in one column; quote text that holds ": "',
  ],
  MULTILINE_IMPLICIT_KEY: () => [
    'a key goes over several lines, or its ":" is missing',
    'write "key: value", with a space after the colon',
  ],
  MISSING_CHAR: ({ message }) =>
    message.startsWith('Implicit map keys')
      ? ['the ":" after this key is missing', 'write "key: value", with a space after the colon']
      : message.includes("'quote") || message.includes('"quote')
        ? ['the closing quote is missing', 'a text that opens with a quote ends with the same one']
        : UNCLOSED.test(message)
          ? unclosed(message)
          : [lowerFirst(message), 'close what was opened, and put a space after each ":" and ","'],
  BAD_SCALAR_START: ({ message }) => [
    lowerFirst(message),
    'put the text in quotes: @, `, %, *, & and ! mean something to YAML at the start of a value',
  ],
  BAD_DQ_ESCAPE: ({ message }) => [
    lowerFirst(message),
    'in double quotes a backslash starts an escape: write it twice, or use single quotes',
  ],
  UNEXPECTED_TOKEN: ({ message }) => [
    lowerFirst(message.replace(/: ".*"$/s, '')),
    'a quote, bracket, brace or comma stands where none can; quote text that holds them',
  ],
  KEY_OVER_1024_CHARS: () => ['a key is longer than 1024 characters', 'a ":" may be missing further up'],
  BAD_DIRECTIVE: () => ['a line that starts with % is not understood', 'manifests need no directives'],
  RESOURCE_EXHAUSTION: () => ['values are nested too deeply', 'no manifest needs this'],
}

/** `Flow sequence … must end with a ]` */
const UNCLOSED = /^Flow (?:map|sequence).* end with a ([\]}])$/

function unclosed(message: string): readonly [string, string] {
  const close = UNCLOSED.exec(message)?.[1] ?? ''
  return [
    `the closing ${close} is missing`,
    `and what stands inside is further to the right than the key before it`,
  ]
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
