import { type RolloutPlan } from '../../app/fleet/index.ts'
import { type ChangeLine } from '../../reconciler/index.ts'
import { consentFlag, rolloutConsentView } from './rollout-consent.ts'
import { fold, plural, type Style } from './style.ts'

export function rolloutPlanView(
  { rollout, revision, commit, groups, consent }: RolloutPlan,
  style: Style,
): string {
  const head = `${style.bold(rollout)} · ${commit.slice(0, 12)} (${revision})`
  const parts = groups.map((group) => {
    const hosts = fold(group.hosts.join(' '), style.width, '  ')
    switch (group.kind) {
      case 'change':
        return `${style.yellow(`${plural(group.hosts.length, 'host')}, ${plural(group.changes.length, 'change')}`)}\n${hosts}\n${changeLines(group.changes)}`
      case 'nothing':
        return `${style.green(`${plural(group.hosts.length, 'host')}, nothing to change`)}\n${hosts}`
      case 'trouble':
        return `${style.red(`${plural(group.hosts.length, 'host')} that cannot tell`)}\n${hosts}\n${fold(group.problem?.message ?? '', style.width, '    ')}`
      case 'silent':
        return `${style.dim(`${plural(group.hosts.length, 'host')} that did not answer: away, or without an agent`)}\n${hosts}`
    }
  })
  const consents = rolloutConsentView(consent, style).trimEnd()
  const how = `\`qstate rollout start\` asks for it; without a terminal, add ${consentFlag(consent)}.`
  const all = [
    ...[head, ...parts],
    ...(consents === '' ? [] : [consents]),
    ...(consent.hosts.length === 0 ? [] : [fold(how, style.width, '')]),
  ]
  return `${all.join('\n\n')}\n\nNothing was touched.\n`
}

const changeLines = (changes: readonly ChangeLine[]): string =>
  changes.map(({ qube, what }) => `    ${qube}  ${what}`).join('\n')
