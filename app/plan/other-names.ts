import { mapLimited, parseRecord, type Plan, type Receipts } from '../../reconciler/index.ts'
import { type Problem, problem } from '../../spec/diagnostics/index.ts'
import { type DesiredState } from '../../spec/index.ts'
import { type PlanningHost } from '../host/index.ts'

interface Owned {
  readonly owner: string
  readonly qube: string
}

/**
 * What a person should know of a spec that does not have the name which owns settings of qubes that it does not name: none of them is
 * found, and withdrawn, from here. Receipts tell it, at no call. A host may have several configurations: where this one has a name and
 * owns something itself, it is warned only of a name that also owns qubes of this spec.
 */
export async function otherNames(
  plan: Plan,
  { name, formerly = [], qubes: named }: DesiredState,
  { qubes }: Pick<PlanningHost, 'qubes'>,
  receipts: Receipts | null,
): Promise<Problem | undefined> {
  if (receipts === null) return undefined
  const others = await ownersOf(
    qubes.flatMap((qube) => (named.has(qube.name) ? [] : [{ qube: qube.name, uuid: qube.uuid }])),
    receipts,
  )
  const known = new Set([name, ...formerly])
  const found = others.filter(({ owner }) => !known.has(owner))
  if (found.length === 0) return undefined
  if (name === null) return nameless(found)
  const ownsAny = plan.qubes.some(({ record, ...qube }) => nameIn(record.before, qube) === name)
  const blocked = plan.qubes.filter((qube) => qube.blocked.some((one) => one.problem.code === OTHER))
  const theirs = new Set((await ownersOf(blocked, receipts)).map(({ owner }) => owner))
  const former = found.filter(({ owner }) => !ownsAny || theirs.has(owner))
  return former.length === 0 ? undefined : renamed(former, name, formerly)
}

const OTHER = 'other-configuration'

type Qube = Pick<Plan['qubes'][number], 'qube' | 'uuid'>

async function ownersOf(qubes: readonly Qube[], receipts: Receipts): Promise<readonly Owned[]> {
  const found = await mapLimited(qubes, 8, async (qube) => {
    const text = qube.uuid === null ? null : ((await receipts.read(qube.uuid))?.accepted.at(-1) ?? null)
    const owner = nameIn(text, qube)
    return owner === null ? [] : [{ owner, qube: qube.qube }]
  })
  return found.flat()
}

function nameIn(text: string | null, { qube, uuid }: Qube): string | null {
  const reading = parseRecord(text ?? undefined, { name: qube, uuid: uuid ?? '' })
  return reading.kind === 'record' ? reading.record.name : null
}

function nameless(found: readonly Owned[]): Problem {
  const message = `the spec has no name, and ${ownedBy(found)}`
  const hint = `where this is the same configuration, write \`name: ${found[0]?.owner ?? ''}\`: only by its name are the qubes found that a spec has dropped`
  return problem('nameless-spec', message, hint)
}

function renamed(found: readonly Owned[], name: string, formerly: readonly string[]): Problem {
  const all = [...new Set([...formerly, ...found.map(({ owner }) => owner)])].join(', ')
  const message = `the spec is called “${name}”, and ${ownedBy(found)}`
  const hint = `where this is the same configuration under another name, write \`formerly: [${all}]\` beside it: nothing is withdrawn there without`
  return problem('other-name', message, hint)
}

function ownedBy(found: readonly Owned[]): string {
  const theirs = [...new Set(found.map(({ owner }) => owner))].map((owner) => `“${owner}”`).join(' and ')
  return `${theirs} owns settings of qubes that it does not name: ${found.map(({ qube }) => qube).join(', ')}`
}
