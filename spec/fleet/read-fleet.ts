import {
  errorAt,
  formatRange,
  problem,
  quote,
  type Report,
  type SourceRange,
  suggest,
} from '../diagnostics/index.ts'
import { checkPublicKeys } from '../keys/index.ts'
import { checkName, entriesOf, itemsOf, numberOf, textOf, textsOf } from '../read/index.ts'
import { get, type Written, type WrittenMap } from '../yaml/index.ts'
import { type Fleet, type FleetHost, type HostMatch, type Layer, type Reach, type SpecPath } from './model.ts'
import { hostMatches, matchOf, placedTexts } from './read-parts.ts'

interface Group {
  readonly name: string
  readonly match: HostMatch | null
  readonly hosts: readonly SpecPath[]
  readonly layer: Layer
}

/** A fleet from a document that fits the schema. */
export function readFleet(document: Written, report: Report): Fleet {
  const hosts = get(document, 'hosts')
  const groups = readGroups(get(document, 'groups'), hosts, report)
  const base = layerOf(document)
  const store = get(document, 'store')
  const servers = textsOf(get(store, 'nats'))
  const fleet = {
    name: textOf(get(document, 'name')) ?? '',
    servers: servers.length > 0 ? servers : null,
    controllers: textsOf(get(store, 'controllers')),
    replicas: numberOf(get(store, 'replicas')) ?? 1,
    groups: groups.map(({ name }) => name),
    hosts: new Map(
      named(hosts, 'host', report).map(([name, value, position]) => [
        name,
        readHost({ name, value, position }, groups, base, report),
      ]),
    ),
  }
  checkKeys(fleet.hosts, hosts, report)
  checkPublicKeys([...itemsOf(get(store, 'controllers')), ...keysOf(hosts)], report)
  checkReach(fleet, report)
  return fleet
}

function readGroups(
  written: Written | undefined,
  hosts: Written | undefined,
  report: Report,
): readonly Group[] {
  const known = [...entriesOf(hosts).keys()]
  return named(written, 'group', report).map(([name, value, position]) => {
    const group = {
      name,
      match: matchOf(get(value, 'match')),
      hosts: placedTexts(get(value, 'hosts')),
      layer: layerOf(value),
    }
    for (const { path, position: place } of group.hosts) {
      if (!known.includes(path)) report(errorAt(place, unknownHost(path, known)))
    }
    if ((group.match?.group ?? null) !== null) {
      report(errorAt(get(get(value, 'match'), 'group')?.position ?? position, GROUP_OF_GROUP))
    }
    if (group.match === null && group.hosts.length === 0) report(errorAt(position, NOBODY))
    return group
  })
}

function readHost(
  {
    name,
    value,
    position,
  }: { readonly name: string; readonly value: Written; readonly position: SourceRange },
  groups: readonly Group[],
  base: Layer,
  report: Report,
): FleetHost {
  const labels = new Map(
    named(get(value, 'labels'), 'label', report).map(([key, text]) => [key, textOf(text) ?? '']),
  )
  const mine = groups.filter(
    ({ match, hosts }) =>
      hosts.some(({ path }) => path === name) ||
      (match !== null && hostMatches(match, { name, labels, groups: [] })),
  )
  return {
    name,
    labels,
    groups: mine.map((group) => group.name),
    layers: [base, ...mine.map(({ layer }) => layer), layerOf(value)],
    reach: reachOf(get(value, 'reach')),
    key: textOf(get(value, 'key')),
    position,
  }
}

const layerOf = (written: Written): Layer => ({
  spec: placedTexts(get(written, 'spec')),
  values: entriesOf(get(written, 'values')),
})

function reachOf(written: Written | undefined): Reach {
  for (const kind of ['socket', 'ssh'] as const) {
    const to = textOf(get(written, kind))
    if (to !== null) return { kind, to }
  }
  return { kind: textOf(written) === 'qrexec' ? 'qrexec' : 'agent' }
}

/** Entries of a map whose keys are names; what a name is not is told. */
function named(
  written: Written | undefined,
  kind: 'host' | 'group' | 'label',
  report: Report,
): readonly (readonly [string, WrittenMap | Written, SourceRange])[] {
  if (written?.kind !== 'map') return []
  return [...written.entries].flatMap(([name, entry]) =>
    checkName(report, kind, entry) ? [[name, entry.value, entry.key.position] as const] : [],
  )
}

/** With one key two hosts would be one to the store. */
function checkKeys(
  hosts: ReadonlyMap<string, FleetHost>,
  written: Written | undefined,
  report: Report,
): void {
  const seen = new Map<string, FleetHost>()
  for (const host of hosts.values()) {
    if (host.key === null) continue
    const first = seen.get(host.key)
    if (first !== undefined) {
      const hint = `${first.name} at ${formatRange(first.position)} has it; make a key for each host: qstate fleet key`
      const place = get(get(written, host.name), 'key')?.position ?? host.position
      report(errorAt(place, problem('two-hosts-one-key', 'another host has this key', hint)))
    }
    seen.set(host.key, host)
  }
}

const keysOf = (hosts: Written | undefined): readonly Written[] =>
  [...entriesOf(hosts).values()].flatMap((host) => get(host, 'key') ?? [])

/** Without a server there is nothing that an agent could connect to; and qrexec leads to one host, whatever it is called. */
function checkReach({ servers, hosts }: Fleet, report: Report): void {
  let here: string | null = null
  for (const { name, reach, position } of hosts.values()) {
    if (reach.kind === 'qrexec' && here !== null) {
      const hint = 'reach it by ssh, or by an agent of its own'
      const what = `qrexec reaches the machine that this runs on, which is ${quote(here)} already`
      report(errorAt(position, problem('not-reached', what, hint)))
    } else if (reach.kind === 'qrexec') here = name
    if (servers === null && reach.kind === 'agent') {
      const hint = 'write reach: qrexec, { socket: PATH } or { ssh: HOST }, or name servers under store'
      report(errorAt(position, problem('not-reached', `nothing says how ${quote(name)} is reached`, hint)))
    }
  }
}

export const unknownHost = (name: string, known: readonly string[]): ReturnType<typeof problem> =>
  problem('unknown-host', `unknown host ${quote(name)}`, suggest(name, known, 'declare it under hosts'))

const GROUP_OF_GROUP = problem(
  'group-of-group',
  'a group is not chosen by group',
  'choose its hosts by labels, by name, or list them',
)
const NOBODY = problem('empty', 'the group has no hosts', 'add match, or hosts')
