import {
  type LoadedSpec,
  loadSources,
  openHost,
  type RecordedOptions,
  resolveSpec,
} from '../../app/host/index.ts'
import { gitSources, mergeBase } from '../../app/source/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type DesiredState } from '../../spec/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { type Asked, diffView, type QubeDifference } from '../views/plan-diff.ts'
import { makeStyle } from '../views/style.ts'

/** What the spec of one revision asks otherwise than that of another. The host is asked only where a selector needs it. */
export async function planDiff(
  range: string,
  paths: readonly string[],
  options: GlobalOptions & RecordedOptions & { readonly detailedExitcode?: boolean },
  io: Io,
): Promise<number> {
  const [from = '', to = '', ...more] = range.split(/\.\.\.?/)
  if (from === '' || more.length > 0) {
    const hint = 'write two revisions, as in main..HEAD or main...HEAD; without the second it is HEAD'
    throw new QstateError(problem('bad-option', `--diff “${range}” is no range`, hint))
  }
  const given = paths.length > 0 ? paths : (options.config ?? [])
  const load = (rev: string): LoadedSpec => loadSources(gitSources(rev, given, io.cwd), options, io)
  const tip = to === '' ? 'HEAD' : to
  const base = range.includes('...') ? mergeBase(from, tip, io.cwd) : from
  const [old, next] = [load(base), load(tip)]
  const needsHost = [old, next].some(({ manifest }) => manifest.selects.needsHost)
  const host = needsHost ? await openHost(options, io) : null
  const before = { desired: await resolveSpec(old, host, options, io), commit: await commitOf(old) }
  const after = { desired: await resolveSpec(next, host, options, io), commit: await commitOf(next) }
  const qubes = differences(before.desired, after.desired)
  if (options.json === true)
    io.out(`${JSON.stringify({ from: before.commit, to: after.commit, qubes }, null, 2)}\n`)
  else {
    const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
    io.out(diffView(qubes, { from: before.commit, to: after.commit }, style))
  }
  return options.detailedExitcode === true && qubes.length > 0 ? EXIT.changes : EXIT.done
}

/** Of what was read from git; a tree that is no commit has none. */
const commitOf = async ({ sources }: LoadedSpec): Promise<string> => (await sources.commit()) ?? 'a tree'

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

function settingsOf(old: DesiredQube | undefined, next: DesiredQube | undefined): readonly Asked[] {
  const paths = [...new Set([...(old?.settings.keys() ?? []), ...(next?.settings.keys() ?? [])])].sort()
  return paths.flatMap((path) => {
    const [before, after] = [old, next].map((qube) => qube?.settings.get(path)?.value ?? null)
    const isSame = JSON.stringify(before) === JSON.stringify(after)
    return isSame ? [] : [{ path, before: before ?? null, after: after ?? null }]
  })
}

function besidesOf(old: DesiredQube | undefined, next: DesiredQube | undefined): QubeDifference['besides'] {
  return (['restart', 'ensure'] as const).flatMap((what) => {
    const [before, after] = [old?.[what] ?? null, next?.[what] ?? null]
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ what, before, after }]
  })
}
