import { type HostPlan } from '../../fleet/index.ts'
import { type ChangeLine } from '../../reconciler/index.ts'
import { fold, plural, type Style } from './style.ts'

/** Hosts for which a rollout would do the same. */
export interface PlanGroup {
  readonly kind: 'change' | 'nothing' | 'trouble' | 'silent'
  readonly digest: string | null
  readonly hosts: readonly string[]
  readonly changes: readonly ChangeLine[]
  /** Why nothing can be said of them. */
  readonly trouble: string | null
}

/** The most hosts first; what is amiss last. */
export function groupPlans(
  hosts: readonly string[],
  plans: ReadonlyMap<string, Pick<HostPlan, 'digest' | 'changes' | 'trouble'>>,
): readonly PlanGroup[] {
  const groups = new Map<string, PlanGroup>()
  for (const host of hosts) {
    const plan = plans.get(host)
    const kind = kindOf(plan)
    const key = `${kind} ${plan?.digest ?? ''} ${plan?.trouble ?? ''}`
    const { changes = [], digest = null, trouble = null } = plan ?? {}
    const group = groups.get(key) ?? { kind, digest, hosts: [], changes, trouble }
    groups.set(key, { ...group, hosts: [...group.hosts, host] })
  }
  const order = ['change', 'nothing', 'trouble', 'silent']
  return [...groups.values()].sort(
    (a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || b.hosts.length - a.hosts.length,
  )
}

function kindOf(plan: Pick<HostPlan, 'changes' | 'trouble'> | undefined): PlanGroup['kind'] {
  if (plan === undefined) return 'silent'
  if (plan.trouble !== null) return 'trouble'
  return plan.changes.length > 0 ? 'change' : 'nothing'
}

export function rolloutPlanView(
  told: {
    readonly rollout: string
    readonly revision: string
    readonly commit: string
    readonly groups: readonly PlanGroup[]
  },
  style: Style,
): string {
  const head = `${style.bold(told.rollout)} · ${told.commit.slice(0, 12)} (${told.revision})`
  const parts = told.groups.map((group) => {
    const hosts = fold(group.hosts.join(' '), style.width, '  ')
    switch (group.kind) {
      case 'change':
        return `${style.yellow(`${plural(group.hosts.length, 'host')}, ${plural(group.changes.length, 'change')}`)}\n${hosts}\n${changeLines(group.changes)}`
      case 'nothing':
        return `${style.green(`${plural(group.hosts.length, 'host')}, nothing to change`)}\n${hosts}`
      case 'trouble':
        return `${style.red(`${plural(group.hosts.length, 'host')} that cannot tell`)}\n${hosts}\n${fold(group.trouble ?? '', style.width, '    ')}`
      case 'silent':
        return `${style.dim(`${plural(group.hosts.length, 'host')} that did not answer: away, or without an agent`)}\n${hosts}`
    }
  })
  return `${[head, ...parts].join('\n\n')}\n\nNothing was touched.\n`
}

const changeLines = (changes: readonly ChangeLine[]): string =>
  changes.map(({ qube, what }) => `    ${qube}  ${what}`).join('\n')
