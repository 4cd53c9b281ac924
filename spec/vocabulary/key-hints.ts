import { nearest, oneOf, quote } from '../diagnostics/index.ts'
import { AREAS } from './desired-state.ts'
import { QUBE_NAME } from './settings.ts'
import { SETTINGS } from './settings.ts'

/** What to write instead of a key that is not known where it stands. */
export function unknownKeyHint(key: string, allowed: readonly string[]): string {
  if (/^[A-Za-z]+:\S/.test(key)) return 'put a space after the colon'
  const spelled = SETTINGS.filter((one) => bare(one.name) === bare(key) || bare(one.key) === bare(key))
  const here = spelled.find((one) => allowed.includes(one.key))
  if (here !== undefined) return `write ${here.key}`
  const elsewhere = spelled.find(({ area }) => area === 'qube') ?? spelled[0]
  if (elsewhere !== undefined && !allowed.includes('apiVersion')) {
    return `write ${elsewhere.area}: { ${elsewhere.key}: ... }`
  }
  const known = OTHER_WORDS[bare(key)]
  if (known !== undefined && allowed.includes(known)) return `write ${known}`
  if (BESIDE_AREAS.has(key) && allowed.includes('features')) return `write ${key} one level up, beside qube`
  if (BESIDE_AREAS.has(key) && allowed.includes('apiVersion'))
    return `write it under its qube: qubes: { NAME: { ${key}: ... } }`
  const near = nearest(key, allowed)
  if (near !== undefined) return `did you mean ${quote(near)}?`
  if (allowed.includes('features')) {
    if (/^[a-z]+(?:_[a-z0-9]+)+$/.test(key)) return `write properties: { ${key}: ... }`
    if (key.includes('-')) return `write features: { ${key}: ... }`
    return 'a feature of this name goes under features, a property under properties'
  }
  if (allowed.includes('apiVersion') && QUBE_NAME.test(key))
    return `if this is a qube, write qubes: { ${key}: ... }; else expected ${oneOf([...allowed].sort())}`
  return allowed.length === 0 ? 'leave it out' : `expected ${oneOf([...allowed].sort())}`
}

const bare = (key: string): string => key.toLowerCase().replace(/[^a-z0-9]/g, '')

/** What a qube says beside `qube`. */
const BESIDE_AREAS: ReadonlySet<string> = new Set([
  ...AREAS.filter((area) => area !== 'qube'),
  ...['ensure', 'extends', 'once', 'drift', 'restart'],
])

/** Words that other tools have for the same thing. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  profile: 'extends',
  inherits: 'extends',
  inheritfrom: 'extends',
  vms: 'qubes',
  domains: 'qubes',
  selectors: 'select',
  klass: 'class',
  vendor: 'identity',
  deviceid: 'identity',
  sound: 'audio',
  stubdomain: 'stubdom',
}
