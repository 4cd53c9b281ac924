import {
  asHostProblem,
  asHostText,
  type Ask,
  askDocument,
  type HostPlan,
  hostPlanDocument,
  MAX_CHANGES,
} from '../../documents/fleet/index.ts'
import { documentIn, KEYS, type MemberStore, type Store } from '../store/index.ts'

export type PlanAnswer = Pick<HostPlan, 'digest' | 'changes' | 'trouble' | 'problem' | 'consent'>

export interface PlanningAgent {
  /** What the commit would change; or why that cannot be told. */
  plan(commit: string): Promise<PlanAnswer>
}

/** So that all of them fit into what is read. */
const MAX_LINE = 300

/** Answers the last question, once. The id of what has been answered. Fails with QstateError. */
export async function answer(
  host: string,
  answered: string | null,
  store: Pick<MemberStore, 'get' | 'put'>,
  agent: PlanningAgent,
): Promise<string | null> {
  const ask = documentIn(askDocument, await store.get(KEYS.asks + host))
  if (ask === null || ask.id === answered) return answered
  const there = await store.get(KEYS.plans + host)
  if (documentIn(hostPlanDocument, there)?.id === ask.id) return ask.id
  const { digest, changes, trouble, problem = null, consent = null } = await agent.plan(ask.commit)
  const plan: HostPlan = {
    schema: 'qstate.host-plan',
    version: 1,
    id: ask.id,
    digest,
    changes: changes
      .slice(0, MAX_CHANGES)
      .map(({ qube, what }) => ({ qube, what: asHostText(what, MAX_LINE) })),
    trouble: trouble === null ? null : asHostText(trouble),
    problem: problem === null ? null : asHostProblem(problem),
    consent: consent === null ? null : asHostConsent(consent),
  }
  await store.put(KEYS.plans + host, plan, there?.revision ?? 0)
  return ask.id
}

type HostConsent = NonNullable<PlanAnswer['consent']>

/** Texts of a host's own, so that they can be believed. A consent to what they were changed from covers nothing. */
const asHostConsent = ({ qubes, withdrawals, keys }: HostConsent): HostConsent => ({
  qubes: qubes.map(({ qube, isWhole }) => ({ qube: asHostText(qube), isWhole })),
  withdrawals: withdrawals.map(({ qube, uuid, path, after }) => ({
    ...{ qube: asHostText(qube), uuid: asHostText(uuid), path: asHostText(path), after },
  })),
  keys,
})

/** Writes the question for a host. */
export async function ask(store: Store, host: string, id: string, commit: string): Promise<void> {
  const key = KEYS.asks + host
  const question: Ask = { schema: 'qstate.ask', version: 1, id, commit }
  for (;;) {
    const there = await store.get(key)
    if ((await store.put(key, question, there?.revision ?? 0)) !== null) return
  }
}
