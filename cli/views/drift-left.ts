import { driftLeft, type Plan, type QubePlan } from '../../reconciler/index.ts'
import { fold, type Style } from './style.ts'
import { showPath, showValue } from './value.ts'

/** Drift that an apply leaves: what the spec has only reported, and what selectors gave until the host changed. */
export const leftLines = (qube: QubePlan, style: Style): string[] =>
  driftLeft(qube).map(({ path, value, wanted, why }) => {
    const isWanted = qube.reported?.some((one) => one.path === path) === true
    const rest = isWanted ? `and the spec says ${showValue(path, wanted)}` : 'and owned'
    const text = `· ${showPath(path)}: drift, ${why}; it stays ${showValue(path, value)}, ${rest}`
    return style.yellow(fold(text, style.width, '  '))
  })

/** Which qubes have such drift, and what to do about it. */
export function leftSummary({ qubes }: Plan, style: Style): string[] {
  const names = (key: 'unmatched' | 'reported'): string =>
    qubes
      .filter((qube) => qube[key] !== undefined)
      .map(({ qube }) => qube)
      .join(', ')
  const [unmatched, reported] = [names('unmatched'), names('reported')]
  const texts = [
    unmatched === ''
      ? ''
      : `Drift that is left: a selector no longer matches ${unmatched}. Give the tag back, or change the spec to withdraw.`,
    reported === ''
      ? ''
      : `Drift that is only reported: ${reported}. Write \`correct\` for it under \`drift\` to have it set back.`,
  ]
  return texts.filter((text) => text !== '').map((text) => style.yellow(fold(text, style.width, '')))
}
