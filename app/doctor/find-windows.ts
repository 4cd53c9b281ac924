import { hasTemplate, type Host, type HostQube, mapLimited, NO_NEEDS } from '../../reconciler/index.ts'
import { comesAndGoes, type DesiredState } from '../../spec/index.ts'

export interface FoundWindows {
  readonly windows: readonly HostQube[]
  readonly unasked: readonly string[]
}

/**
 * The Windows qubes: those of the spec, and those that say they are, by feature or tag. From a management qube with a
 * spec the others are not asked: its policy is for the qubes of the spec.
 */
export async function findWindows(
  host: Pick<Host, 'hasPolicy' | 'inheritedFeature' | 'read'>,
  qubes: readonly HostQube[],
  desired: DesiredState | null,
): Promise<FoundWindows> {
  const inSpec = (qube: HostQube): boolean => desired?.qubes.has(qube.name) === true
  const others = !host.hasPolicy || desired === null
  const asked = qubes.filter((qube) => (inSpec(qube) ? qube.klass !== 'RemoteVM' : others && stays(qube)))
  const answers = await mapLimited(asked, 8, async (qube) => {
    const is = inSpec(qube) ? true : await isWindows(host, qube)
    return { qube, is }
  })
  return {
    windows: answers.flatMap(({ qube, is }) => (is === true ? [qube] : [])),
    unasked: answers.flatMap(({ qube, is }) => (is === undefined ? [qube.name] : [])),
  }
}

/** What is wrong with a disposable for one use is so in its template. A remote qube has no machine here to be looked at. */
const stays = (qube: HostQube): boolean => qube.klass !== 'AdminVM' && !comesAndGoes(qube)

/** Undefined: it could not be asked. */
async function isWindows(
  host: Pick<Host, 'inheritedFeature' | 'read'>,
  qube: HostQube,
): Promise<boolean | undefined> {
  const { name } = qube
  const os = hasTemplate(qube)
    ? await host.inheritedFeature(name, 'os')
    : (await host.read(name, { ...NO_NEEDS, features: ['os'] })).feature('os')
  if (os.status === 'present' && os.value === 'Windows') return true
  const tag = (await host.read(name, { ...NO_NEEDS, tags: ['windows'] })).tag('windows')
  if (tag.status === 'present') return true
  return os.status === 'unknown' || tag.status === 'unknown' ? undefined : false
}
