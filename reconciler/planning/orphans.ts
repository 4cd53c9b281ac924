import { type DesiredState, isValueFor, SLIC_TABLES } from '../../spec/index.ts'
import { type OrphanTemplate, type Plan, type QubePlan } from '../plan/index.ts'
import {
  type HostQube,
  mapLimited,
  NO_NEEDS,
  type Observation,
  type Orphan,
  providerOf,
} from '../ports/index.ts'
import { type Moves } from './moves.ts'
import { type PlanContext } from './plan-context.ts'

/** Templates go by a qube's name: a spec has to do with them by `slic`, and by a new qube, which would get the tables of an old one. */
export const asksForTemplates = ({ qubes }: DesiredState, there: ReadonlyMap<string, HostQube>): boolean =>
  [...qubes.values()].some(
    ({ name, settings, ensure }) =>
      settings.has(SLIC_TABLES) || (ensure !== undefined && ensure !== 'absent' && !there.has(name)),
  )

/** Templates of ours that nothing took along when their qube was renamed or removed. */
export async function findOrphans(
  desired: DesiredState,
  planned: readonly QubePlan[],
  templates: Observation<readonly Orphan[]>,
  context: PlanContext & { readonly moves: Moves },
): Promise<Pick<Plan, 'orphans' | 'orphansUnknown'>> {
  const { host, qubes } = context
  const isLeft = planned.some(
    ({ movedFrom, leaves }) => movedFrom !== undefined && leaves?.includes(SLIC_TABLES) === true,
  )
  const listed = isLeft ? await host.tableTemplates(true) : templates
  if (listed.status === 'unknown') return { orphansUnknown: listed.problem }
  const all = listed.status === 'present' ? listed.value : []
  const orphans = all.filter(({ qube }) => !qubes.some(({ name }) => name === qube))
  if (orphans.length === 0) return {}
  return {
    orphans: await mapLimited(orphans, 1, async (orphan) => {
      const to = context.moves.renames.find(({ from }) => from === orphan.qube)?.to
      if (to === undefined || !isFollowed(to, desired, planned, context)) return orphan
      return { ...(await removedOrphan(orphan, context)), movedTo: to }
    }),
  }
}

/** Whether an apply of the plan leaves a qube that was renamed with what it is to have instead of its old template. */
function isFollowed(
  to: string,
  { qubes }: DesiredState,
  planned: readonly QubePlan[],
  { mode, selects }: PlanContext,
): boolean {
  const blocked = planned.find(({ qube }) => qube === to)?.blocked
  const isBlocked = blocked?.some(({ path }) => path === null || path === SLIC_TABLES) ?? true
  const isLeft = qubes.get(to)?.unmanaged?.has(SLIC_TABLES) === true
  return mode !== 'adopt' && !isBlocked && !isLeft && selects(to, SLIC_TABLES)
}

/** A template of a qube that is gone, with what it holds, if it is as qstate writes one: then it is removed. */
export async function removedOrphan(
  orphan: Orphan,
  { host, providers, version }: Pick<PlanContext, 'host' | 'providers' | 'version'>,
): Promise<OrphanTemplate> {
  const qube = { name: orphan.qube, klass: '', state: 'Halted', uuid: null }
  const reading = await host.read(orphan.qube, { ...NO_NEEDS, slic: true })
  const slic = providerOf(providers, SLIC_TABLES)
  const seen = slic.decode(SLIC_TABLES, reading, { qube, version })
  if (seen.status !== 'present' || !Array.isArray(seen.value)) return orphan
  const isOurs = isValueFor(SLIC_TABLES, seen.value) || slic.isOwnMaking?.(SLIC_TABLES, seen.value) === true
  return isOurs ? { ...orphan, removes: seen.value as readonly string[] } : orphan
}
