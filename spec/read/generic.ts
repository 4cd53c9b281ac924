import { problem, warningAt } from '../diagnostics/index.ts'
import {
  canBeAbsent,
  MAX_TEXT,
  nameProblem,
  nearNameProblem,
  NOT_A_FLAG,
  PRINTABLE,
  propertyTextProblem,
  settingOf,
} from '../vocabulary/index.ts'
import { describe, type Entry, type Written } from '../yaml/index.ts'
import { complain, type Draft, say, value } from './context.ts'
import {
  literal,
  noDefault,
  NOT_PRINTABLE,
  numberTrap,
  plainTrap,
  readForm,
  readSetting,
  type Said,
  tooLong,
  wrongNull,
} from './value.ts'

type Store = 'feature' | 'property'

const EXPECTED: Readonly<Record<Store, string>> = {
  feature: 'text, a number, true, false, off, inherit or unmanaged',
  property: 'text, a number, true, false, inherit or unmanaged',
}

/** A feature or property by its own name. One that has a setting goes by that: everything has one address. */
export function readGeneric(store: Store, { key, value: written }: Entry, draft: Draft): void {
  const what = nameProblem(store, key.value)
  if (what !== undefined) {
    complain(draft, key.position, what)
    return
  }
  const setting = settingOf(store, key.value)
  if (setting !== undefined) {
    say(draft, setting.area, setting.path, readSetting(setting, written), written.position)
    return
  }
  const near = nearNameProblem(store, key.value)
  if (near !== undefined) draft.reading.report(warningAt(key.position, near))
  const folder = store === 'feature' ? 'features' : 'properties'
  const path = `qube/${folder}/${key.value}`
  const said = readText(store, written)
  say(
    draft,
    'qube',
    path,
    store === 'property' ? asKept(key.value, path, said, literal(written) !== undefined) : said,
    written.position,
  )
}

/** A property's text as Qubes keeps it: another spelling of the same would be written anew at every apply. */
function asKept(name: string, path: string, said: Said, isLiteral: boolean): Said {
  if (!('value' in said)) return said
  if (said.value === null) return canBeAbsent(path) ? said : { wrong: noDefault(name) }
  const text = said.value
  if (typeof text !== 'string') return said
  if (!isLiteral && /^(?:true|false|yes|no|on|off)$/i.test(text) && text !== 'True' && text !== 'False')
    return { wrong: NOT_A_FLAG }
  const what = propertyTextProblem(name, text)
  return what === undefined ? said : { wrong: what }
}

/** The one text that Qubes will keep for what was written. */
function readText(store: Store, written: Written): Said {
  const form = readForm(written)
  if (form === 'off') return store === 'feature' ? value('') : { wrong: NO_OFF }
  if (form !== undefined) return form
  const text = literal(written) ?? written
  switch (text.kind) {
    case 'text': {
      const trap = plainTrap(text)
      if (trap !== undefined) return { wrong: trap }
      if (!PRINTABLE.test(text.value)) return { wrong: NOT_PRINTABLE }
      return text.value.length > MAX_TEXT
        ? { wrong: tooLong(text.value.length, MAX_TEXT) }
        : value(text.value)
    }
    case 'bool':
      if (store === 'feature') return value(text.value ? '1' : '')
      return value(text.value ? 'True' : 'False')
    case 'number': {
      const trap = numberTrap(text)
      return trap === undefined ? value(text.source) : { wrong: trap }
    }
    case 'null':
      return wrongNull(EXPECTED[store])
    default:
      return {
        wrong: problem('wrong-type', `expected text, got ${describe(text)}`, `expected ${EXPECTED[store]}`),
      }
  }
}

const NO_OFF = problem(
  'no-off',
  'a property that qstate does not know has no off',
  'write false if it is true or false, "" if it names a qube, inherit for the default',
)
