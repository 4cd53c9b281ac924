import { type RolloutConsent } from '../../documents/fleet/index.ts'
import { type Key, KEYS, type PlanAnswer, signConsent, type Store } from '../../fleet/index.ts'
import { type Withdrawal } from '../../reconciler/index.ts'
import { type AllowedWithdrawals } from '../apply/index.ts'

/** What one host would withdraw, which needs consent. */
export interface HostWithdrawals {
  readonly host: string
  readonly qubes: readonly {
    readonly qube: string
    /** No owned setting of it stays. */
    readonly isWhole: boolean
  }[]
  readonly withdrawals: readonly Withdrawal[]
  /** The host takes a consent from the key that is used here; else a person on that host has to agree as well. */
  readonly isEnough: boolean
}

/** What a rollout would withdraw that needs consent. */
export interface RolloutWithdrawals {
  readonly hosts: readonly HostWithdrawals[]
  /** Hosts of which that is not known: they withdraw nothing that needs consent, and the rollout waits for them. */
  readonly unknown: readonly string[]
}

/** What hosts have answered. `publicKey`: of who would agree; null: there is none. */
export function withdrawalsIn(
  hosts: readonly string[],
  plans: ReadonlyMap<string, PlanAnswer>,
  publicKey: string | null,
): RolloutWithdrawals {
  const needed = hosts.flatMap((host): HostWithdrawals[] => {
    const consent = plans.get(host)?.consent ?? null
    if (consent === null) return []
    const { qubes, withdrawals, keys } = consent
    const isEnough = keys === null || (publicKey !== null && keys.includes(publicKey))
    return [{ host, qubes, withdrawals, isEnough }]
  })
  // Earlier agents do not say.
  return { hosts: needed, unknown: hosts.filter((host) => !isKnown(plans.get(host))) }
}

const isKnown = (plan: PlanAnswer | undefined): boolean =>
  plan?.trouble === null && plan.consent !== undefined

/** How a command line names a qube of a host. */
export const qubeOfHost = (host: string, qube: string): string => `${host}:${qube}`

/** Qubes whose withdrawals a command line does not agree to, as it would name them. */
export function notAllowed(
  { hosts }: RolloutWithdrawals,
  { qubes: named, atMost }: AllowedWithdrawals,
): readonly string[] {
  if (countOf(hosts) <= atMost) return []
  const all = hosts.flatMap(({ host, qubes }) => qubes.map(({ qube }) => qubeOfHost(host, qube)))
  return all.filter((one) => !named.includes(one))
}

export const countOf = (hosts: RolloutWithdrawals['hosts']): number =>
  hosts.reduce((sum, { withdrawals }) => sum + withdrawals.length, 0)

interface Agreement {
  readonly fleet: string
  /** Number of the rollout. */
  readonly rollout: number
  readonly commit: string
  readonly by: string
  readonly at: string
  readonly key: Key | null
}

/** Stores what was agreed to, signed for each host by itself. Nothing comes of it before the rollout is stored. */
export async function storeConsents(
  { hosts }: RolloutWithdrawals,
  { fleet, rollout, commit, by, at, key }: Agreement,
  store: Store,
): Promise<void> {
  for (const { host, withdrawals } of hosts) {
    const scope = { fleet, host, rollout, commit }
    const consent = signConsent(scope, { withdrawals, by, at }, key?.seed ?? null)
    const document: RolloutConsent = {
      schema: 'qstate.rollout-consent',
      version: 1,
      rollout,
      commit,
      consent,
    }
    await replace(store, KEYS.consents + host, document)
  }
}

async function replace(store: Store, key: string, document: object): Promise<void> {
  for (;;) {
    const there = await store.get(key)
    if ((await store.put(key, document, there?.revision ?? 0)) !== null) return
  }
}
