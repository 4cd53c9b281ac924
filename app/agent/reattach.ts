import { type CommittedSpec, type Reattached, type ReattachCare } from '../../agent/index.ts'
import { attachCall } from '../../providers/index.ts'
import {
  type AvailableDevice,
  compareDevices,
  type Host,
  isMeant,
  type LiveWish,
  type Plan,
  settledWishes,
} from '../../reconciler/index.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { driftPolicyOf } from '../../spec/index.ts'
import { type Context } from '../context.ts'
import { type Connection, listManaged } from '../host/index.ts'
import { resolveSpec, sourcesOf } from '../source/index.ts'

/** A device that is assigned to a running qube, plugged in, and attached to no qube. */
interface LostDevice {
  readonly qube: string
  readonly path: string
  readonly device: AvailableDevice
}

/** Runs with the lock of the host, if no other run has it and the agent may still write; undefined: it was not run. */
type IfFree = (run: () => Promise<readonly Reattached[]>) => Promise<readonly Reattached[] | undefined>

/** Attaches again what running qubes have lost, and says of each device what came of it. */
export async function reattachLost(
  spec: CommittedSpec,
  plan: Plan,
  { selects, may }: ReattachCare,
  { connection, ifFree }: { readonly connection: Connection; readonly ifFree: IfFree },
  context: Context,
): Promise<readonly Reattached[]> {
  const { host } = connection
  const wishes = settledWishes(plan).filter(({ qube, path, wanted }) => wanted && selects(qube, path))
  if (wishes.length === 0) return []
  const { present, unread } = await compareDevices(wishes, host)
  const unknown = unread.map((one): Reattached => ({
    ...one,
    status: may(one.qube, one.path) ? 'failed' : 'held',
  }))
  const lost = await correctedOnly(lostOf(wishes, present), spec, connection, context)
  const held = lost.filter(({ qube, path }) => !may(qube, path)).map(heldNow)
  const now = lost.filter(({ qube, path }) => may(qube, path))
  if (now.length === 0) return [...unknown, ...held]
  const tried = await ifFree(async () => {
    const reports: Reattached[] = []
    for (const one of now) reports.push(await attach(one, host))
    return reports
  })
  return [...unknown, ...held, ...(tried ?? now.map(heldNow))]
}

const lostOf = (wishes: readonly LiveWish[], present: readonly AvailableDevice[]): readonly LostDevice[] =>
  wishes.flatMap(({ qube, path }) =>
    present
      .filter((device) => device.attachedTo === null && isMeant(path, device))
      .map((device) => ({ qube, path, device })),
  )

/** Only what the spec itself names, whatever a record says; and where it has drift only reported, the agent's file does not change that. */
async function correctedOnly(
  lost: readonly LostDevice[],
  { manifest, revision }: CommittedSpec,
  connection: Connection,
  context: Context,
): Promise<readonly LostDevice[]> {
  if (lost.length === 0) return []
  const loaded = { sources: sourcesOf(revision), manifest }
  const { qubes } = await resolveSpec(loaded, await listManaged(connection), context)
  return lost.filter(({ qube, path }) => {
    const wanted = qubes.get(qube)
    if (wanted?.settings.has(path) !== true) return false
    return wanted.drift === undefined || driftPolicyOf(wanted.drift, path) !== 'report'
  })
}

const heldNow = ({ qube, path }: LostDevice): Reattached => ({ qube, path, status: 'held', problem: null })

async function attach({ qube, path, device }: LostDevice, host: Host): Promise<Reattached> {
  try {
    await host.write(attachCall(qube, device))
    return { qube, path, status: 'attached', problem: null }
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    return { qube, path, status: 'failed', problem: error.problem }
  }
}
