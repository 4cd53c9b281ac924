import { providers } from '../../providers/index.ts'
import { observeQube } from '../../reconciler/index.ts'
import { type DesiredQube, loadManifest, resolve } from '../../spec/index.ts'
import { type DeniedCall, policyLine } from '../host/index.ts'
import { type Check, type CheckResult, type CheckResults, ok, problem, unseen } from './check.ts'
import { type CheckContext } from './context.ts'
import { type WindowsQube } from './qube-facts.ts'

const WRITES =
  'whether writes are allowed cannot be tried without writing: compare with what `qstate policy --qube NAME` prints'

/** Reads what a plan of the spec would read, and tells which of these calls policy does not let through. */
export const policyCheck: Check<CheckContext> = { name: 'policy', look: policy }

async function policy(context: CheckContext): Promise<CheckResults> {
  const { host, windows, desired, machine, qubes, version } = context
  if (!host.hasPolicy) return ok('none applies in dom0')
  const recorder = context.recordingDenials(qubes)
  for (const one of windows) {
    const wanted = one.wanted ?? (desired === null ? typical(one) : null)
    if (wanted !== null) await observeQube(recorder.host, providers, { qube: one.qube, version }, wanted)
  }
  return [
    ...(qubes.every(({ klass }) => klass === 'AdminVM')
      ? [nothingListed(machine)]
      : denials(recorder.denied())),
    unseen('writes-untried', WRITES, `see docs/management-qube.md, and \`qstate policy --help\``),
  ]
}

/** What a spec of a Windows qube says most often. */
function typical({ qube }: WindowsQube): DesiredQube | null {
  const name = JSON.stringify(qube.name)
  const text = `apiVersion: qstate/v1
qubes:
  ${name}: { extends: windows-10, audio: { audiovm: dom0 }, usb: { "sys-usb+1-1:*": auto-attach } }
`
  const { manifest } = loadManifest([{ path: 'typical', text }])
  return manifest === null ? null : (resolve(manifest, { qubes: [] }).desired.qubes.get(qube.name) ?? null)
}

/** Of the whole list qubesd tells those that may be listed one by one: with the line on dom0 alone, dom0. */
function nothingListed(machine: string): CheckResult {
  const line = policyLine({ dest: 'dom0', method: 'admin.vm.List', arg: '', payload: '' }, machine)
  return problem(
    'denied-by-policy',
    'policy lets this qube see no qube but dom0',
    `these lines let it see all of them:\n  ${line}`,
  )
}

/** One finding a call, whichever qubes it is about. */
function denials(denied: readonly DeniedCall[]): readonly CheckResult[] {
  const byCall = new Map<string, { dests: string[]; lines: string[] }>()
  for (const { call, dest, line } of denied) {
    const entry = byCall.get(call) ?? { dests: [], lines: [] }
    entry.dests.push(dest)
    entry.lines.push(line)
    byCall.set(call, entry)
  }
  if (byCall.size === 0) return [ok('every call that a plan makes is let through')]
  return [...byCall].map(([call, { dests, lines }]) =>
    problem(
      'denied-by-policy',
      `policy does not allow ${call} on ${dests.join(', ')}: settings that need it cannot be planned`,
      `in dom0, in /etc/qubes/policy.d/30-qstate.policy:\n  ${lines.join('\n  ')}`,
    ),
  )
}
