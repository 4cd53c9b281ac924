import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Ensure } from '../../spec/index.ts'
import { formatRecord, ownRecord } from '../ownership/index.ts'
import { type Creation, type QubePlan, type VolumeGrowth } from '../plan/index.ts'
import { type Host, type HostQube, orListed, type VolumeName } from '../ports/index.ts'

/** Name, label and template have been checked: nothing in them can become another option. */
export function creationOf(name: string, ensure: Pick<Ensure, 'klass' | 'template' | 'label'>): Creation {
  const { klass, template, label } = ensure
  const method = `admin.vm.Create.${klass}`
  const calls = [{ dest: 'dom0', method, arg: template ?? '', payload: `name=${name} label=${label}` }]
  return { klass, template, label, calls }
}

export function growthOf(qube: string, name: VolumeName, size: number): VolumeGrowth {
  const calls = [{ dest: qube, method: 'admin.vm.volume.Resize', arg: name, payload: String(size) }]
  return { name, size, calls }
}

export const VOLUMES: readonly VolumeName[] = ['root', 'private']

/** All that the spec says: whether a volume is large enough from the start is seen once it is there. */
export function growthsOf(qube: string, { volumes }: Ensure): readonly VolumeGrowth[] {
  return VOLUMES.flatMap((name) => {
    const size = volumes[name]
    return size === undefined ? [] : [growthOf(qube, name, size)]
  })
}

/** Why a qube cannot be made from a template on this host. */
export function templateProblem(template: string | null, qubes: readonly HostQube[]): string | null {
  if (template === null) return null
  const found = qubes.find(({ name }) => name === template)
  if (found === undefined) return `its template ${template} is not there`
  return found.klass === 'TemplateVM' ? null : `${template} is a ${found.klass}, and no template`
}

/** The qube that has just been made, as the host lists it. */
export async function findCreated(host: Host, name: string): Promise<HostQube & { readonly uuid: string }> {
  const qube = (await host.list()).find((candidate) => candidate.name === name)
  const hint = 'run this again: it goes on from what is there'
  if (qube === undefined) {
    const message = `${name} is not there after it was created`
    throw new QstateError(problem('not-kept', message, orListed(hint, host, name)))
  }
  if (qube.uuid === null)
    throw new QstateError(problem('unreadable-uuid', `${name} is listed without its UUID`, hint))
  return { ...qube, uuid: qube.uuid }
}

/** The plan of a qube that was not there, now that it is: the record that it writes is this very qube's. */
export function identified(plan: QubePlan, uuid: string): QubePlan {
  const record = ownRecord(plan.record.after, { name: plan.qube, uuid: null })
  const after = record === null ? null : formatRecord({ ...record, uuid })
  return { ...plan, uuid, record: { before: null, after } }
}
