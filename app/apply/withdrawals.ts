import { type ConsentRequest, type Plan, withLeaving } from '../../reconciler/index.ts'
import { problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'

/** Withdrawals that a command line agrees to: the qubes by name, or no more than a number of values. */
export interface AllowedWithdrawals {
  readonly qubes: readonly string[]
  readonly atMost: number
}

/**
 * Reads `win7,win8` or `=14`. Fails with `bad-option`: a consent names what it is for. `example`: names as they are to be written, which
 * have a colon where that has one.
 */
export function readAllowedWithdrawals(texts: readonly string[], example = 'win7,win8'): AllowedWithdrawals {
  const hasHost = example.includes(':')
  const words = texts.flatMap((text) => text.split(',')).map((word) => word.trim())
  const numbers = words.filter((word) => word.startsWith('='))
  const counts = numbers.map((word) => Number(word.slice(1)))
  const isName = (word: string): boolean => word.startsWith('=') || word.includes(':') === hasHost
  const areNumbers = counts.every((count) => Number.isSafeInteger(count) && count > 0)
  if (words.includes('') || !words.every(isName) || !areNumbers) {
    const hint = `name the qubes, such as ${example}, or the number of values, such as =14`
    throw new QstateError(problem('bad-option', '--allow-withdraw takes names of qubes, or a number', hint))
  }
  return { qubes: words.filter((word) => !word.startsWith('=')), atMost: Math.max(0, ...counts) }
}

/**
 * A fresh plan without the withdrawals that need a consent which is not given: they are blocked, their settings stay owned, and the
 * rest goes on. `replan` makes the plan again without some settings.
 */
export async function withholdWithdrawals(
  plan: Plan,
  allowed: AllowedWithdrawals,
  replan: (leaveOut: (qube: string, path: string) => boolean) => Promise<Plan>,
): Promise<Plan> {
  const { consent } = plan
  if (consent === undefined || consent.withdrawals.length <= allowed.atMost) return plan
  const withheld = new Map(
    consent.qubes.filter(({ qube }) => !allowed.qubes.includes(qube)).map((one) => [one.qube, one]),
  )
  if (withheld.size === 0) return plan
  const kept = await replan((qube, path) => withheld.get(qube)?.leaves.includes(path) === true)
  const leaving = new Map([...withheld].map(([qube, { leaves }]) => [qube, leaves]))
  const again = new Map(withLeaving(kept, leaving).qubes.map((qube) => [qube.qube, qube]))
  const blocked = plan.qubes.flatMap((planned) => {
    const one = withheld.get(planned.qube)
    if (one === undefined) return []
    const { record } = planned
    const untouched = { ...planned, changes: [], notes: [], record: { ...record, after: record.before } }
    const now = again.get(planned.qube) ?? untouched
    return [{ ...now, blocked: [...now.blocked, { path: null, problem: notAllowed(one, consent) }] }]
  })
  const names = new Set(blocked.map(({ qube }) => qube))
  const all = [...kept.qubes.filter(({ qube }) => !names.has(qube)), ...blocked]
  return { ...kept, qubes: all.sort((a, b) => (a.qube < b.qube ? -1 : 1)) }
}

function notAllowed(
  { qube, leaves, isWhole }: ConsentRequest['qubes'][number],
  { withdrawals }: ConsentRequest,
): Problem {
  const what = isWhole
    ? 'the spec no longer names any setting that qstate owns here'
    : `the spec no longer names ${leaves.length} of the settings that qstate owns here`
  return problem(
    'withdrawal-not-allowed',
    `${what}: they are not withdrawn without consent`,
    `restore their lines, or apply with --allow-withdraw ${qube} (or =${withdrawals.length} for all that this plan withdraws)`,
  )
}
