import { providers, SLIC_GET, SLIC_LIST } from '../../providers/index.ts'
import {
  creationOf,
  ensureNeeds,
  growthsOf,
  type HostCall,
  type ManagedVersion,
  mergeNeeds,
  type Needs,
  needsOf as pathNeeds,
  providerOf,
  type QubeFacts,
  referenceOf,
} from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import {
  type Area,
  type Ensure,
  parsePath,
  RECORD_FEATURE,
  SLIC_TABLES,
  type Value,
} from '../../spec/index.ts'
import { explainGroups, liveGroups, restartGroups } from './extras.ts'
import { type Extras, type Group, QREXEC_ARGUMENT, rule, type Rule, type Scope } from './rules.ts'

/**
 * The calls that a spec can lead to, worked out by the providers that make them: what they read, and what they send to
 * set a value, to change it and to take it back. `qstate policy` prints them as qrexec policy.
 */

/** `others`: what is read of qubes that may be the same ones, through another scope. */
export function groupsOf(
  scope: Scope,
  others: readonly Scope[],
  version: ManagedVersion,
  extras: Extras,
): readonly Group[] {
  const facts: QubeFacts = {
    qube: { name: scope.target, klass: '', state: '', uuid: null },
    version,
  }
  const needs = needsOf(scope)
  const shared = mergeNeeds([needs, ...others.map((other) => needsOf(other))])
  const { target } = scope
  return [
    recordGroup(scope, facts),
    ...(scope.ensure === null
      ? []
      : [
          scope.ensure === 'absent' ? removeGroup(target) : ensureGroup(target, scope.ensure, scope.settings),
        ]),
    ...(scope.restarts || extras.restart ? restartGroups(scope) : []),
    ...(extras.live ? liveGroups(scope) : []),
    ...(extras.explain ? explainGroups(scope, several(needs.properties, shared.properties)) : []),
    ...readGroups(target, needs, shared),
    ...[...scope.settings].flatMap(([path, value]) => settingGroups(scope, path, value, facts)),
  ].filter((group) => group.rules.length > 0 || group.without !== undefined)
}

function needsOf(scope: Scope): Needs {
  const { ensure, settings } = scope
  return pathNeeds(providers, settings.keys(), {
    features: [RECORD_FEATURE],
    properties: ensureNeeds(ensure, settings),
  })
}

/** With since when the qube runs: what waits for a restart. */
function recordGroup({ target, settings }: Scope, facts: QubeFacts): Group {
  const waits = [...settings.keys()].some(
    (path) => providerOf(providers, path).effect(path, facts) === 'next-start',
  )
  return {
    title: `${target}: the record of what qstate has set there, and what of it waits for a restart`,
    rules: [
      ...['Get', 'Set', 'Remove'].map((verb) => rule(`admin.vm.feature.${verb}`, RECORD_FEATURE, target)),
      ...(waits ? [rule('admin.vm.property.Get', 'start_time', target)] : []),
    ],
  }
}

/** The name is in what Create is sent, which policy does not see: this lets the caller create any qube of the kind. */
const ensureGroup = (target: string, ensure: Ensure, settings: Scope['settings']): Group => ({
  title: `${target}: created where it is not there; policy cannot say by which name`,
  rules: [
    LABELS,
    rule(SLIC_LIST, '', '@adminvm'),
    ...creationOf(target, ensure).calls.map(({ method, arg }) => rule(method, arg, '@adminvm')),
    ...ensureNeeds(ensure, settings).map((name) => rule('admin.vm.property.Get', name, target)),
    ...growthsOf(target, ensure).flatMap(({ name }) =>
      ['Info', 'Resize'].map((verb) => rule(`admin.vm.volume.${verb}`, name, target)),
    ),
  ],
})

const removeGroup = (target: string): Group => ({
  title: `${target}: removed, where its record says that it is this configuration's`,
  rules: [rule('admin.vm.Remove', '', target)],
})

const several = (own: readonly string[], all: readonly string[]): boolean => own.length > 0 && all.length > 1

/** Lists that are read whole: one call for several properties or tags, and all USB assignments. */
function readGroups(target: string, needs: Needs, shared: Needs): readonly Group[] {
  const when = (needed: boolean, title: string, method: string): Group => ({
    title: `${target}: ${title}`,
    rules: needed ? [rule(method, '', target)] : [],
  })
  const properties = several(needs.properties, shared.properties)
  return [
    when(properties, 'several properties in one call', 'admin.vm.property.GetAll'),
    when(several(needs.tags, shared.tags), 'several tags in one call', 'admin.vm.tag.List'),
    when(needs.usb, 'which USB devices are assigned', 'admin.vm.device.usb.Assigned'),
    when(needs.denied, 'which interfaces are denied', 'admin.vm.device.denied.List'),
  ]
}

function settingGroups(scope: Scope, path: string, value: Value | null, facts: QubeFacts): readonly Group[] {
  if (path === SLIC_TABLES) return slicGroups(scope, value, facts)
  const { features, properties, tags } = pathNeeds(providers, [path])
  const reads = [
    ...features.map((name) => rule('admin.vm.feature.Get', name, scope.target)),
    ...properties.map((name) => rule('admin.vm.property.Get', name, scope.target)),
    ...tags.map((name) => rule('admin.vm.tag.Get', name, scope.target)),
  ]
  const calls = callsFor(scope.target, path, value, facts)
  const title = `${scope.target}, ${path}`
  const looks = lookUps(path, value, facts)
  if ('code' in calls) return [{ title, rules: reads, without: calls.message }]
  if (calls.some((call) => !QREXEC_ARGUMENT.test(call.arg))) {
    const without = 'qrexec cannot carry a character of this name: assign it by port alone, or in dom0'
    return [{ title, rules: reads, without }]
  }
  const own = { title, rules: [...reads, ...calls.map((call) => rule(call.method, call.arg, call.dest))] }
  const what = `${scope.target}, ${path}: whether what it names is there, and fit for it`
  return looks.length === 0 ? [own] : [own, { title: what, rules: looks }]
}

/** What tells before an apply that the host would refuse the name in a value. */
function lookUps(path: string, value: Value | null, facts: QubeFacts): readonly Rule[] {
  const named = referenceOf({ path, after: value })
  switch (named?.kind) {
    case 'label':
      return [LABELS]
    case 'kernel':
      return [rule('admin.pool.volume.List', 'linux-kernel', '@adminvm')]
    case 'qube': {
      const property = providerOf(providers, path).demand?.(path, facts)?.on?.property
      return property === undefined ? [] : [rule('admin.vm.property.Get', property, named.name)]
    }
    case undefined:
      return []
  }
}

const LABELS = rule('admin.label.List', '', '@adminvm')

/** By the qube's name, which is the argument: a pattern would let the caller give tables to any qube. */
function slicGroups(scope: Scope, value: Value | null, facts: QubeFacts): readonly Group[] {
  if (scope.names === null) throw new Error('SLIC of a selector needs the names of its qubes')
  const list = {
    title: 'names of the qubes that have a SLIC template, to find those of qubes that are gone',
    rules: [rule(SLIC_LIST, '', '@adminvm')],
  }
  const own = scope.names.map((name) => {
    const calls = callsFor(name, SLIC_TABLES, value, facts)
    const writes = 'code' in calls ? [] : calls.map((call) => rule(call.method, call.arg, '@adminvm'))
    return {
      title: `${name}, ${SLIC_TABLES}: the service of dom0/ (docs/management-qube.md)`,
      rules: [rule(SLIC_GET, name, '@adminvm'), ...writes],
    }
  })
  return own.length === 0 ? [] : [list, ...own]
}

/** What sets, changes and takes back a value: apply, drift, withdrawal and rollback. */
function callsFor(
  qube: string,
  path: string,
  value: Value | null,
  facts: QubeFacts,
): readonly HostCall[] | Problem {
  const provider = providerOf(providers, path)
  const some = value ?? sampleOf(path)
  const all: HostCall[] = []
  for (const [before, after] of [
    [null, some],
    [some, null],
    [some, some],
  ] as const) {
    const calls = provider.calls({ qube, path, before, after }, facts)
    if ('code' in calls) return calls
    all.push(...calls)
  }
  const seen = new Set<string>()
  return all.filter(({ dest, method, arg }) => {
    const key = `${dest} ${method} ${arg}`
    return seen.has(key) ? false : seen.add(key)
  })
}

const SAMPLES: Readonly<Partial<Record<Area, Value>>> = {
  slic: ['host:SLIC'],
  usb: { mode: 'auto-attach' },
  tags: true,
}

/** Some value of a setting that is wanted absent: what someone else may have set. */
function sampleOf(path: string): Value {
  if (parsePath(path)?.kind === 'denied') return true
  return SAMPLES[path.slice(0, path.indexOf('/')) as Area] ?? ''
}
