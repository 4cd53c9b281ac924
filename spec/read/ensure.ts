import { type Code, errorAt, problem } from '../diagnostics/index.ts'
import { ABSENT, CREATABLE, type CreatableClass, SIZE, type VolumeSizes } from '../vocabulary/index.ts'
import { get, type Written } from '../yaml/index.ts'
import { type Reading } from './context.ts'
import { type EnsureStatement } from './manifest.ts'

/** What a body says of whether its qube is there. What the schema refused is passed over: it has been reported. */
export function readEnsure(written: Written | undefined, reading: Reading): EnsureStatement | null {
  if (written === undefined) return null
  const { position } = written
  if (written.kind === 'text' && written.value === ABSENT) return { creates: ABSENT, position }
  const part = (key: string): Written | undefined => {
    const found = get(written, key)
    return found === undefined || reading.refused.has(found) ? undefined : found
  }
  const text = (key: string): string | null => {
    const value = part(key)
    return value?.kind === 'text' ? value.value : null
  }
  const template = text('template')
  const klass = CREATABLE.find((known) => known === text('class')) ?? classFor(template)
  const complain = (key: string, code: Code, message: string, hint: string): void => {
    reading.report(errorAt((part(key) ?? written).position, problem(code, message, hint)))
  }
  if (klass === 'AppVM' && template === null && get(written, 'template') === undefined) {
    complain('class', 'ensure-template', 'an AppVM is made from a template', 'write template: NAME beside it')
  }
  if (klass !== 'AppVM' && template !== null) {
    const hint = 'write class: AppVM, or clone the template by hand (qvm-clone) and leave template out'
    complain('template', 'ensure-clone', `a ${klass} is made empty here, not cloned from a template`, hint)
  }
  if (klass === 'AppVM' && part('root') !== undefined) {
    const hint = 'leave root out; its private volume can have a size'
    complain('root', 'ensure-root', 'the root volume of an AppVM is that of its template', hint)
  }
  const creates = { klass, template, label: text('label'), volumes: volumesOf(text) }
  return { creates, position }
}

const classFor = (template: string | null): CreatableClass => (template === null ? 'StandaloneVM' : 'AppVM')

function volumesOf(text: (key: string) => string | null): VolumeSizes {
  const [root, own] = [bytesOf(text('root')), bytesOf(text('private'))]
  return { ...(root === null ? {} : { root }), ...(own === null ? {} : { private: own }) }
}

function bytesOf(size: string | null): number | null {
  const [, digits, unit] = SIZE.exec(size ?? '') ?? []
  return digits === undefined ? null : Number(digits) * 1024 ** (unit === 'MiB' ? 2 : 3)
}
