import { type ChangeLine } from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import {
  believable,
  believableProblem,
  isCommit,
  isProblemOrNull,
  isText,
  isTextOrNull,
  problemIn,
} from '../rollout/index.ts'
import { KEYS, type MemberStore, type Store } from '../store/index.ts'

/** Asks a host what a commit would change there. It touches nothing. */
interface Ask {
  readonly schema: 'qstate.ask'
  readonly version: 1
  readonly id: string
  readonly commit: string
}

/** What a host answered. */
export interface HostPlan {
  readonly schema: 'qstate.host-plan'
  readonly version: 1
  /** Of the question. */
  readonly id: string
  readonly digest: string | null
  readonly changes: readonly ChangeLine[]
  /** Why there is no plan. */
  readonly trouble: string | null
  /** The same with its code. Agents of before do not say it. */
  readonly problem?: Problem | null
}

export interface PlanningAgent {
  /** What the commit would change; or why that cannot be told. */
  plan(commit: string): Promise<Pick<HostPlan, 'digest' | 'changes' | 'trouble' | 'problem'>>
}

const MAX_CHANGES = 2000

/** Answers the last question, once. The id of what has been answered. Fails with QstateError. */
export async function answer(
  host: string,
  answered: string | null,
  store: Pick<MemberStore, 'get' | 'put'>,
  agent: PlanningAgent,
): Promise<string | null> {
  const ask = readAsk((await store.get(KEYS.asks + host))?.value)
  if (ask === null || ask.id === answered) return answered
  const there = await store.get(KEYS.plans + host)
  if (readHostPlan(there?.value)?.id === ask.id) return ask.id
  const { digest, changes, trouble, problem = null } = await agent.plan(ask.commit)
  const plan: HostPlan = {
    schema: 'qstate.host-plan',
    version: 1,
    id: ask.id,
    digest,
    changes: changes.slice(0, MAX_CHANGES).map(({ qube, what }) => ({ qube, what: believable(what) })),
    trouble: trouble === null ? null : believable(trouble),
    problem: problem === null ? null : believableProblem(problem),
  }
  await store.put(KEYS.plans + host, plan, there?.revision ?? 0)
  return ask.id
}

/** Writes the question for a host. */
export async function ask(store: Store, host: string, id: string, commit: string): Promise<void> {
  const key = KEYS.asks + host
  const question: Ask = { schema: 'qstate.ask', version: 1, id, commit }
  for (;;) {
    const there = await store.get(key)
    if ((await store.put(key, question, there?.revision ?? 0)) !== null) return
  }
}

function readAsk(json: unknown): Ask | null {
  const found = json as Partial<Ask> | null | undefined
  const isAsk =
    typeof found === 'object' &&
    found?.schema === 'qstate.ask' &&
    typeof found.id === 'string' &&
    isCommit(found.commit)
  return isAsk ? (found as Ask) : null
}

/** What was stored, if it is a host's answer. */
export function readHostPlan(json: unknown): HostPlan | null {
  const plan = json as Partial<HostPlan> | null | undefined
  const isPlan =
    typeof plan === 'object' &&
    plan?.schema === 'qstate.host-plan' &&
    typeof plan.id === 'string' &&
    isTextOrNull(plan.digest) &&
    isTextOrNull(plan.trouble) &&
    isProblemOrNull(plan.problem ?? null) &&
    Array.isArray(plan.changes) &&
    plan.changes.length <= MAX_CHANGES &&
    plan.changes.every((line: Partial<ChangeLine> | null) => isText(line?.qube) && isText(line.what))
  return isPlan ? { ...(plan as HostPlan), problem: problemIn(plan.problem ?? null) } : null
}
