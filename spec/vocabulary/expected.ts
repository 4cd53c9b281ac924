import { oneOf } from '../diagnostics/index.ts'
import { canBeAbsent, type Setting } from './settings.ts'

/** What may be written for a setting, in words: for the schema, and for hints. */
export function expectedOf(setting: Setting): string {
  const inherit = canBeAbsent(setting.path) ? ['inherit'] : []
  const words = [...(setting.off === undefined ? [] : ['off']), ...inherit, 'unmanaged']
  if (setting.type.kind === 'bool') return oneOf(['true', 'false', ...words])
  if (setting.type.kind === 'word') return oneOf([...setting.type.words, ...words])
  return oneOf([valueOf(setting), ...words])
}

function valueOf({ type, path, key }: Setting): string {
  if (type.kind === 'int') return `a whole number from ${type.min} to ${type.max} (${type.unit})`
  if (type.kind === 'qube') return 'the name of a qube'
  if (path === 'qube/features/timezone') return 'localtime, seconds from UTC in digits with an optional minus'
  return TEXTS[key] ?? 'a text'
}

const TEXTS: Readonly<Record<string, string>> = {
  kernel: 'the name of a kernel',
  defaultUser: 'a user name',
  label: 'a label such as red',
  videoModel: 'vga, cirrus, none',
  qemuExtraArgs: 'arguments as text',
}
