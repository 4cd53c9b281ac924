import {
  asking,
  attempt,
  dom0Files,
  type Examination,
  examineAll,
  findWindows,
  ok,
  readScene,
  unreachable,
  versionFinding,
} from '../../app/doctor/index.ts'
import { type LoadedSpec, loadSpec, openSession, tablesOf, tellDiagnostics } from '../../app/host/index.ts'
import { type Client, hasTag } from '../../qubesd/index.ts'
import { type HostQube, mapLimited } from '../../reconciler/index.ts'
import { EXIT, hasCode, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type DesiredState, resolve } from '../../spec/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { doctorView } from '../views/doctor.ts'
import { makeStyle } from '../views/style.ts'

/** Looks at what Windows integration needs, and says how to mend what is amiss. Reads only. */
export async function doctor(paths: readonly string[], options: GlobalOptions, io: Io): Promise<number> {
  const spec = specIfAny(paths, options, io)
  const examination = await lookAround(spec, options, io).catch((error: unknown) => {
    const found = io.signal.aborted ? undefined : unreachable(error)
    if (found === undefined) throw error
    return found
  })
  const { version, examined } = examination
  if (options.json === true) io.out(`${JSON.stringify({ release: version, examined }, null, 2)}\n`)
  else io.out(doctorView(examined, makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)))
  const hasProblem = examined.some(({ findings }) => findings.some(({ verdict }) => verdict === 'problem'))
  return hasProblem ? EXIT.error : EXIT.done
}

/** Without a spec, and none where one is looked for by default, a typical one stands in. */
function specIfAny(paths: readonly string[], options: GlobalOptions, io: Io): LoadedSpec | null {
  try {
    return loadSpec(paths, options, io)
  } catch (error) {
    if (hasCode(error, 'no-spec-given')) return null
    throw error
  }
}

async function lookAround(spec: LoadedSpec | null, options: GlobalOptions, io: Io): Promise<Examination> {
  const session = await openSession(options, io, spec === null ? undefined : tablesOf(spec))
  const asks = asking(session.client)
  const { kind, where } = session.client.transport
  const daemon = {
    check: 'daemon',
    ...ok(kind === 'socket' ? `answers on ${where}` : `answers through ${where}`),
  }
  const { finding, version } = await versionFinding(asks, session.qubes)
  const desired = spec === null ? null : await wantedOf(spec, session.qubes, asks.client, options, io)
  const found = await findWindows(asks.client, session.qubes, desired)
  const start = {
    asking: asks,
    host: session.host,
    dom0: dom0Files(options, io),
    version: version ?? session.version,
    source: io.hostname,
    qubes: session.qubes,
    desired,
  }
  return examineAll(await readScene(start, found), [daemon, finding], version)
}

/** The spec with its selectors applied. A tag that cannot be read matches nothing; the check of policy tells. */
async function wantedOf(
  spec: LoadedSpec,
  qubes: readonly HostQube[],
  client: Client,
  options: GlobalOptions,
  io: Io,
): Promise<DesiredState> {
  const { selects } = spec.manifest
  const asked = selects.needsHost ? qubes.filter(({ klass }) => klass !== 'AdminVM') : []
  const facts = await mapLimited(asked, 8, async ({ name, klass }) => {
    const has = await Promise.all(selects.tags.map((tag) => attempt(() => hasTag(client, name, tag))))
    const isThere = (index: number): boolean => {
      const seen = has[index]
      return seen?.status === 'present' && seen.value
    }
    return { name, klass, tags: new Set(selects.tags.filter((_, index) => isThere(index))) }
  })
  const { desired, diagnostics } = resolve(spec.manifest, { qubes: facts })
  tellDiagnostics(diagnostics, spec.sources, options, io)
  if (desired !== null) return desired
  throw new QstateError(problem('invalid-spec', 'the spec has errors', 'correct what is marked above'))
}
