import { SLIC_REMOVE, SLIC_SET, type SlicStore } from '../../../providers/index.ts'
import {
  type Client,
  exactVersion,
  getInheritedFeature,
  listedVersion,
  listAttached,
  listAvailable,
  listFeatures,
  listKernels,
  listLabels,
  listQubes,
  listTags,
  namesRefusals,
  policyLine,
  powerState,
  send,
  VERSIONS,
  volumeSize,
} from '../../../qubesd/index.ts'
import { type Host, type HostCall, type QubesVersion } from '../../../reconciler/index.ts'
import { startObstacle } from '../slic/index.ts'
import { readAllProperties } from './properties.ts'
import { observe, readQube } from './reading.ts'

export interface QubesHostOptions {
  readonly client: Client
  readonly slic: SlicStore
  /** `/` of dom0, or the folder that stands in for it; without it the files of dom0 cannot be seen from here. */
  readonly dom0Root?: string | null
  /** Which Qubes it is, where that is known already; listing the qubes finds out. */
  readonly version?: QubesVersion
}

/** The host behind a qubesd, as the core wants it: failures of reading become `unknown`, failures of writing QstateError. */
export function qubesHost(options: QubesHostOptions): Host {
  const { client, slic, dom0Root = null } = options
  const { kind, where } = client.transport
  let { version = '4.3' } = options
  return {
    where: kind === 'socket' ? where : `dom0, through ${where}`,
    async list() {
      const qubes = await listQubes(client)
      version = listedVersion(qubes)
      return qubes
    },
    hasPolicy: kind !== 'socket',
    ownQube: client.transport.ownQube ?? null,
    ...(kind === 'socket' ? {} : { howListed: (qube: string) => howListed(qube, client.source) }),
    version: listedVersion,
    read: (qube, needs) => readQube({ client, slic, version }, qube, needs),
    labels: () => observe(listLabels(client)),
    kernels: () => observe(listKernels(client)),
    features: (qube) => observe(listFeatures(client, qube)),
    tags: (qube) => observe(listTags(client, qube)),
    properties: (qube) => readAllProperties(client, qube),
    availableDevices: (backend, kind) => observe(listAvailable(client, version, backend, kind)),
    attachedDevices: (qube, kind) => observe(listAttached(client, qube, kind)),
    startObstacle: (qube) => Promise.resolve(startObstacle(dom0Root, qube)),
    inheritedFeature: (qube, name) => observe(getInheritedFeature(client, qube, name)),
    async exactVersion(qube, property) {
      if (!VERSIONS[version].listsUuids) return version
      const seen = await observe(namesRefusals(client, qube, property))
      return exactVersion(version, seen.status === 'present' && seen.value)
    },
    state: (qube) => powerState(client, qube),
    volumeSize: (qube, volume) => volumeSize(client, qube, volume),
    tableProblem: (table) => slic.problem(table),
    async tableTemplates(asked) {
      if (slic.listingCosts && !asked) return { status: 'present', value: [] }
      return observe(slic.list())
    },
    async templateTexts(qube, tables) {
      const seen = await observe(slic.texts(qube, tables))
      return seen.status === 'present' ? seen.value : undefined
    },
    write: (call) => writeCall(options, call),
  }
}

/** Of the list of all qubes qubesd tells a qube those only that policy lets it list one by one. */
function howListed(qube: string, source: string): string {
  const line = policyLine({ dest: qube, method: 'admin.vm.List', arg: '', payload: '' }, source)
  return `or, if it is there, have policy in dom0 let it be listed:\n  ${line}`
}

async function writeCall({ client, slic }: QubesHostOptions, call: HostCall): Promise<void> {
  if (call.method === SLIC_SET) await slic.set(call.arg, call.payload.split('\n'))
  else if (call.method === SLIC_REMOVE) await slic.remove(call.arg)
  else await send(client, call)
}
