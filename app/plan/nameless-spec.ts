import { mapLimited, parseRecord, type Receipts } from '../../reconciler/index.ts'
import { type Problem, problem } from '../../spec/diagnostics/index.ts'
import { type DesiredState } from '../../spec/index.ts'
import { type PlanningHost } from '../host/index.ts'

/**
 * What a person should know of a spec without a name, on a host where a configuration with one owns settings of qubes that it does not
 * name: none of them is found, and withdrawn, from here. Receipts tell it, at no call.
 */
export async function namelessSpec(
  { name, qubes: named }: DesiredState,
  { qubes }: Pick<PlanningHost, 'qubes'>,
  receipts: Receipts | null,
): Promise<Problem | undefined> {
  if (name !== null || receipts === null) return undefined
  const others = qubes.filter((qube) => !named.has(qube.name))
  const owners = await mapLimited(others, 8, async (qube) => {
    const text = qube.uuid === null ? null : ((await receipts.read(qube.uuid))?.accepted.at(-1) ?? null)
    const reading = parseRecord(text ?? undefined, { name: qube.name, uuid: qube.uuid ?? '' })
    const owner = reading.kind === 'record' ? reading.record.name : null
    return owner === null ? [] : [{ owner, qube: qube.name }]
  })
  const found = owners.flat()
  const [first] = found
  if (first === undefined) return undefined
  const theirs = [...new Set(found.map(({ owner }) => owner))].map((owner) => `“${owner}”`).join(' and ')
  const list = found.map((one) => one.qube).join(', ')
  const message = `the spec has no name, and ${theirs} owns settings of qubes that it does not name: ${list}`
  const hint = `where this is the same configuration, write \`name: ${first.owner}\`: only by its name are the qubes found that a spec has dropped`
  return problem('nameless-spec', message, hint)
}
