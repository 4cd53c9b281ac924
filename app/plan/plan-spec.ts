import { fileReceipts, readBaseline } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { consentNeeded, type ConsentRequest, makePlan, type Plan } from '../../reconciler/index.ts'
import { type Context } from '../context.ts'
import { type PlanningHost } from '../host/index.ts'
import { commitOfAll, type LoadedSpec, mixedOrigins, resolveSpec } from '../source/index.ts'
import { otherNames } from './other-names.ts'
import { selection, type Selects, type Target } from './targets.ts'

export interface PlanOptions {
  /** What is looked at: parts that a person names, or what a program selects. */
  readonly targets: readonly Target[] | Selects
  /** Of these, what is not looked at after all. */
  readonly leaveOut?: Selects
  /** Qubes planned at once. */
  readonly parallelism: number
  /** Whether also to read what only explains the plan. */
  readonly explain: Explain
  /** `adopt` takes ownership of what is right already, and changes no value. */
  readonly mode?: 'apply' | 'adopt'
  /** Whether what a selector no longer matches, without a commit, is withdrawn; without it: nothing of it is. */
  readonly withdrawsUnmatched?: (path: string) => boolean
}

/** `where-free`: where no policy stands before the host, which would need lines of its own for it. */
type Explain = 'yes' | 'no' | 'where-free'

/** The plan for a spec on a host. Writes nothing. */
export async function planSpec(
  spec: Pick<LoadedSpec, 'manifest' | 'sources'>,
  target: PlanningHost,
  {
    targets,
    leaveOut = () => false,
    parallelism,
    explain,
    mode = 'apply',
    withdrawsUnmatched = () => false,
  }: PlanOptions,
  context: Context,
): Promise<Plan> {
  const { host, qubes, version, stateFolder } = target
  // Git runs while the rest goes on.
  const [origins, desired] = await Promise.all([spec.sources.origins(), resolveSpec(spec, target, context)])
  const receipts = stateFolder === null ? null : fileReceipts(stateFolder, context.warn)
  const mixed = mixedOrigins(origins)
  if (mixed !== undefined) context.warn(mixed)
  const selects =
    typeof targets === 'function' ? targets : await selection(targets, desired.qubes.keys(), target, context)
  const plan = await makePlan(desired, {
    host,
    providers,
    qubes,
    version,
    now: context.now().toISOString(),
    commit: commitOfAll(origins),
    origins,
    by: context.actor,
    mode,
    withdrawsUnmatched,
    explains: explain === 'yes' || (explain === 'where-free' && !host.hasPolicy),
    selects: (qube, path) => selects(qube, path) && !leaveOut(qube, path),
    receipts,
    parallelism,
    onQube: (done, total) => {
      context.progress({ kind: 'planning', done, total })
    },
  })
  const names = await otherNames(plan, desired, target, receipts)
  if (names !== undefined) context.warn(names)
  const consent = await consentFor(plan, target, context)
  return {
    ...plan,
    ...(consent === null ? {} : { consent }),
    tables: Object.fromEntries(spec.sources.tablePaths),
  }
}

/** The consent that the withdrawals of a plan need; null: none, as with most plans. */
async function consentFor(
  plan: Plan,
  { stateFolder, qubes }: Pick<PlanningHost, 'stateFolder' | 'qubes'>,
  { warn }: Context,
): Promise<ConsentRequest | null> {
  if (plan.qubes.every(({ leaves }) => leaves === undefined)) return null
  const baseline = stateFolder === null ? {} : await readBaseline(stateFolder, warn)
  const moved = plan.qubes.map(({ movedFrom }) => movedFrom?.uuid)
  const uuids = new Set([...qubes.map(({ uuid }) => uuid), ...moved])
  // What a qube owned that is gone is no part of what is owned.
  const measured = Object.entries(baseline).filter(([uuid]) => uuids.has(null) || uuids.has(uuid))
  return consentNeeded(plan, Object.fromEntries(measured))
}
