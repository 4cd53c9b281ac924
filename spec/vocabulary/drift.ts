import { nearest, oneOf, problem, type Problem, quote } from '../diagnostics/index.ts'
import { AREAS, type DriftPolicies, type DriftPolicy } from './desired-state.ts'
import { isSettingPath } from './paths.ts'
import { pathProblem } from './path-problem.ts'
import { settingOf, SETTINGS } from './settings.ts'

export const DRIFT_WORDS: readonly DriftPolicy[] = ['correct', 'report']

/** Stands for all settings without a more specific policy. */
export const DRIFT_DEFAULT = 'default'

/** Keys of more than one setting. */
export const DRIFT_GROUPS: readonly string[] = [DRIFT_DEFAULT, ...AREAS]

/** What the most specific of some policies says of a setting; undefined: none says anything. */
export const driftPolicyOf = (policies: DriftPolicies, path: string): DriftPolicy | undefined =>
  policies.get(path) ?? policies.get(path.slice(0, path.indexOf('/'))) ?? policies.get(DRIFT_DEFAULT)

/** Why a drift policy cannot be for this, and what to write; undefined: it can. */
export function driftKeyProblem(key: string): Problem | undefined {
  if (DRIFT_GROUPS.includes(key) || isSettingPath(key)) return undefined
  const known = settingFor(key)
  const what = `there is no setting ${quote(key)}`
  if (known !== undefined) return problem('unknown-setting', what, `write ${known}`)
  const named = pathProblem(key)
  if (named !== undefined) return named
  const near = nearest(key, [...DRIFT_GROUPS, ...SETTINGS.map(({ path }) => path)])
  const forms = oneOf([...AREAS, 'a setting such as audio/model, qube/features/NAME, tags/NAME'])
  return problem('unknown-setting', what, near === undefined ? `expected ${forms}` : `did you mean ${near}?`)
}

/** The one path of a setting that is written in another way: with dots, by its key, or by the name that Qubes has for it. */
function settingFor(key: string): string | undefined {
  const path = key.replace(/^qube[./](features|properties)\./, 'qube/$1/').replace(/^([a-z]+)\./, '$1/')
  if (isSettingPath(path)) return path
  const [, store, name = ''] = /^qube\/(features|properties)\/(.+)$/.exec(path) ?? []
  if (store !== undefined) return settingOf(store === 'features' ? 'feature' : 'property', name)?.path
  const names = (setting: (typeof SETTINGS)[number]): readonly string[] => [
    ...[setting.key, setting.name],
    ...[`${setting.area}/${setting.key}`, `${setting.area}/${setting.name}`],
  ]
  const found = SETTINGS.filter((setting) => names(setting).includes(path))
  return (found.find(({ area }) => area === 'qube') ?? found[0])?.path
}
