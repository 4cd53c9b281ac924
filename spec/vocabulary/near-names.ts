import { nearest, problem, type Problem, quote } from '../diagnostics/index.ts'
import { KNOWN_PROPERTIES } from './property-texts.ts'
import { SETTINGS } from './settings.ts'

/**
 * Of a feature or property by its own name, that it is nearly one that Qubes reads: a feature of any name is stored, and a
 * misspelt one changes nothing.
 */
export function nearNameProblem(store: 'feature' | 'property', name: string): Problem | undefined {
  const known = NAMES[store]
  if (known.includes(name)) return undefined
  const near = nearest(name.replaceAll('_', '-'), known.map(dashed)) ?? undefined
  const meant = known.find((one) => dashed(one) === near)
  if (meant === undefined) return undefined
  const message = `the ${store} ${quote(name)} is nearly ${quote(meant)}, which Qubes reads`
  return problem('near-name', message, `did you mean ${quote(meant)}?`)
}

const dashed = (name: string): string => name.replaceAll('_', '-')

const named = (store: 'feature' | 'property'): readonly string[] =>
  SETTINGS.filter((setting) => setting.store === store).map(({ name }) => name)

/** Those of no setting that a Windows qube has, too: none of them is a slip. */
const NAMES = {
  feature: [...named('feature'), 'os', 'qrexec', 'servicevm', 'service.meminfo-writer'],
  property: [...named('property'), ...KNOWN_PROPERTIES],
} as const
