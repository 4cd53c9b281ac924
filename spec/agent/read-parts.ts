import { errorAt, type Problem, problem, quote, type Report, warningAt } from '../diagnostics/index.ts'
import { durationOf, itemsOf, textOf, textsOf } from '../read/index.ts'
import { durationMs } from '../vocabulary/index.ts'
import { get, type Written } from '../yaml/index.ts'
import { type NotifyTarget } from './model.ts'

type Span = `${number}${'s' | 'm' | 'h'}`

const msOf = (span: Span): number => durationMs(span) ?? 0

/** Milliseconds of a span that has to be within bounds. */
export function readSpan(
  written: Written | undefined,
  [least, most, otherwise]: readonly [Span, Span, Span],
  report: Report,
): number {
  const found = durationOf(written)
  if (written === undefined || found === null) return msOf(otherwise)
  if (found < msOf(least) || found > msOf(most)) {
    const what = `${quote(textOf(written) ?? '')} is out of range`
    report(errorAt(written.position, problem('out-of-range', what, `expected ${least} to ${most}`)))
  }
  return found
}

/** `unix:PATH`, or an address of the loopback and a port. */
export function readListen(written: Written | undefined, report: Report): string | null {
  const text = textOf(written)
  if (written === undefined || text === null || text.startsWith('unix:')) return text
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  if (!isLoopback(text.slice(0, colon))) report(errorAt(written.position, NO_ADDRESS))
  else if (port < 1 || port > 65_535) report(errorAt(written.position, NO_PORT))
  return text
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' ||
  host === '[::1]' ||
  (/^127(?:\.(?:0|[1-9][0-9]{0,2})){3}$/.test(host) && host.split('.').every((part) => Number(part) <= 255))

/** A day of the calendar: what a parser makes of the 31st of February is another day. */
export function isDay(text: string): boolean {
  const time = Date.parse(text)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

export function readTarget(written: Written, report: Report): readonly NotifyTarget[] {
  const [url, command] = [textOf(get(written, 'webhook')), textsOf(get(written, 'command'))]
  const on = get(written, 'on') === undefined ? null : textsOf(get(written, 'on'))
  if ((url === null) === (command.length === 0)) {
    report(errorAt(written.position, ONE_TARGET))
    return []
  }
  const tokenFile = textOf(get(written, 'token'))
  const refuse = (key: string, what: Problem): void => {
    report(errorAt(get(written, key)?.position ?? written.position, what))
  }
  if (url !== null) {
    const problem = problemOf(url, tokenFile !== null)
    if (problem !== null) refuse('webhook', problem)
    else if (isPlain(url)) report(warningAt(get(written, 'webhook')?.position ?? written.position, READABLE))
    return [{ on, to: { kind: 'webhook', url, tokenFile } }]
  }
  if (tokenFile !== null) refuse('token', NO_TOKEN)
  if (command[0] === '')
    report(errorAt(itemsOf(get(written, 'command'))[0]?.position ?? written.position, NO_PROGRAM))
  return [{ on, to: { kind: 'command', argv: command } }]
}

/** What is in a URL is in logs, in `status` and in the memory of an agent: no secret may be there. */
export function secretProblem(url: string): Problem | null {
  if (!/^(?:https|ssh):/.test(url)) return null
  if (!URL.canParse(url)) return NO_SOURCE
  const { protocol, username, password, search, hash } = new URL(url)
  const isHttps = protocol === 'https:'
  if (password !== '' || (isHttps && username !== '')) return isHttps ? IN_URL : NO_PASSWORD
  return isHttps && (search !== '' || hash !== '') ? NO_QUERY : null
}

const CREDENTIALS =
  'put a line https://USER:TOKEN@HOST into a file that only this user can read, and name it with `credentials` of `source`'
const IN_URL = problem('bad-source', 'a source takes no user and password in its URL', CREDENTIALS)
const NO_QUERY = problem('bad-source', 'a source takes nothing after its path', CREDENTIALS)
const NO_SOURCE = problem('bad-source', 'this is no URL', 'such as https://example.org/qubes.git')
const NO_PASSWORD = problem(
  'bad-source',
  'ssh takes no password in its URL',
  'name a private key with `identity` of `source`',
)

function problemOf(text: string, hasToken: boolean): Problem | null {
  if (!URL.canParse(text)) return NO_URL
  const { username, password } = new URL(text)
  if (username !== '' || password !== '') return PASSWORD
  return hasToken && isPlain(text) ? PLAIN : null
}

function isPlain(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !isLoopback(hostname)
}

const NO_ADDRESS = problem(
  'bad-listen',
  'this is no address of the loopback',
  'such as 127.0.0.1:9777, [::1]:9777, localhost:9777',
)
const NO_PORT = problem('bad-listen', 'there is no such port', 'a number from 1 to 65535')
const ONE_TARGET = problem('bad-target', 'it needs a webhook or a command', 'and not both')
const NO_TOKEN = problem('bad-target', 'a command is given no token', 'leave it out')
const NO_PROGRAM = problem('bad-target', 'the program has no name', 'the first of the list is the program')
const NO_URL = problem('bad-target', 'this is no URL', 'such as https://example.org/hook')
const PASSWORD = problem(
  'bad-target',
  'a webhook takes no user and password in its URL',
  'name a file with `token`, which is sent as bearer token',
)
const PLAIN = problem(
  'bad-target',
  'a token would be sent where anybody on the way can read it',
  'use https, or an address of the loopback',
)
const READABLE = problem(
  'plain-webhook',
  'these notices can be read, and changed, on their way',
  'use https, or an address of the loopback',
)
