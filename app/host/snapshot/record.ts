import { type HostSnapshot } from '../../../documents/host/index.ts'
import {
  type Host,
  type HostQube,
  mapLimited,
  NO_NEEDS,
  type Observation,
  type PropertyState,
  type QubesVersion,
  type Unknown,
} from '../../../reconciler/index.ts'
import { problem, QstateError } from '../../../spec/diagnostics/index.ts'
import { type Context } from '../../context.ts'
import { HOST_TABLES, type QubeSnapshot } from './model.ts'

/** A host that answers, and its qubes as they were listed. */
export interface RecordedHost {
  readonly host: Host
  readonly qubes: readonly HostQube[]
  readonly version: QubesVersion
}

const VOLUMES = ['root', 'private'] as const

/** Reads all that a spec could ask about. What is refused is recorded as that. Fails with QstateError where the daemon is gone. */
export async function recordHost(
  { host, version, qubes: all }: RecordedHost,
  { now, progress }: Context,
): Promise<HostSnapshot> {
  const qubes = all.filter(({ klass }) => klass !== 'AdminVM')
  const [first] = qubes
  let done = 0
  const states = await mapLimited(qubes, 4, async (qube) => {
    const state = await recordQube(qube, host)
    done += 1
    progress({ kind: 'recording', done, total: qubes.length })
    return state
  })
  const problems = await Promise.all(
    HOST_TABLES.map(async (table) => [table, (await host.tableProblem(table)) ?? null] as const),
  )
  return {
    schema: 'qstate.host-state',
    version: 1,
    recordedAt: now().toISOString(),
    where: host.where,
    release: version,
    exactRelease: first === undefined ? version : await host.exactVersion(first.name, 'label'),
    qubes: states.sort((a, b) => (a.name < b.name ? -1 : 1)),
    tables: Object.fromEntries(problems),
    templates: await host.tableTemplates(true),
    labels: await host.labels(),
    kernels: await host.kernels(),
  }
}

async function recordQube(qube: HostQube, host: Host): Promise<QubeSnapshot> {
  const { name, klass, state, uuid } = qube
  const [names, properties, tags] = await Promise.all([
    host.features(name),
    host.properties(name),
    host.tags(name),
  ])
  const features = names.status === 'present' ? names.value : []
  const reading = await host.read(name, { ...NO_NEEDS, features, usb: true, denied: true, slic: true })
  return {
    name,
    klass,
    state,
    uuid,
    features:
      names.status === 'present'
        ? {
            status: 'present',
            value: Object.fromEntries(features.map((one) => [one, told(reading.feature(one))])),
          }
        : names,
    properties: mapped(properties, (all) =>
      Object.fromEntries([...all].flatMap(([one, seen]) => toldProperty(one, seen))),
    ),
    tags: mapped(tags, (all) => [...all].sort()),
    usb: reading.usb(),
    denied: reading.denied(),
    slic: reading.slic(),
    volumes: await volumesOf(name, host),
  }
}

/** One that went between two questions is not there. */
function told(feature: Observation<string>): string | Unknown {
  if (feature.status === 'present') return feature.value
  return feature.status === 'unknown'
    ? feature
    : { status: 'unknown', problem: problem('unknown-feature', 'it was just removed', 'record again') }
}

function toldProperty(
  name: string,
  seen: Observation<PropertyState>,
): readonly (readonly [string, PropertyState | Unknown])[] {
  if (seen.status === 'absent') return []
  return [
    [name, seen.status === 'unknown' ? seen : { value: seen.value.value, isDefault: seen.value.isDefault }],
  ]
}

async function volumesOf(name: string, host: Host): Promise<Readonly<Record<string, number>>> {
  const sizes = await Promise.all(
    VOLUMES.map(async (volume) => {
      try {
        return [[volume, await host.volumeSize(name, volume)] as const]
      } catch (error) {
        if (!(error instanceof QstateError) || error.fatal) throw error
        return []
      }
    }),
  )
  return Object.fromEntries(sizes.flat())
}

const mapped = <A, B>(seen: Observation<A>, turn: (value: A) => B): Observation<B> =>
  seen.status === 'present' ? { status: 'present', value: turn(seen.value) } : seen
