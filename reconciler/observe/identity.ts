import { type Host, type HostQube, NO_NEEDS } from '../ports/index.ts'

/** A qube with its UUID, which Qubes 4.2 does not list: there the qube is asked. Null still, where it does not tell. */
export async function identify(qube: HostQube, host: Host): Promise<HostQube> {
  if (qube.uuid !== null) return qube
  const uuid = (await host.read(qube.name, { ...NO_NEEDS, properties: ['uuid'] })).effective('uuid')
  return uuid.status === 'present' ? { ...qube, uuid: uuid.value } : qube
}
