import { type HostSnapshot } from '../../../documents/host/index.ts'
import {
  type Host,
  type Observation,
  type PropertyState,
  type QubeProperties,
  type Reading,
  type Unknown,
} from '../../../reconciler/index.ts'
import { problem, QstateError } from '../../../spec/diagnostics/index.ts'
import { noSuchProperty } from '../qubesd/index.ts'
import { type QubeSnapshot } from './model.ts'

/** A host out of a file: it can be asked like another, and takes no write. */
export function recordedHost(state: HostSnapshot): Host {
  const qubes = new Map(state.qubes.map((qube) => [qube.name, qube]))
  const qubeOf = (name: string): QubeSnapshot => {
    const qube = qubes.get(name)
    if (qube === undefined) throw noQube(name)
    return qube
  }
  return {
    where: `${state.where}, as recorded ${state.recordedAt.slice(0, 16).replace('T', ' ')}`,
    list: () =>
      Promise.resolve(
        state.qubes.map(({ name, klass, state: is, uuid }) => ({ name, klass, state: is, uuid })),
      ),
    version: () => state.release,
    hasPolicy: false,
    ownQube: null,
    read: (name) => Promise.resolve(readingOf(qubeOf(name))),
    state: (name) => Promise.resolve(qubeOf(name).state),
    volumeSize(name, volume) {
      const size = qubeOf(name).volumes[volume]
      if (size !== undefined) return Promise.resolve(size)
      return Promise.reject(recorded(`the size of the volume ${volume} of ${name} was not recorded`))
    },
    tableProblem: (table) => Promise.resolve(state.tables[table] ?? undefined),
    tableTemplates: () => Promise.resolve(state.templates),
    // Texts of files are not recorded.
    templateTexts: () => Promise.resolve(undefined),
    labels: () => Promise.resolve(state.labels ?? NOT_KEPT),
    kernels: () => Promise.resolve(state.kernels ?? NOT_KEPT),
    features: (name) => Promise.resolve(namesOf(qubeOf(name).features)),
    tags: (name) => Promise.resolve(qubeOf(name).tags),
    properties: (name) => Promise.resolve(propertiesOf(qubeOf(name))),
    // What is plugged in and attached is of a moment, and not recorded.
    availableDevices: () => Promise.resolve(NOT_RECORDED),
    attachedDevices: () => Promise.resolve(NOT_RECORDED),
    startObstacle: () => Promise.resolve(NOT_RECORDED),
    inheritedFeature: (name, feature) => Promise.resolve(inheritedOf(qubeOf(name), feature, qubes)),
    exactVersion: () => Promise.resolve(state.exactRelease),
    write: () => Promise.reject(recorded('a recorded host takes no write')),
  }
}

const NOT_RECORDED: Unknown = {
  status: 'unknown',
  problem: problem('recorded', 'devices are not recorded', 'use the host itself'),
}

/** In a file of an earlier version. */
const NOT_KEPT: Unknown = {
  status: 'unknown',
  problem: problem('recorded', 'this was not recorded', 'record the host again'),
}

const namesOf = (all: QubeSnapshot['features']): Observation<readonly string[]> =>
  all.status === 'present' ? { status: 'present', value: Object.keys(all.value) } : all

function propertiesOf({ properties }: QubeSnapshot): Observation<QubeProperties> {
  if (properties.status !== 'present') return properties
  const entries = Object.entries(properties.value).map<[string, Observation<PropertyState>]>(
    ([name, found]) => [name, 'status' in found ? found : { status: 'present', value: found }],
  )
  return { status: 'present', value: new Map(entries) }
}

const noQube = (name: string): QstateError =>
  new QstateError(
    problem('no-such-qube', `there is no qube ${name} in what was recorded`, 'record the host again'),
  )

const recorded = (why: string): QstateError =>
  new QstateError(problem('recorded', why, 'use the host itself, or record it again'))

/** As qubesd looks it up: on the qube, else on its template. */
function inheritedOf(
  qube: QubeSnapshot,
  feature: string,
  qubes: ReadonlyMap<string, QubeSnapshot>,
): Observation<string> {
  const reading = readingOf(qube)
  const own = reading.feature(feature)
  if (own.status !== 'absent') return own
  const template = reading.effective('template')
  const parent = template.status === 'present' ? qubes.get(template.value) : undefined
  return parent === undefined ? own : inheritedOf(parent, feature, qubes)
}

function readingOf(qube: QubeSnapshot): Reading {
  const property = (name: string): Observation<PropertyState> => {
    if (qube.properties.status !== 'present') return qube.properties
    const all = qube.properties.value
    const found = Object.hasOwn(all, name) ? all[name] : undefined
    if (found === undefined) return noSuchProperty(qube.name, name)
    return 'status' in found ? found : { status: 'present', value: found }
  }
  const effective = (name: string): Observation<string> => {
    const seen = property(name)
    return seen.status === 'present' ? { status: 'present', value: seen.value.value } : seen
  }
  return {
    feature(name) {
      if (qube.features.status !== 'present') return qube.features
      const all = qube.features.value
      const found = Object.hasOwn(all, name) ? all[name] : undefined
      if (found === undefined) return { status: 'absent' }
      return typeof found === 'string' ? { status: 'present', value: found } : found
    },
    property(name) {
      const seen = property(name)
      if (seen.status !== 'present') return seen
      return seen.value.isDefault ? { status: 'absent' } : { status: 'present', value: seen.value.value }
    },
    effective,
    peek: (name) => (qube.properties.status === 'absent' ? undefined : effective(name)),
    tag(name) {
      if (qube.tags.status !== 'present') return qube.tags
      return qube.tags.value.includes(name) ? { status: 'present', value: true } : { status: 'absent' }
    },
    usb: () => qube.usb,
    denied: () => qube.denied,
    slic: () => qube.slic,
  }
}
