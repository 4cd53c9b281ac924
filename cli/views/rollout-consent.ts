import { countOf, type HostWithdrawals, qubeOfHost, type RolloutWithdrawals } from '../../app/fleet/index.ts'
import { escapeForTerminal } from '../../spec/diagnostics/index.ts'
import { fold, plural, type Style } from './style.ts'
import { showPath, showValue } from './value.ts'

/** What hosts would withdraw that needs consent, the same together; empty where nothing is known to. */
export function rolloutConsentView({ hosts, unknown }: RolloutWithdrawals, style: Style): string {
  const line = (text: string): string => fold(text, style.width, '')
  const rest =
    unknown.length === 0
      ? []
      : [
          style.dim(
            line(
              `Not known: ${unknown.join(' ')}. One that needs consent withdraws nothing, and the rollout waits for it.`,
            ),
          ),
        ]
  if (hosts.length === 0) return rest.map((text) => `${text}\n`).join('')
  const head = `Consent needed: ${plural(countOf(hosts), 'value')} of ${plural(hosts.length, 'host')} will be withdrawn, since the commit no longer names them.`
  const parts = [
    style.red(line(head)),
    ...sameTogether(hosts).map((group) => groupView(group, style)),
    ...rest,
  ]
  return `${parts.join('\n\n')}\n`
}

/** How a command line agrees to all of it. */
export function consentFlag({ hosts }: RolloutWithdrawals): string {
  const names = namesOf(hosts)
  return `--allow-withdraw ${names.length > MOST_NAMED ? `=${countOf(hosts)}` : names.join(',')}`
}

/** Qubes as a command line names them. */
export const namesOf = (hosts: RolloutWithdrawals['hosts']): readonly string[] =>
  hosts.flatMap(({ host, qubes }) => qubes.map(({ qube }) => qubeOfHost(host, escapeForTerminal(qube))))

const MOST_NAMED = 3

/** UUIDs tell hosts apart that withdraw the same. */
function sameTogether(hosts: RolloutWithdrawals['hosts']): readonly (readonly HostWithdrawals[])[] {
  const groups = new Map<string, HostWithdrawals[]>()
  for (const one of hosts) {
    const values = one.withdrawals.map(({ qube, path, after }) => [qube, path, after])
    const key = JSON.stringify([one.qubes, values, one.isEnough])
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups.values()]
}

function groupView(group: readonly HostWithdrawals[], style: Style): string {
  const [first] = group
  if (first === undefined) return ''
  const names = fold(group.map(({ host }) => host).join(' '), style.width, '  ')
  const own = first.isEnough
    ? []
    : [
        style.yellow(
          fold(
            'the agent’s file there does not take this consent: a person agrees on that host, too',
            style.width,
            '  ',
          ),
        ),
      ]
  const qubes = first.qubes.flatMap(({ qube, isWhole }) => [
    `    ${escapeForTerminal(qube)}${isWhole ? ' (all that qstate owns there)' : ''}`,
    ...first.withdrawals
      .filter((one) => one.qube === qube)
      .map(
        ({ path, after }) =>
          `      ${escapeForTerminal(showPath(path))} → ${escapeForTerminal(showValue(path, after))}`,
      ),
  ])
  return [names, ...own, ...qubes].join('\n')
}
