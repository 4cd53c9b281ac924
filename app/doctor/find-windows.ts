import { type Client, getFeature, getInheritedFeature, hasTag } from '../../qubesd/index.ts'
import { hasTemplate, type HostQube, mapLimited } from '../../reconciler/index.ts'
import { comesAndGoes, type DesiredState } from '../../spec/index.ts'
import { attempt } from './asking.ts'
import { type Found } from './context.ts'

/**
 * The Windows qubes: those of the spec, and those that say they are, by feature or tag. From a management qube with a
 * spec the others are not asked: its policy is for the qubes of the spec.
 */
export async function findWindows(
  client: Client,
  qubes: readonly HostQube[],
  desired: DesiredState | null,
): Promise<Found> {
  const inSpec = (qube: HostQube): boolean => desired?.qubes.has(qube.name) === true
  const others = client.transport.kind === 'socket' || desired === null
  const asked = qubes.filter((qube) => (inSpec(qube) ? qube.klass !== 'RemoteVM' : others && stays(qube)))
  const answers = await mapLimited(asked, 8, async (qube) => {
    const is = inSpec(qube) ? true : await isWindows(client, qube)
    return { qube, is }
  })
  return {
    windows: answers.flatMap(({ qube, is }) => (is === true ? [qube] : [])),
    unasked: answers.flatMap(({ qube, is }) => (is === undefined ? [qube.name] : [])),
  }
}

/** What is amiss with a disposable for one use is so in its template. A remote qube has no machine here to be looked at. */
const stays = (qube: HostQube): boolean => qube.klass !== 'AdminVM' && !comesAndGoes(qube)

/** Undefined: it could not be asked. */
async function isWindows(client: Client, qube: HostQube): Promise<boolean | undefined> {
  const get = hasTemplate(qube) ? getInheritedFeature : getFeature
  const os = await attempt(() => get(client, qube.name, 'os'))
  if (os.status === 'present' && os.value === 'Windows') return true
  const tag = await attempt(() => hasTag(client, qube.name, 'windows'))
  if (tag.status === 'present' && tag.value) return true
  return os.status === 'unknown' || tag.status === 'unknown' ? undefined : false
}
