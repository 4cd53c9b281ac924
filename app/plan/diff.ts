import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type DesiredState, type DriftPolicy, type Value } from '../../spec/index.ts'
import { type Context } from '../context.ts'
import { type PlanningHost } from '../host/index.ts'
import {
  commitOfAll,
  type LoadedSpec,
  loadSpec,
  mergeBase,
  resolveSpec,
  type SpecLocation,
} from '../source/index.ts'

/** A setting that two revisions declare differently. Null: it is not declared. */
export interface SettingDifference {
  readonly path: string
  readonly before: Value | null
  readonly after: Value | null
}

export interface QubeDifference {
  readonly qube: string
  readonly status: 'added' | 'dropped' | 'changed'
  readonly settings: readonly SettingDifference[]
  /** What is declared besides settings, as JSON: `restart`, `ensure`, `drift`, and the paths that are given `once`. */
  readonly besides: readonly { readonly what: string; readonly before: unknown; readonly after: unknown }[]
}

export interface RevisionDiff {
  /** Commits, or `a tree`. */
  readonly from: string
  readonly to: string
  readonly qubes: readonly QubeDifference[]
}

/**
 * How the spec of one revision differs from that of another: `A..B`, or `A...B` for A's merge base with B. `openHost` is called
 * only where a selector needs a host.
 */
export async function diffRevisions(
  range: string,
  location: SpecLocation,
  openHost: () => Promise<PlanningHost>,
  context: Context,
): Promise<RevisionDiff> {
  const [from = '', to = '', ...more] = range.split(/\.\.\.?/)
  if (from === '' || more.length > 0) {
    const hint = 'write two revisions, as in main..HEAD or main...HEAD; without the second it is HEAD'
    throw new QstateError(problem('bad-option', `--diff “${range}” is no range`, hint))
  }
  const tip = to === '' ? 'HEAD' : to
  const base = range.includes('...') ? mergeBase(from, tip, context.cwd) : from
  const old = await loadSpec({ ...location, revision: base }, context)
  const next = await loadSpec({ ...location, revision: tip }, context)
  const needsHost = [old, next].some(({ manifest }) => manifest.selects.needsHost)
  const host = needsHost ? await openHost() : null
  const before = await resolveSpec(old, host, context)
  const after = await resolveSpec(next, host, context)
  return { from: await commitOf(old), to: await commitOf(next), qubes: differences(before, after) }
}

/** A tree that is no commit has none. */
const commitOf = async ({ sources }: LoadedSpec): Promise<string> =>
  commitOfAll(await sources.origins()) ?? 'a tree'

function differences(before: DesiredState, after: DesiredState): readonly QubeDifference[] {
  const names = [...new Set([...before.qubes.keys(), ...after.qubes.keys()])].sort()
  return names.flatMap((name) => {
    const [old, next] = [before.qubes.get(name), after.qubes.get(name)]
    const settings = settingsOf(old, next)
    const besides = besidesOf(old, next)
    if (old !== undefined && next !== undefined && settings.length + besides.length === 0) return []
    const status = old === undefined ? 'added' : next === undefined ? 'dropped' : 'changed'
    return [{ qube: name, status, settings, besides }]
  })
}

function settingsOf(
  old: DesiredQube | undefined,
  next: DesiredQube | undefined,
): readonly SettingDifference[] {
  const paths = [...new Set([...(old?.settings.keys() ?? []), ...(next?.settings.keys() ?? [])])].sort()
  return paths.flatMap((path) => {
    const [before, after] = [old, next].map((qube) => qube?.settings.get(path)?.value ?? null)
    const isSame = JSON.stringify(before) === JSON.stringify(after)
    return isSame ? [] : [{ path, before: before ?? null, after: after ?? null }]
  })
}

function besidesOf(old: DesiredQube | undefined, next: DesiredQube | undefined): QubeDifference['besides'] {
  return (['restart', 'ensure', 'drift', 'once'] as const).flatMap((what) => {
    const [before, after] = [old, next].map((qube) =>
      what === 'once' ? onceOf(qube) : what === 'drift' ? driftOf(qube) : (qube?.[what] ?? null),
    )
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ what, before, after }]
  })
}

/** Null: nothing is said of it. */
const driftOf = (qube: DesiredQube | undefined): Readonly<Record<string, DriftPolicy>> | null =>
  qube?.drift === undefined ? null : Object.fromEntries([...qube.drift].sort(([a], [b]) => (a < b ? -1 : 1)))

/** Null: nothing is given once. */
function onceOf(qube: DesiredQube | undefined): readonly string[] | null {
  const paths = [...(qube?.settings.values() ?? [])].flatMap(({ path, once }) =>
    once === true ? [path] : [],
  )
  return paths.length === 0 ? null : paths
}
