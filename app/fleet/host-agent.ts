import { join } from 'node:path'
import { type AgentStatus, type FollowedAgent, type PlanningAgent } from '../../fleet/index.ts'
import { makeFolder, readIfThere, writeDurably } from '../../journal/index.ts'
import { changeDigest, changesOf, failureOf } from '../../reconciler/index.ts'
import { isDomain } from '../../spec/diagnostics/index.ts'
import { type LoadedSpec } from '../host/index.ts'
import { steadyClock } from './clock.ts'
import {
  consentTrouble,
  lookAtHost,
  planOn,
  type Seen,
  silenceOf,
  understand,
  UNSEEN,
} from './host-condition.ts'
import { applyToHost, type HostApplied, type HostWay } from './host-work.ts'

export interface HostAgentContext {
  readonly name: string
  readonly way: HostWay
  /** Where it remembers what it follows. */
  readonly folder: string
  /** Programs that may be asked for as checks. */
  readonly checks: string
  /** The spec of a commit, once the commit is here and its signature was found good. Fails as `specAt` does. */
  readonly spec: (commit: string) => Promise<LoadedSpec>
  readonly who: string
  /** ISO 8601, for people. */
  readonly at: () => string
  /** How old a comparison may be, by the process's clock. */
  readonly compareEveryMs: number
}

interface Remembered {
  readonly following: string | null
  readonly outcome: AgentStatus['outcome']
  readonly commit: string | null
  readonly digest: string | null
  readonly generation: number | null
  readonly trouble: AgentStatus['trouble']
}

const NOTHING: Remembered = {
  following: null,
  outcome: 'idle',
  commit: null,
  digest: null,
  generation: null,
  trouble: null,
}

type Silence = Pick<AgentStatus, 'held' | 'unseenSince'>

/** A host that is brought to commits from here, for hosts that have no agent which looks after itself. */
export interface HostAgent extends FollowedAgent, PlanningAgent {
  onChange(wake: () => void): void
  /** Ends once what is under way has. */
  settled(): Promise<void>
}

export async function hostAgent(context: HostAgentContext): Promise<HostAgent> {
  const file = join(context.folder, 'following.json')
  await makeFolder(context.folder)
  let known: Remembered = { ...NOTHING, ...parse(await readIfThere(file)) }
  let seen: ({ readonly atMs: number; readonly status: Seen } & Silence) | null = null
  let working: Promise<void> | null = null
  let wake: () => void = () => undefined

  const remember = async (next: Partial<Remembered>): Promise<void> => {
    known = { ...known, ...next }
    await writeDurably(file, JSON.stringify(known))
  }
  const work = async (): Promise<void> => {
    const commit = known.following
    if (commit === null) return
    const outcome = await bring(commit, context)
    seen = null
    if (outcome !== null && known.following === commit) await remember(outcome)
    wake()
  }
  const goOn = (): void => {
    working ??= work().finally(() => (working = null))
  }
  return {
    onChange: (listener) => void (wake = listener),
    settled: async () => {
      await working
    },
    async follow({ commit }) {
      if (known.following === commit && known.outcome !== 'failed') return
      await working
      await remember({ following: commit, outcome: 'working', trouble: null })
      goOn()
    },
    plan: (commit) => planOn(() => context.spec(commit), context.way),
    async status({ running, check, fresh, begins = false }) {
      if (known.outcome === 'working') goOn()
      if (fresh || begins || seen === null || steadyClock.now() - seen.atMs > context.compareEveryMs) {
        const { commit, outcome } = known
        const asked = { running, check: fresh ? check : null }
        const held = outcome === 'working' ? null : await silenceOf(context.way)
        const isThere = commit !== null && outcome === 'applied' && held === null
        const status = isThere ? await lookAtHost(() => context.spec(commit), asked, context) : UNSEEN
        // What a check said stands until it is asked for again.
        const said = status.check ?? seen?.status.check ?? null
        const unseenSince = held === null ? null : (seen?.unseenSince ?? context.at())
        seen = { atMs: steadyClock.now(), status: { ...status, check: said }, held, unseenSince }
      }
      const { held, unseenSince } = seen
      return { ...known, ...seen.status, held, unseenSince }
    },
  }
}

/** Null: another run is at work on the host, and it is tried again. */
async function bring(
  commit: string,
  { spec, way, who }: HostAgentContext,
): Promise<Partial<Remembered> | null> {
  try {
    const applied = await applyToHost(await spec(commit), way, who)
    if (applied.kind === 'busy') return null
    const { isGood, plan, generation } = applied
    return {
      outcome: isGood ? 'applied' : 'failed',
      commit,
      digest: changeDigest(changesOf(plan)),
      generation,
      trouble: isGood ? null : troubleIn(applied),
    }
  } catch (error) {
    const trouble = understand(error)
    // What the commit is, no other try changes; a host that cannot be reached may be tried again with another order.
    const isRefused = isDomain(error, 'spec', 'usage')
    return { outcome: isRefused ? 'refused' : 'failed', trouble }
  }
}

function troubleIn({
  plan,
  held,
  report,
}: Extract<HostApplied, { kind: 'applied' }>): AgentStatus['trouble'] {
  for (const one of report?.qubes ?? []) {
    const found = failureOf(one)
    if (found !== null) return { ...found, message: `${one.qube}: ${found.message}` }
    if (one.stale.length > 0)
      return { code: 'stale', message: `${one.qube} changed meanwhile`, hint: 'order it again' }
  }
  const blocked = plan.qubes.flatMap((qube) => qube.blocked.map((one) => ({ qube: qube.qube, ...one })))[0]
  if (blocked !== undefined)
    return { code: 'blocked', message: `${blocked.qube}: ${blocked.why}`, hint: blocked.hint }
  const [waiting] = held
  if (waiting !== undefined && (report?.interrupted ?? null) === null) return consentTrouble(waiting)
  const why = report?.interrupted ?? 'a part of it was not done'
  return { code: 'not-done', message: why, hint: 'see `qstate history` on the host' }
}

function parse(text: string | undefined): Partial<Remembered> {
  try {
    return text === undefined ? {} : (JSON.parse(text) as Partial<Remembered>)
  } catch {
    return {}
  }
}
