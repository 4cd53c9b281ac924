import { SLIC_REMOVE, SLIC_SET, type SlicStore } from '../../../providers/index.ts'
import {
  type Client,
  getInheritedFeature,
  listQubes,
  namesRefusals,
  policyLine,
  powerState,
  QubesdError,
  send,
  volumeSize,
} from '../../../qubesd/index.ts'
import { type Host, type HostCall, type HostQube, type Release } from '../../../reconciler/index.ts'
import { hasCode, QstateError } from '../../../spec/diagnostics/index.ts'
import { observe, readQube } from './reading.ts'

export interface QubesHostOptions {
  readonly client: Client
  readonly slic: SlicStore
}

/** The host behind a qubesd, as the core wants it: failures of reading become `unknown`, failures of writing QstateError. */
export function qubesHost(options: QubesHostOptions): Host {
  const { client, slic } = options
  const { kind, where } = client.transport
  let release: Release = '4.3'
  return {
    where: kind === 'socket' ? where : `dom0, through ${where}`,
    async list() {
      try {
        return await listQubes(client)
      } catch (error) {
        throw error
      }
    },
    ...(kind === 'socket' ? {} : { howListed: (qube: string) => howListed(qube, client.source) }),
    release(qubes: readonly HostQube[]) {
      release = qubes.some((qube) => qube.uuid !== null) ? '4.3' : '4.2'
      return release
    },
    read: (qube, needs) => readQube({ client, slic, release }, qube, needs),
    inheritedFeature: (qube, name) => observe(getInheritedFeature(client, qube, name)),
    async exactRelease(qube, property) {
      if (release === '4.2') return release
      const seen = await observe(namesRefusals(client, qube, property))
      return seen.status === 'present' && seen.value ? '4.4' : release
    },
    async state(qube) {
      try {
        return await powerState(client, qube)
      } catch (error) {
        throw error
      }
    },
    async volumeSize(qube, volume) {
      try {
        return await volumeSize(client, qube, volume)
      } catch (error) {
        throw error
      }
    },
    tableProblem: (table) => slic.problem(table),
    async tableTemplates(asked) {
      if (slic.listingCosts && !asked) return { status: 'present', value: [] }
      return observe(slic.list())
    },
    async templateTexts(qube, tables) {
      const seen = await observe(slic.texts(qube, tables))
      return seen.status === 'present' ? seen.value : undefined
    },
    write: (call) => writeCall(options, release, call),
  }
}

/** Of the list of all qubes qubesd tells a qube those only that policy lets it list one by one. */
function howListed(qube: string, source: string): string {
  const line = policyLine({ dest: qube, method: 'admin.vm.List', arg: '', payload: '' }, source)
  return `or, if it is there, have policy in dom0 let it be listed:\n  ${line}`
}

async function writeCall(options: QubesHostOptions, release: Release, call: HostCall): Promise<void> {
  const { client, slic } = options
  try {
    if (call.method === SLIC_SET) await slic.set(call.arg, call.payload.split('\n'))
    else if (call.method === SLIC_REMOVE) await slic.remove(call.arg)
    else await send(client, call)
  } catch (error) {
    const instead = release === '4.2' ? persistenceCall(call, error) : undefined
    if (instead === undefined) throw error
    await writeCall(options, '4.3', instead).catch((refusal: unknown) => {
      throw instead.payload === 'False' ? keptWhileAbsent(error, refusal, call.dest) : refusal
    })
  }
}

/** On 4.2 a device that is assigned and not attached cannot be taken from a qube that runs: the first answer says so. */
function keptWhileAbsent(first: unknown, refusal: unknown, qube: string): unknown {
  if (!(first instanceof QstateError) || !hasCode(refusal, 'refused')) return refusal
  const hint = `on Qubes 4.2 a device that is not plugged in stays assigned while the qube runs: shut ${qube} down, or plug the device in, then apply again`
  return new QstateError({ ...first.problem, hint }, { cause: first })
}

/**
 * On 4.2 a device that is attached for now is kept by saying so, not by attaching it again; and one that a running qube
 * keeps cannot be detached, only be kept no longer.
 */
function persistenceCall(call: HostCall, error: unknown): HostCall | undefined {
  if (!(error instanceof QubesdError)) return undefined
  const method = 'admin.vm.device.usb.Set.persistent'
  if (call.method === 'admin.vm.device.usb.Attach' && error.code === 'already-assigned')
    return { ...call, method, payload: 'True' }
  if (call.method === 'admin.vm.device.usb.Detach' && error.message.includes('QubesVMNotHaltedError'))
    return { ...call, method, payload: 'False' }
  return undefined
}
