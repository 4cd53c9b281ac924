import {
  type Diagnostic,
  errorAt,
  NOWHERE,
  problem,
  type Problem,
  quote,
  type Report,
  sortDiagnostics,
  type SourceFile,
} from '../diagnostics/index.ts'
import { checkPublicKeys } from '../keys/index.ts'
import { driftPolicies, itemsOf, readDrift, textOf, textsOf } from '../read/index.ts'
import { checkSchema, contractOf } from '../schema/index.ts'
import { SIZE } from '../vocabulary/index.ts'
import { get, readYaml, type Written } from '../yaml/index.ts'
import { validateAgent } from './agent-validator.ts'
import { readWindow } from './calendar.ts'
import {
  type AgentConfig,
  type AgentFleet,
  type AgentTrust,
  type Freeze,
  type HostPolicies,
  type Window,
} from './model.ts'
import { isDay, readListen, readSpan, readTarget, secretProblem } from './read-parts.ts'

const CONTRACT = contractOf(validateAgent)

const MIB = 1024 * 1024

export interface LoadedConfig<T> {
  readonly config: T | null
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads the file of an agent. All that is wrong with it is reported at once; with any error there is no configuration. */
export const loadAgentConfig = (source: SourceFile): LoadedConfig<AgentConfig> =>
  load(source, requireKeys, readAgent)

/** Reads the same file without the parts that only an agent has: how a controller keeps hosts that have none. */
export const loadHostPolicies = (source: SourceFile): LoadedConfig<HostPolicies> =>
  load(source, refuseKeys, (document, report) => readPolicies(document, 'apply', report))

/** What such a file says where it says nothing. */
export const defaultHostPolicies = (): HostPolicies => readPolicies(undefined, 'apply', () => undefined)

function load<T>(
  source: SourceFile,
  checkKeys: (document: Written, report: Report) => void,
  read: (document: Written, report: Report) => T,
): LoadedConfig<T> {
  const found: Diagnostic[] = []
  const report: Report = (diagnostic) => found.push(diagnostic)
  const { documents } = readYaml(source, report)
  const [document, second] = documents
  if (document === undefined) {
    if (found.length === 0) report(errorAt({ ...NOWHERE, file: source.path }, NO_DOCUMENT))
    return { config: null, diagnostics: found }
  }
  if (second !== undefined) report(errorAt(second.position, TWO_DOCUMENTS))
  checkSchema(document, report, CONTRACT)
  checkKeys(document, report)
  const config = found.some(isError) ? null : read(document, report)
  const diagnostics = sortDiagnostics(found)
  return { config: diagnostics.some(isError) ? null : config, diagnostics }
}

const isError = ({ severity }: Diagnostic): boolean => severity === 'error'

function requireKeys(document: Written, report: Report): void {
  for (const key of ['source', 'verify'])
    if (document.kind === 'map' && get(document, key) === undefined)
      report(errorAt(document.position, missing(key, 'an agent needs source and verify')))
}

/** Of these the controller decides for all its hosts. */
function refuseKeys(document: Written, report: Report): void {
  for (const key of ['source', 'verify', 'fleet', 'listen']) {
    const entry = document.kind === 'map' ? document.entries.get(key) : undefined
    if (entry === undefined) continue
    const what = problem('unknown-key', `the key ${quote(key)} is for the file of an agent`, LEAVE_OUT)
    report(errorAt(entry.key.position, what))
  }
}

const LEAVE_OUT =
  'leave it out: hosts without an agent get their commits from the repository of the controller'

function readAgent(document: Written, report: Report): AgentConfig {
  const part = (key: string): Written | undefined => get(document, key)
  const verify = part('verify')
  return {
    source: readSource(part('source'), part('fleet'), report),
    fleet: readFleet(part('fleet'), report),
    verify: {
      ...readTrust(verify, report),
      commits: textOf(get(verify, 'commits')) === 'tip' ? 'tip' : 'all',
    },
    listen: readListen(part('listen'), report),
    ...readPolicies(document, 'observe', report),
  }
}

function readPolicies(
  document: Written | undefined,
  commits: HostPolicies['policy']['commits'],
  report: Report,
): HostPolicies {
  const part = (key: string): Written | undefined => get(document, key)
  const policy = part('policy')
  return {
    policy: {
      commits: COMMITS.find((word) => word === textOf(get(policy, 'commits'))) ?? commits,
      drift: driftPolicies(readDrift(get(policy, 'drift'), { reading: { report, ...NO_DEVICES } })),
      withdraw: textOf(get(policy, 'withdraw')) === 'report' ? 'report' : 'apply',
    },
    compareMs: readSpan(part('compare'), ['1m', '24h', '1h'], report),
    windows: itemsOf(part('windows')).flatMap((window) => readTimes(window, report)),
    freezes: itemsOf(part('freezes')).map((freeze) => readFreeze(freeze, report)),
    restartTimeoutMs: readSpan(part('restartTimeout'), ['1m', '24h', '15m'], report),
    notify: itemsOf(part('notify')).flatMap((target) => readTarget(target, report)),
  }
}

const COMMITS = ['observe', 'propose', 'apply'] as const

/** A device goes by BACKEND+PORT:IDENTITY here. */
const NO_DEVICES = { devices: new Map(), allRead: true } as const

function readSource(
  written: Written | undefined,
  fleet: Written | undefined,
  report: Report,
): AgentConfig['source'] {
  const text = (key: string): string | null => textOf(get(written, key))
  const [branch, tag] = [text('branch'), text('tag')]
  if (branch !== null && tag !== null && written !== undefined)
    report(errorAt(get(written, 'tag')?.position ?? written.position, TWO_REFS))
  const paths = textsOf(get(written, 'paths'))
  const placed = get(written, 'paths')
  if (placed !== undefined && fleet !== undefined) report(errorAt(placed.position, PATHS_OF_FLEET))
  const url = get(written, 'url')
  const secret = url === undefined ? null : secretProblem(textOf(url) ?? '')
  if (url !== undefined && secret !== null) report(errorAt(url.position, secret))
  const [, digits, unit] = SIZE.exec(text('maxSize') ?? '64MiB') ?? []
  return {
    url: text('url') ?? '',
    ref: tag === null ? { kind: 'branch', name: branch ?? 'main' } : { kind: 'tag', name: tag },
    paths: paths.length === 0 ? ['.'] : paths,
    everyMs: readSpan(get(written, 'every'), ['10s', '24h', '5m'], report),
    maxBytes: Number(digits) * (unit === 'GiB' ? 1024 * MIB : MIB),
    identity: text('identity'),
    knownHosts: text('knownHosts'),
    credentials: text('credentials'),
  }
}

function readFleet(written: Written | undefined, report: Report): AgentFleet | null {
  if (written === undefined) return null
  checkPublicKeys(itemsOf(get(written, 'consent')), report)
  const text = (key: string): string | null => textOf(get(written, key))
  return {
    name: text('name') ?? '',
    host: text('host'),
    servers: textsOf(get(written, 'servers')),
    key: text('key'),
    ca: text('ca'),
    consent: textsOf(get(written, 'consent')),
    file: text('file') ?? 'fleet.yaml',
    checks: text('checks') ?? '/etc/qstate/checks',
  }
}

function readTrust(written: Written | undefined, report: Report): AgentTrust {
  const text = (key: string): string | null => textOf(get(written, key))
  const needed = (key: string, by: string): string => {
    const value = text(key)
    if (value === null && written !== undefined)
      report(errorAt(get(written, 'by')?.position ?? written.position, missing(key, signers(by))))
    return value ?? ''
  }
  switch (text('by')) {
    case 'ssh':
      return { by: 'ssh', allowedSigners: needed('allowedSigners', 'ssh'), revoked: text('revoked') }
    case 'gpg':
      return { by: 'gpg', keyring: needed('keyring', 'gpg') }
    default:
      return { by: 'none' }
  }
}

function readTimes(written: Written, report: Report): readonly Window[] {
  const window = readWindow(textOf(written) ?? '')
  if ('from' in window) return [window]
  report(errorAt(written.position, window))
  return []
}

function readFreeze(written: Written, report: Report): Freeze {
  const text = (key: string): string => textOf(get(written, key)) ?? ''
  for (const key of ['from', 'until']) {
    const day = get(written, key)
    if (day !== undefined && !isDay(text(key))) report(errorAt(day.position, NO_DAY))
  }
  if (text('from') >= text('until')) report(errorAt(written.position, BACKWARDS))
  return { from: text('from'), until: text('until'), why: text('why') }
}

const NO_DOCUMENT = problem(
  'no-document',
  'there is no document here',
  'an agent’s file starts with "apiVersion: qstate/v1" and "kind: Agent"',
)
const TWO_DOCUMENTS = problem('two-documents', 'there is another document', 'an agent has one')
const TWO_REFS = problem('two-refs', 'it follows a branch or a tag, not both', 'keep one of them')
const PATHS_OF_FLEET = problem(
  'paths-of-fleet',
  'the fleet names the files of this host',
  'take `paths` out; `file` of `fleet` says where the fleet is written down',
)
const NO_DAY = problem('bad-day', 'there is no such day', 'a day such as 2026-12-20')
const BACKWARDS = problem(
  'bad-freeze',
  'it ends before it begins',
  'until is the first day that is free again',
)

const missing = (key: string, hint: string): Problem =>
  problem('missing-key', `the key ${quote(key)} is missing`, hint)

const signers = (by: string): string => `with by: ${by} it says whose signatures count`
