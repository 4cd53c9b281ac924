import { providers } from '../../providers/index.ts'
import { type Client, policyLine } from '../../qubesd/index.ts'
import { type Host, observeQube } from '../../reconciler/index.ts'
import { type DesiredQube, loadManifest, resolve } from '../../spec/index.ts'
import { qubesHost } from '../host/index.ts'
import { asking, type Asking } from './asking.ts'
import { type Check, type Judgement, type Judgements, ok, problem, unseen } from './check.ts'
import { type Scene } from './context.ts'
import { type Patient } from './qube-facts.ts'

const WRITES =
  'whether writes are allowed cannot be tried without writing: compare with what `qstate policy --qube NAME` prints'

/** Reads what a plan of the spec would read, and tells which of these calls policy does not let through. */
export const policyCheck: Check<Scene> = { name: 'policy', look: policy }

async function policy(scene: Scene): Promise<Judgements> {
  const { asking: own, patients, desired, source, host, qubes, version } = scene
  if (own.client.transport.kind === 'socket') return ok('none applies in dom0')
  const probing = asking(own.client)
  const probed = probeHost(probing.client, host)
  probed.version(qubes)
  for (const patient of patients) {
    const wanted = patient.wanted ?? (desired === null ? typical(patient) : null)
    if (wanted !== null) await observeQube(probed, providers, { qube: patient.qube, version }, wanted)
  }
  return [
    ...(qubes.every(({ klass }) => klass === 'AdminVM') ? [nothingListed(source)] : denials(probing, source)),
    unseen(WRITES, `see docs/management-qube.md, and \`qstate policy --help\``),
  ]
}

/** SLIC has a service of its own, which the check of the tables asks. */
function probeHost(client: Client, host: Host): Host {
  const never = (): Promise<never> => Promise.reject(new Error('a check writes nothing'))
  const slic = {
    read: () => Promise.resolve({ status: 'absent' as const }),
    problem: () => Promise.resolve(undefined),
    listingCosts: false,
    list: () => Promise.resolve([]),
    texts: () => Promise.resolve(undefined),
    set: never,
    remove: never,
  }
  return { ...qubesHost({ client, slic }), where: host.where, write: never }
}

/** What a spec of a Windows qube says most often. */
function typical({ qube }: Patient): DesiredQube | null {
  const name = JSON.stringify(qube.name)
  const text = `apiVersion: qstate/v1
qubes:
  ${name}: { extends: windows-10, audio: { audiovm: dom0 }, usb: { "sys-usb+1-1:*": auto-attach } }
`
  const { manifest } = loadManifest([{ path: 'typical', text }])
  return manifest === null ? null : (resolve(manifest, { qubes: [] }).desired?.qubes.get(qube.name) ?? null)
}

/** Of the whole list qubesd tells those that may be listed one by one: with the line on dom0 alone, dom0. */
function nothingListed(source: string): Judgement {
  const line = policyLine({ dest: 'dom0', method: 'admin.vm.List', arg: '', payload: '' }, source)
  return problem(
    'policy lets this qube see no qube but dom0',
    `these lines let it see all of them:\n  ${line}`,
  )
}

/** One finding a call, whichever qubes it is about. */
function denials(probing: Asking, source: string): readonly Judgement[] {
  const byCall = new Map<string, { dests: string[]; lines: string[] }>()
  for (const call of probing.denied()) {
    const name = `${call.method}${call.arg === '' ? '' : `+${call.arg}`}`
    const entry = byCall.get(name) ?? { dests: [], lines: [] }
    entry.dests.push(call.dest)
    entry.lines.push(policyLine(call, source))
    byCall.set(name, entry)
  }
  if (byCall.size === 0) return [ok('every call that a plan makes is let through')]
  return [...byCall].map(([name, { dests, lines }]) =>
    problem(
      `policy does not allow ${name} on ${dests.join(', ')}: settings that need it cannot be planned`,
      `in dom0, in /etc/qubes/policy.d/30-qstate.policy:\n  ${lines.join('\n  ')}`,
    ),
  )
}
