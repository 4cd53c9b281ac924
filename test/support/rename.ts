import { type Simulator } from '../../simulator/index.ts'
import { act } from './requests.ts'

/** What a clone has of its own. */
const OWN: ReadonlySet<string> = new Set(['name', 'qid', 'uuid', 'mac', 'backup_timestamp'])

/** Clones a qube as qvm-clone does: properties, features, tags and assigned devices, under another name and UUID. */
export function cloneQube(simulator: Simulator, from: string, to: string): void {
  const { qubes } = simulator.host
  const origin = qubes.get(from)
  if (origin === undefined) throw new Error(`there is no ${from}`)
  const template = origin.properties.get('template')
  act(simulator, {
    dest: 'dom0',
    method: `admin.vm.Create.${origin.klass}`,
    arg: typeof template === 'string' ? template : '',
    payload: `name=${to} label=${String(origin.properties.get('label'))}`,
  })
  const clone = qubes.get(to)
  if (clone === undefined) throw new Error(`${to} was not created`)
  for (const [name, value] of origin.properties) if (!OWN.has(name)) clone.properties.set(name, value)
  for (const [name, value] of origin.features) clone.features.set(name, value)
  for (const tag of origin.tags) if (!tag.startsWith('created-by-')) clone.tags.add(tag)
  for (const [key, assignment] of origin.assignments) clone.assignments.set(key, assignment)
}

/** Fails while another qube, or the host, uses it, as qvm-remove does. */
export const removeQube = (simulator: Simulator, qube: string): void => {
  act(simulator, { dest: qube, method: 'admin.vm.Remove', arg: '', payload: '' })
}

/** Qubes renames by clone and removal. */
export function renameQube(simulator: Simulator, from: string, to: string): void {
  cloneQube(simulator, from, to)
  removeQube(simulator, from)
}
