import { type DesiredState } from '../../spec/index.ts'
import { type Context } from '../context.ts'
import { connectHost, type ConnectedHost, type HostTarget, staysAtRestart } from '../host/index.ts'
import {
  isNoSpec,
  type LoadedSpec,
  loadSpec,
  resolveSpec,
  type SpecLocation,
  tablesOf,
} from '../source/index.ts'
import { ok } from './check.ts'
import { readContext } from './context.ts'
import { dom0Files } from './dom0.ts'
import { findWindows } from './find-windows.ts'
import { examineAll, type Examination, unreachable, versionFinding } from './run-checks.ts'

/** Looks at what Windows integration needs of a host. Reads only. A host that does not answer is a finding. */
export async function runDoctor(
  location: SpecLocation,
  target: HostTarget,
  context: Context,
): Promise<Examination> {
  const spec = await specIfAny(location, context)
  return lookAround(spec, target, context).catch((error: unknown) => {
    const found = context.signal.aborted ? undefined : unreachable(error)
    if (found === undefined) throw error
    return found
  })
}

/** Where none is named, and none found by default, a typical one stands in. */
async function specIfAny(location: SpecLocation, context: Context): Promise<LoadedSpec | null> {
  try {
    return await loadSpec(location, context)
  } catch (error) {
    if (isNoSpec(error)) return null
    throw error
  }
}

async function lookAround(
  spec: LoadedSpec | null,
  target: HostTarget,
  context: Context,
): Promise<Examination> {
  const connected = await connectHost(target, context, spec === null ? undefined : tablesOf(spec))
  const { host, qubes, recordingDenials, dom0Root } = connected
  const daemon = { check: 'daemon', ...ok(`${host.where} answers`) }
  const { finding, version } = await versionFinding(connected, qubes)
  const desired = spec === null ? null : await desiredOf(spec, connected, context)
  const found = await findWindows(host, qubes, desired)
  const checked = await readContext(
    {
      host,
      recordingDenials,
      dom0: dom0Files(dom0Root),
      stateFolder: { path: target.stateDir, stays: staysAtRestart(target.stateDir) },
      version: version ?? connected.version,
      machine: context.machine,
      qubes,
      desired,
    },
    found,
  )
  return examineAll(checked, [daemon, finding], version)
}

/** A tag that cannot be read matches nothing: the check of policy says why. */
const desiredOf = (spec: LoadedSpec, host: ConnectedHost, context: Context): Promise<DesiredState> =>
  resolveSpec(spec, host, { ...context, warn: () => undefined })
