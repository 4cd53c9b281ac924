import { resolve } from 'node:path'
import { type Consent, consentFor } from '../../agent/index.ts'
import { type Io } from '../../cli/io.ts'
import { type GlobalOptions } from '../../cli/options.ts'
import { type Plan, planIsBlocked, planIsEmpty, type Report, reportExitCode } from '../../reconciler/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { type FleetHost, type Reach } from '../../spec/fleet/index.ts'
import { alone, applyUnasked, PARALLELISM } from '../apply/index.ts'
import {
  connect,
  listManaged,
  type LoadedSpec,
  openManaged,
  planSpec,
  stateFolder,
  tablesOf,
} from '../host/index.ts'

/** One host, reached from here. */
export interface HostWay {
  readonly options: GlobalOptions
  /** It talks to nobody. */
  readonly io: Io
}

/** A host without an agent, and how it is reached from here. */
export interface DirectHost {
  readonly name: string
  readonly reach: Exclude<Reach, { readonly kind: 'agent' }>
}

export const directHosts = (hosts: Iterable<FleetHost>): readonly DirectHost[] =>
  [...hosts].flatMap(({ name, reach }) => (reach.kind === 'agent' ? [] : [{ name, reach }]))

/** The way to a host. State is kept apart for each. Paths are from the fleet's folder. */
export function wayTo(
  reach: DirectHost['reach'],
  { folder, stateDir }: { readonly folder: string; readonly stateDir: string | null },
  options: GlobalOptions,
  io: Io,
): HostWay {
  const quiet: Io = { ...io, err: () => undefined, errIsTerminal: false }
  const own = stateDir === null ? options : { ...options, stateDir }
  switch (reach.kind) {
    case 'socket':
      return { options: { ...own, socket: resolve(folder, reach.to) }, io: quiet }
    case 'qrexec':
      return { options: { ...own, qrexecClient: resolve(folder, reach.to) }, io: quiet }
    case 'ssh':
      return { options: { ...own, ssh: reach.to }, io: quiet }
  }
}

export interface Comparison {
  readonly plan: Plan
  /** Names of the qubes that run. */
  readonly running: ReadonlySet<string>
  readonly qubes: ReadonlySet<string>
}

/** What the spec would change on the host now. Writes nothing. */
export async function compareHost(spec: LoadedSpec, { options, io }: HostWay): Promise<Comparison> {
  const session = await openManaged(options, io, tablesOf(spec))
  const plan = await planSpec(spec, session, { ...options, parallelism: String(PARALLELISM) }, io)
  const runs = session.qubes.filter(({ state }) => state === 'Running')
  return {
    plan,
    running: new Set(runs.map(({ name }) => name)),
    qubes: new Set(session.qubes.map(({ name }) => name)),
  }
}

export type HostApplied =
  | { readonly kind: 'busy'; readonly who: string }
  | {
      readonly kind: 'applied'
      readonly isGood: boolean
      /** All of it, also what was held. */
      readonly plan: Plan
      /** Qubes that were not touched, because a person has to consent. */
      readonly held: readonly { readonly qube: string; readonly why: Consent }[]
      readonly report: Report | null
      readonly generation: number | null
    }

/** Brings the host to what the spec says, as far as that needs nobody's consent. */
export async function applyToHost(
  spec: LoadedSpec,
  { options, io }: HostWay,
  who: string,
): Promise<HostApplied> {
  const connection = await connect(options, io, tablesOf(spec))
  const folder = stateFolder(options, io, connection)
  return alone(folder, who, io, async (run) => {
    const session = await listManaged(connection)
    const plan = await planSpec(spec, session, { ...options, parallelism: String(PARALLELISM) }, io)
    const held = plan.qubes.flatMap((planned) => {
      const why = consentFor(planned)
      return why === null ? [] : [{ qube: planned.qube, why }]
    })
    const unattended = { ...plan, qubes: plan.qubes.filter((planned) => consentFor(planned) === null) }
    if (planIsEmpty(unattended)) {
      const isGood = !planIsBlocked(plan) && held.length === 0
      return { kind: 'applied' as const, isGood, plan, held, report: null, generation: null }
    }
    const done = await applyUnasked(unattended, session, { folder, kind: 'rollout', ...run }, io)
    const isGood = reportExitCode(done.report) === EXIT.done && held.length === 0
    return { kind: 'applied' as const, isGood, plan, held, ...done }
  })
}
