/**
 * qrexec policy as dom0 evaluates it, as far as calls of the Admin API need it: qubes-core-qrexec,
 * qrexec/policy/parser.py (read at b2822df). A line is `SERVICE ARGUMENT SOURCE TARGET ACTION [KEY=VALUE …]`; files
 * count in lexical order of their names, the first line that matches decides, and what no line matches is denied.
 * One line that cannot be read denies everything, as it does there.
 */

type Action = 'allow' | 'deny' | 'ask'

export interface PolicyRule {
  /** `null` is `*`. */
  readonly service: string | null
  /** With its `+`; `null` is `*`. */
  readonly argument: string | null
  readonly source: string
  readonly target: string
  readonly action: Action
  readonly params: ReadonlyMap<string, string>
  readonly file: string
  readonly line: number
  readonly text: string
}

export interface PolicyRequest {
  /** `METHOD+ARG` or `METHOD`. */
  readonly call: string
  readonly source: string
  readonly target: string
}

/** What policy knows of a qube. */
export interface PolicyQube {
  readonly type: string
  readonly tags: ReadonlySet<string>
}

export type PolicyDecision =
  | { readonly action: 'allow'; readonly target: string; readonly rule: PolicyRule }
  /** `ask` is a denial where nobody sits: what runs unattended must not wait for an answer. */
  | { readonly action: 'deny'; readonly rule: PolicyRule | null }

export class PolicySyntaxError extends Error {
  override readonly name = 'PolicySyntaxError'
}

const NAME_CHARACTERS = /^[A-Za-z0-9+._-]+$/
const FILE_NAME = /^[a-z0-9_-][a-z0-9_.-]*\.policy$/

/** The rules of a folder: its files by name, and the files that `!include` names. */
export function parsePolicy(files: Readonly<Record<string, string>>): readonly PolicyRule[] {
  const names = Object.keys(files)
    .filter((name) => name.endsWith('.policy') && !name.includes('/') && !name.startsWith('.'))
    .sort()
  for (const name of names)
    if (!FILE_NAME.test(name)) throw new PolicySyntaxError(`${name}: invalid filename`)
  return names.flatMap((name) => parseFile(name, files, []))
}

function parseFile(
  file: string,
  files: Readonly<Record<string, string>>,
  within: readonly string[],
): readonly PolicyRule[] {
  const text = files[file]
  if (text === undefined) throw new PolicySyntaxError(`${within.at(-1) ?? ''}: not a file: ${file}`)
  if (within.includes(file)) throw new PolicySyntaxError(`${file}: includes itself`)
  return text.split('\n').flatMap((raw, index) => {
    const line = raw.trim()
    const fail = (why: string): never => {
      throw new PolicySyntaxError(`${file}:${index + 1}: ${why}`)
    }
    if (line === '' || line.startsWith('#')) return []
    if (line.startsWith('!')) {
      const [directive, included, ...more] = line.split(/\s+/)
      if (directive !== '!include') return fail('invalid directive')
      if (included === undefined || more.length > 0) return fail('invalid number of params')
      return parseFile(included, files, [...within, file])
    }
    return [parseRule(line, file, index + 1, fail)]
  })
}

function parseRule(text: string, file: string, line: number, fail: (why: string) => never): PolicyRule {
  const [service, argument, source, target, action, ...words] = text.split(/\s+/)
  if (
    service === undefined ||
    argument === undefined ||
    source === undefined ||
    target === undefined ||
    action === undefined
  )
    return fail('wrong number of fields')
  if (service !== '*' && !/^[A-Za-z0-9._-]+$/.test(service))
    return fail('service contains invalid characters')
  if (argument !== '*') {
    if (!NAME_CHARACTERS.test(argument)) return fail('argument contains invalid characters')
    if (!argument.startsWith('+')) return fail('argument does not start with +')
    if (service === '*') return fail('only * argument allowed for * service')
  }
  for (const token of [source, target]) if (!isToken(token)) return fail(`invalid token: ${token}`)
  if (source === '@default' || source === '@dispvm') return fail(`invalid source token: ${source}`)
  if (action !== 'allow' && action !== 'deny' && action !== 'ask') return fail(`invalid action: ${action}`)
  const params = parseParams(words, action, fail)
  if (target === '@default' && action === 'allow' && !params.has('target'))
    return fail('allow action for @default rule must specify target= option')
  return {
    service: service === '*' ? null : service,
    argument: argument === '*' ? null : argument,
    source,
    target,
    action,
    params,
    file,
    line,
    text,
  }
}

const isToken = (token: string): boolean =>
  !token.startsWith('@') ||
  /^@(?:adminvm|anyvm|default|dispvm|(?:tag|type|dispvm):[^@].*|dispvm:@tag:[^@].*)$/.test(token)

const KNOWN_PARAMS: Readonly<Record<Action, readonly string[]>> = {
  allow: ['target', 'user', 'notify', 'autostart'],
  deny: ['notify'],
  ask: ['target', 'default_target', 'user', 'notify', 'autostart'],
}

function parseParams(
  words: readonly string[],
  action: Action,
  fail: (why: string) => never,
): ReadonlyMap<string, string> {
  const params = new Map<string, string>()
  for (const word of words) {
    const [, key, value] = /^([^=]*)=(.*)$/.exec(word) ?? []
    if (key === undefined || value === undefined) return fail(`invalid action parameter syntax: ${word}`)
    if (params.has(key)) return fail(`parameter given twice: ${key}`)
    if (!KNOWN_PARAMS[action].includes(key)) return fail(`invalid parameters for action ${action}: ${key}`)
    if ((key === 'notify' || key === 'autostart') && value !== 'yes' && value !== 'no')
      return fail(`${key} can be only yes or no`)
    params.set(key, value)
  }
  return params
}

/** Decides one call. `qubes` are those of the host, dom0 left out. */
export function decide(
  rules: readonly PolicyRule[],
  request: PolicyRequest,
  qubes: ReadonlyMap<string, PolicyQube>,
): PolicyDecision {
  const plus = request.call.indexOf('+')
  const service = plus === -1 ? request.call : request.call.slice(0, plus)
  const argument = plus === -1 ? '+' : request.call.slice(plus)
  const target = intendedTarget(request.target, qubes)
  const rule = rules.find(
    (candidate) =>
      (candidate.service === null || candidate.service === service) &&
      (candidate.argument === null || candidate.argument === argument) &&
      matches(candidate.source, request.source, qubes) &&
      matches(candidate.target, target, qubes),
  )
  if (rule?.action !== 'allow') return { action: 'deny', rule: rule ?? null }
  const redirected = rule.params.get('target') ?? target
  if (isDom0(redirected)) return { action: 'allow', target: 'dom0', rule }
  // Where a call goes nowhere, or back to where it came from, it is denied after all.
  const known = qubes.has(redirected) && redirected !== request.source
  return known ? { action: 'allow', target: redirected, rule } : { action: 'deny', rule }
}

const isDom0 = (token: string): boolean => token === 'dom0' || token === '@adminvm'

/** A target that is no qube of this host counts as none at all, which `@anyvm` matches all the same. */
function intendedTarget(target: string, qubes: ReadonlyMap<string, PolicyQube>): string {
  if (isDom0(target)) return '@adminvm'
  return qubes.has(target) ? target : '@default'
}

function matches(token: string, name: string, qubes: ReadonlyMap<string, PolicyQube>): boolean {
  if (token === '*') return true
  if (isDom0(token)) return isDom0(name)
  if (token === '@anyvm') return !isDom0(name)
  const qube = qubes.get(name)
  if (token.startsWith('@tag:')) return qube?.tags.has(token.slice(5)) === true
  if (token.startsWith('@type:')) return qube?.type === token.slice(6)
  return token === name
}
