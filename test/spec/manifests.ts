import assert from 'node:assert/strict'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { type SourceFile } from '../../spec/diagnostics/source.ts'
import { type LoadOptions } from '../../spec/read/manifest.ts'
import { type DesiredState, type HostFacts, type Value } from '../../spec/vocabulary/desired-state.ts'

export const HEAD = 'apiVersion: qstate/v1\n'

export const source = (text: string, path = 'spec.yaml'): SourceFile => ({ path, text })

/** A host as facts: `win: AppVM windows` is a qube, its class and its tags. */
export function host(...qubes: string[]): HostFacts {
  return {
    qubes: qubes.map((line) => {
      const [name = '', klass = '', ...tags] = line.split(/[: ]+/)
      return { name, klass, tags: new Set(tags) }
    }),
  }
}

/** What a sound spec comes to, on a host. Warnings are allowed. */
export function desiredOf(
  sources: readonly SourceFile[],
  facts: HostFacts = host(),
  options: LoadOptions = {},
): DesiredState {
  const { manifest, diagnostics } = loadManifest(sources, options)
  assert.ok(manifest, JSON.stringify(diagnostics, null, 1))
  const { desired } = resolve(manifest, facts)
  assert.deepEqual(
    [...desired.qubes.values()].flatMap(({ unfit }) => unfit ?? []),
    [],
  )
  return desired
}

/** Paths and values of a qube. */
export function settingsOf(state: DesiredState, qube = 'win'): Record<string, Value | null> {
  const settings = state.qubes.get(qube)?.settings
  assert.ok(settings, `there is no qube ${qube}`)
  return Object.fromEntries([...settings].map(([path, { value }]) => [path, value]))
}

/** Settings of the qube `win` whose body this is. */
export function settingsOfBody(body: string): Record<string, Value | null> {
  const indented = body.trim().replaceAll('\n', '\n    ')
  return settingsOf(desiredOf([source(`${HEAD}qubes:\n  win:\n    ${indented}\n`)]))
}

/** What takes longer has been exploded by its input: it would take hours. No measure of speed. */
export const HANGS_MS = 30_000
