import { type Change, type Note, type QubePlan } from '../plan/index.ts'
import { type HostQube, isRunning, mapLimited } from '../ports/index.ts'
import { type Explainer } from './explain.ts'

/**
 * Says with a template that a plan changes which of its app qubes run, and with a qube that disposables are made from which of these:
 * they have from it what they were started with. Those are asked for their template, and only where one is changed.
 */
export async function withHeirs(
  plans: readonly QubePlan[],
  qubes: readonly HostQube[],
  explain: Explainer,
  parallelism: number,
): Promise<readonly QubePlan[]> {
  if (!explain.asks) return plans
  const classes = new Set<string>(plans.flatMap((plan) => heirClass(plan) ?? []))
  const running = qubes.filter((qube) => classes.has(qube.klass) && isRunning(qube))
  if (running.length === 0) return plans
  const templates = new Map(
    await mapLimited(running, parallelism, async ({ name }) => [name, await explain.template(name)] as const),
  )
  return mapLimited(plans, parallelism, async (plan) => {
    const klass = heirClass(plan)
    const heirs = running.filter((one) => one.klass === klass && templates.get(one.name) === plan.qube)
    if (heirs.length === 0) return plan
    return klass === 'AppVM'
      ? withAppQubes(plan, namesOf(heirs))
      : withDisposables(plan, namesOf(heirs), explain)
  })
}

const namesOf = (qubes: readonly HostQube[]): readonly string[] => qubes.map(({ name }) => name)

/** The class of the qubes that have something from one whose plan changes it; undefined: none has. */
function heirClass({ klass, changes, create }: QubePlan): 'AppVM' | 'DispVM' | undefined {
  const isChanged = create === undefined && changes.some(({ path }) => /^(?:audio|stubdom|qube)\//.test(path))
  if (!isChanged) return undefined
  if (klass === 'TemplateVM') return 'AppVM'
  return klass === 'AppVM' || klass === 'StandaloneVM' ? 'DispVM' : undefined
}

const withAppQubes = (plan: QubePlan, heirs: readonly string[]): QubePlan =>
  withNote(
    plan,
    `what changes here reaches its running app qubes at their own next start: ${heirs.join(', ')}`,
  )

/** Those that are kept ready qubesd throws away and makes anew; the others keep a template from being changed. */
async function withDisposables(
  plan: QubePlan,
  heirs: readonly string[],
  explain: Explainer,
): Promise<QubePlan> {
  const ready = new Set<string>()
  for (const name of heirs) if (await explain.isPreloaded(name)) ready.add(name)
  const used = heirs.filter((name) => !ready.has(name))
  const texts = [
    ...(used.length === 0
      ? []
      : [`its running disposables keep what they were made with: ${used.join(', ')}`]),
    ...(ready.size === 0
      ? []
      : [`its disposables that are kept ready are made anew: ${[...ready].join(', ')}`]),
  ]
  const noted = withNote(plan, texts.join('; '))
  if (used.length === 0) return noted
  const remark = `Qubes refuses this while disposables of it run: ${used.join(', ')}`
  const told = (change: Change): Change =>
    change.path === TEMPLATE ? { ...change, remarks: [...change.remarks, remark] } : change
  return { ...noted, changes: noted.changes.map(told) }
}

const TEMPLATE = 'qube/properties/template'

const withNote = (plan: QubePlan, text: string): QubePlan => {
  const note: Note = { kind: 'heirs', path: null, text }
  return { ...plan, notes: [...plan.notes, note] }
}
