import { fileReceipts } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { makePlan, type Plan } from '../../reconciler/index.ts'
import { type Context } from '../context.ts'
import { type PlanningHost } from '../host/index.ts'
import { type LoadedSpec, resolveSpec } from '../source/index.ts'
import { selection, type Selects, type Target } from './targets.ts'

export interface PlanOptions {
  /** What is looked at: parts that a person names, or what a program selects. */
  readonly targets: readonly Target[] | Selects
  /** Qubes planned at once. */
  readonly parallelism: number
  /** Whether also to read what only explains the plan. */
  readonly explain: Explain
  /** `adopt` takes ownership of what is right already, and changes no value. */
  readonly mode?: 'apply' | 'adopt'
}

/** `where-free`: where no policy stands before the host, which would need lines of its own for it. */
type Explain = 'yes' | 'no' | 'where-free'

/** The plan for a spec on a host. Writes nothing. */
export async function planSpec(
  spec: Pick<LoadedSpec, 'manifest' | 'sources'>,
  target: PlanningHost,
  { targets, parallelism, explain, mode = 'apply' }: PlanOptions,
  context: Context,
): Promise<Plan> {
  const { host, qubes, version, stateFolder } = target
  // Git runs while the rest goes on.
  const [commit, desired] = await Promise.all([spec.sources.commit(), resolveSpec(spec, target, context)])
  const selects =
    typeof targets === 'function' ? targets : await selection(targets, desired.qubes.keys(), target, context)
  const plan = await makePlan(desired, {
    host,
    providers,
    qubes,
    version,
    now: context.now().toISOString(),
    commit,
    by: context.actor,
    mode,
    explains: explain === 'yes' || (explain === 'where-free' && !host.hasPolicy),
    receipts: stateFolder === null ? null : fileReceipts(stateFolder, context.warn),
    selects,
    parallelism,
    onQube: (done, total) => {
      context.progress({ kind: 'planning', done, total })
    },
  })
  return { ...plan, tables: Object.fromEntries(spec.sources.tablePaths) }
}
