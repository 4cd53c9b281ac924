import { CONSENT, type Consent, runCheck } from '../../agent/index.ts'
import { type AgentStatus, type Asked, type PlanningAgent } from '../../fleet/index.ts'
import { type Change, changeDigest, changesOf, type Plan } from '../../reconciler/index.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { type LoadedSpec, openSession } from '../host/index.ts'
import { compareHost, type HostWay } from './host-work.ts'

/** How a host is, beside what it has applied. */
export type Seen = Pick<AgentStatus, 'drift' | 'restarts' | 'notRunning' | 'check'>

export const UNSEEN: Seen = { drift: null, restarts: 0, notRunning: [], check: null }

/** A host, and the programs that its owner lets be asked for as checks. */
export interface LookedAt {
  readonly name: string
  readonly way: HostWay
  readonly checks: string
}

/** What is asked of a host, and which changes that it would need count as drift; without that, all. */
export interface Asking extends Pick<Asked, 'running' | 'check'> {
  readonly counts?: (change: Change) => boolean
}

/** How a host is now, compared with a spec. One that cannot be looked at shows nothing at all. */
export async function lookAtHost(
  spec: () => LoadedSpec | Promise<LoadedSpec>,
  { running, check, counts = () => true }: Asking,
  { name, way, checks }: LookedAt,
): Promise<Seen> {
  try {
    const { plan, running: runs, qubes } = await compareHost(await spec(), way)
    const env = { QSTATE_HOST: name }
    const found = check === null ? null : await runCheck(checks, check, env, way.io.signal)
    return {
      drift: changesOf(only(plan, counts)).length,
      restarts: plan.qubes.filter(({ waiting }) => waiting.length > 0).length,
      notRunning: running.filter((qube) => qubes.has(qube) && !runs.has(qube)),
      check: found,
    }
  } catch (error) {
    understand(error)
    return { ...UNSEEN, check: check === null ? null : 'failed' }
  }
}

/** Why a host cannot be asked anything; null: it answers. One call, which writes nothing. */
export async function silenceOf(way: HostWay): Promise<string | null> {
  try {
    await openSession(way.options, way.io)
    return null
  } catch (error) {
    return `its host cannot be asked: ${understand(error).message}`
  }
}

const only = (plan: Plan, counts: (change: Change) => boolean): Plan => ({
  ...plan,
  qubes: plan.qubes.map((qube) => ({ ...qube, changes: qube.changes.filter(counts) })),
})

/** What a spec would change on a host, or why that cannot be told. */
export async function planOn(
  spec: () => LoadedSpec | Promise<LoadedSpec>,
  way: HostWay,
): ReturnType<PlanningAgent['plan']> {
  try {
    const changes = changesOf((await compareHost(await spec(), way)).plan)
    return { digest: changeDigest(changes), changes, trouble: null }
  } catch (error) {
    return { digest: null, changes: [], trouble: understand(error).message }
  }
}

/** What went wrong, for a report. What nobody foresaw is thrown on. */
export function understand(error: unknown): NonNullable<AgentStatus['trouble']> {
  if (!(error instanceof QstateError)) throw error
  const { code, message, hint } = error
  return { code, message: message.slice(0, 1500), hint: hint.slice(0, 500) }
}

/** A host that needs a person's consent has not been brought to what it was ordered. */
export const consentTrouble = ({
  qube,
  why,
}: {
  readonly qube: string
  readonly why: Consent
}): NonNullable<AgentStatus['trouble']> => ({
  code: why,
  message: `${qube}: ${CONSENT[why].what}`,
  hint: `on that host: ${CONSENT[why].how}`,
})
