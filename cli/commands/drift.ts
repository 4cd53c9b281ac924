import { openManaged, type PlanOptions, planSpec, tablesOf } from '../../app/host/index.ts'
import { agentState, findSpec, type SpecOptions } from '../../app/source/index.ts'
import { type Plan, planIsBlocked } from '../../reconciler/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { driftView } from '../views/drift.ts'
import { makeStyle } from '../views/style.ts'

/** What somebody has changed on the host since qstate set it, and nothing else. Writes nothing. */
export async function drift(
  paths: readonly string[],
  options: GlobalOptions & PlanOptions & SpecOptions,
  io: Io,
): Promise<number> {
  const spec = await findSpec(paths, options, io, () => agentState(options, io))
  const session = await openManaged(options, io, tablesOf(spec))
  const plan = await planSpec(spec, session, { ...options, explain: false }, io)
  const found = driftIn(plan)
  if (options.json === true) {
    const noticed = (await agentState(options, io))?.memory.drift ?? []
    const told = found.map((one) => {
      const known = noticed.find(({ qube, path }) => qube === one.qube && path === one.path)
      return known === undefined ? one : { ...one, since: known.since, noticed: known.noticed }
    })
    const { spec: of, host } = plan
    io.out(`${JSON.stringify({ spec: of, host, drift: told, blocked: blockedIn(plan) }, null, 2)}\n`)
  } else io.out(driftView(plan, makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)))
  // What could not be looked at may have drifted: that there is none is only said where all was seen.
  if (found.length > 0) return EXIT.changes
  return planIsBlocked(plan) ? EXIT.error : EXIT.done
}

interface Found {
  readonly qube: string
  readonly path: string
  readonly wanted: unknown
  readonly found: unknown
}

const driftIn = ({ qubes }: Plan): readonly Found[] =>
  qubes.flatMap(({ qube, changes }) =>
    changes
      .filter(({ reason }) => reason === 'drift')
      .map(({ path, before, after }) => ({ qube, path, wanted: after, found: before })),
  )

const blockedIn = ({ qubes }: Plan): readonly object[] =>
  qubes.flatMap(({ qube, blocked }) => blocked.map((entry) => ({ qube, ...entry })))
