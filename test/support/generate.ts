import fc from 'fast-check'
import { type Value } from '../../spec/vocabulary/desired-state.ts'
import { windowsHost } from './fixtures.ts'
import { startHost, type TestHost } from './host.ts'
import { type Model, newModel, setLive } from './model.ts'
import { foreignWrite, KNOWN, meaningOf, textIn } from './settings.ts'
import { type Snapshot } from './snapshot.ts'
import { type Wanted } from './spec.ts'
import { type Scope } from './temp.ts'
import { type SimulatedVersion } from '../../simulator/index.ts'

/** Qubes of every generated host. Names that JavaScript objects have already are names that Qubes allows. */
export const QUBES = ['win-a', 'win-b', 'win-run', 'win-app', 'constructor'] as const

export interface ForeignWrite {
  readonly qube: string
  readonly path: string
  readonly text: string | null
}

export const releases: fc.Arbitrary<SimulatedVersion> = fc.constantFrom('4.3', '4.4')

/** What a spec may say: some qubes, some settings of each. */
export function wantedOf(qubes: readonly string[] = QUBES): fc.Arbitrary<Wanted> {
  const settings = fc
    .subarray([...KNOWN])
    .chain((chosen) =>
      fc
        .tuple(...chosen.map(({ path, values }) => fc.tuple(fc.constant(path), fc.constantFrom(...values))))
        .map((entries): Record<string, Value | null> => Object.fromEntries(entries)),
    )
  return fc
    .subarray([...qubes])
    .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), settings))))
    .map((entries): Wanted => Object.fromEntries(entries))
}

export function foreignWritesOf(
  maxLength: number,
  qubes: readonly string[] = QUBES,
): fc.Arbitrary<readonly ForeignWrite[]> {
  const settings = KNOWN.filter(({ foreign }) => foreign.length > 0)
  const one = fc
    .tuple(fc.constantFrom(...qubes), fc.constantFrom(...settings))
    .chain(([qube, { path, foreign }]) =>
      fc.constantFrom(...foreign).map((text): ForeignWrite => ({ qube, path, text })),
    )
  return fc.array(one, { maxLength })
}

/** A host with things on it that nobody asked qstate to mind. */
export async function randomHost(
  scope: Scope,
  release: SimulatedVersion,
  writes: readonly ForeignWrite[],
): Promise<TestHost> {
  const noise = { features: { 'foreign.note': 'keep', os: 'Windows' }, tags: ['windows', 'foreign'] }
  const fixture = windowsHost(
    [
      { name: 'win-template', class: 'TemplateVM', ...noise },
      { name: 'win-a', ...noise },
      { name: 'win-b', ...noise },
      { name: 'win-run', state: 'Running', ...noise },
      { name: 'win-app', class: 'AppVM', ...noise, properties: { template: 'win-template' } },
      { name: 'constructor', ...noise },
    ],
    release,
  )
  const host = await startHost(scope, { fixture })
  meddle(host, writes)
  return host
}

/** Other programs write. */
export function meddle(host: TestHost, writes: readonly ForeignWrite[], model?: Model): void {
  for (const { qube, path, text } of writes) foreignWrite(host.simulator, qube, path, text)
  if (model === undefined || writes.length === 0) return
  const snapshot = host.snapshot()
  for (const { qube, path } of writes) setLive(model, qube, path, textIn(snapshot, qube, path))
}

/** A model that has seen the host as it is. */
export function modelOf(host: TestHost): Model {
  return { ...newModel(), live: new Map(textsIn(host.snapshot())) }
}

/** The texts of all known settings on the host, `QUBE PATH` to text, absent ones left out. */
export function textsIn(snapshot: Snapshot): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (const qube of QUBES) {
    for (const { path } of KNOWN) {
      const text = textIn(snapshot, qube, path)
      if (text !== null) texts.set(`${qube} ${path}`, text)
    }
  }
  return texts
}

/** What all known settings mean on the host, `QUBE PATH` to meaning, absent ones left out. */
export function meaningsIn(snapshot: Snapshot): ReadonlyMap<string, string> {
  const meanings = new Map<string, string>()
  for (const qube of QUBES) {
    for (const { path } of KNOWN) {
      const meaning = meaningOf(path, textIn(snapshot, qube, path))
      if (meaning !== null) meanings.set(`${qube} ${path}`, meaning)
    }
  }
  return meanings
}
