import { loadManifest } from '../compose/index.ts'
import {
  type Diagnostic,
  errorAt,
  keyOf,
  problem,
  type Problem,
  quote,
  sortDiagnostics,
  type SourceFile,
} from '../diagnostics/index.ts'
import { type LoadOptions } from '../read/index.ts'
import { plainValue } from '../yaml/index.ts'
import { hostFiles } from './host-files.ts'
import { type Fleet, type FleetHost } from './model.ts'

/** What a path of the fleet's file leads to. */
export interface FoundFiles {
  readonly files: readonly SourceFile[]
  readonly readTable: NonNullable<LoadOptions['readTable']>
}

export interface CheckedHost {
  readonly host: string
  /** Null: its spec is none. */
  readonly qubes: number | null
  readonly files: readonly SourceFile[]
}

/** What is wrong, and on which hosts. */
export type HostDiagnostic = Diagnostic & { readonly hosts: readonly string[] }

/** Checks the spec of every host of a fleet, as its agent would read it. `find` says what is at a path, or why nothing is. */
export function checkHosts(
  { hosts }: Fleet,
  find: (path: string) => FoundFiles | Problem,
): { readonly hosts: readonly CheckedHost[]; readonly diagnostics: readonly HostDiagnostic[] } {
  // Most hosts of a large fleet have the same files and values.
  const known = new Map<string, Checked>()
  const checked = [...hosts.values()].map((host) => {
    const key = likeness(host)
    const found = known.get(key) ?? checkHost(host, find)
    if (host.layers.some(({ spec }) => spec.length > 0)) known.set(key, found)
    return { host: host.name, ...found }
  })
  return { hosts: checked, diagnostics: together(checked) }
}

interface Checked extends Omit<CheckedHost, 'host'> {
  readonly diagnostics: readonly Diagnostic[]
}

const likeness = ({ layers }: FleetHost): string =>
  JSON.stringify(
    layers.map(({ spec, values }) => [spec, [...values].map(([name, value]) => [name, plainValue(value)])]),
  )

function checkHost(host: FleetHost, find: (path: string) => FoundFiles | Problem): Checked {
  const { paths, shape } = hostFiles(host)
  if (paths.length === 0) {
    const hint = 'name files under spec: of the fleet, of a group or of the host'
    const what = problem('no-spec', `the host ${quote(host.name)} has no spec`, hint)
    return { qubes: null, files: [], diagnostics: [errorAt(host.position, what)] }
  }
  const found = paths.map(({ path, position }) => ({ position, there: find(path) }))
  const missing = found.flatMap(({ position, there }) => ('files' in there ? [] : [errorAt(position, there)]))
  const there = found.flatMap((one) => ('files' in one.there ? [one.there] : []))
  const files = [...new Map(there.flatMap((one) => one.files.map((file) => [file.path, file]))).values()]
  // Without some of its files all that they declare would seem to be missing.
  if (missing.length > 0) return { qubes: null, files, diagnostics: missing }
  const { manifest, diagnostics } = loadManifest(files, {
    shape,
    readTable: (path, from) =>
      there.find((one) => one.files.some((file) => file.path === from))?.readTable(path, from) ??
      'there is no such file',
  })
  return { qubes: manifest === null ? null : manifest.qubes.size, files, diagnostics }
}

/** The same of several hosts is told once. */
function together(
  checked: readonly (CheckedHost & Pick<Checked, 'diagnostics'>)[],
): readonly HostDiagnostic[] {
  const hostsOf = new Map<string, string[]>()
  for (const { host, diagnostics } of checked)
    for (const diagnostic of diagnostics) {
      const hosts = hostsOf.get(keyOf(diagnostic)) ?? []
      hostsOf.set(keyOf(diagnostic), hosts)
      hosts.push(host)
    }
  const all = sortDiagnostics(checked.flatMap(({ diagnostics }) => diagnostics))
  return all.map((diagnostic) => ({ ...diagnostic, hosts: hostsOf.get(keyOf(diagnostic)) ?? [] }))
}
