import { nearest, oneOf, problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type DesiredState } from '../../spec/index.ts'
import { namedQube, type Reference, referenceOf, type Untold } from '../plan/index.ts'
import {
  type Host,
  type HostQube,
  NO_NEEDS,
  type Observation,
  orListed,
  providerOf,
  type Providers,
  type QubeFacts,
} from '../ports/index.ts'
import { templateProblem } from './creation.ts'
import { type Difference } from './diff.ts'

/**
 * What the values of a plan name is looked up on the host: only where a change names it, and each kind of thing once. What cannot be
 * looked up is not known, which blocks nothing.
 */
export interface References {
  /** Why the host cannot take a value: what it names is not there, or is of no use for it. */
  problem(
    change: Pick<Difference, 'path' | 'after' | 'reason'>,
    facts: QubeFacts,
  ): Promise<Problem | undefined>
  /** Why a qube cannot be created from what its `ensure` names. */
  creationProblem(qube: DesiredQube): Promise<Problem | undefined>
  /** What could not be looked up, and why. */
  untold(): readonly Untold[]
}

interface Looking {
  readonly host: Host
  readonly providers: Providers
  readonly qubes: readonly HostQube[]
  /** What else an apply of the same plan creates and sets. Without it: nothing. */
  readonly desired?: DesiredState
  readonly selects?: (qube: string, path: string) => boolean
  /** With `adopt` none is created. */
  readonly mode?: 'apply' | 'adopt'
}

export function references({ host, providers, qubes, desired, selects, mode }: Looking): References {
  const listed = new Map(qubes.map((qube) => [qube.name, qube]))
  const asked = new Map<string, Promise<Observation<unknown>>>()
  const refused = new Map<string, Problem>()

  /** Asked once in a run; nothing more of a kind where one question of it is refused. */
  async function once<T>(
    kind: string,
    of: string,
    ask: () => Promise<Observation<T>>,
  ): Promise<T | undefined> {
    if (refused.has(kind)) return undefined
    const key = `${kind} ${of}`
    const asking = (asked.get(key) as Promise<Observation<T>> | undefined) ?? ask()
    asked.set(key, asking)
    const answer = await asking
    // One that has no such property is an answer: it is not fit.
    if (answer.status === 'unknown' && answer.problem.code !== 'unknown-property')
      refused.set(kind, answer.problem)
    return answer.status === 'present' ? answer.value : undefined
  }

  async function creationProblem(qube: DesiredQube): Promise<Problem | undefined> {
    const { ensure, unfit = [] } = qube
    if (ensure === undefined || ensure === 'absent') return undefined
    const whole = unfit.find(({ path }) => path === null)
    if (whole !== undefined) return whole.problem
    const { template, label } = ensure
    const isMade = template !== null && (await created(template))?.klass === 'TemplateVM'
    const why = isMade ? null : templateProblem(template, qubes)
    if (why !== null) return noTemplate(why, template ?? '')
    return nameProblem({ kind: 'label', name: label })
  }

  /** The qube that an apply of this plan makes, as far as can be foreseen. */
  async function created(
    name: string,
  ): Promise<{ readonly klass: string; readonly qube: DesiredQube } | undefined> {
    const qube = desired?.qubes.get(name)
    const isCreated = mode !== 'adopt' && selects?.(name, 'qube/label') === true
    if (listed.has(name) || qube === undefined || !isCreated) return undefined
    const { ensure } = qube
    if (ensure === undefined || ensure === 'absent') return undefined
    return (await creationProblem(qube)) === undefined ? { klass: ensure.klass, qube } : undefined
  }

  const noTemplate = (why: string, template: string): Problem => {
    const names = qubes.filter(({ klass }) => klass === 'TemplateVM').map(({ name }) => name)
    const near = didYouMean(template, names)
    const hint = `${near}name another, or let the spec create it (\`ensure: { class: TemplateVM }\`)`
    return problem('no-template', `it cannot be created: ${why}`, orListed(hint, host, template))
  }

  async function nameProblem({ kind, name }: Reference): Promise<Problem | undefined> {
    if (kind === 'qube') {
      // Where not every qube is listed it may be there.
      if (
        name === 'dom0' ||
        listed.has(name) ||
        host.howListed !== undefined ||
        (await created(name)) !== undefined
      )
        return undefined
      if (desired?.qubes.has(name) === true)
        return problem(
          'unknown-qube',
          `there is no qube ${name}`,
          `see what keeps ${name} from being created`,
        )
      const others = [...listed.keys(), ...(desired?.qubes.keys() ?? [])]
      return problem('unknown-qube', `there is no qube ${name}`, `${didYouMean(name, others)}${NO_QUBE}`)
    }
    const { list, what, code, noun, hint } = LISTS[kind]
    const names = await once(what, '', () => host[list]())
    if (names === undefined || names.includes(name)) return undefined
    const known = names.length > 0 && names.length <= 16 ? `this host has ${oneOf(names)}` : ''
    const more = [known, hint].filter((text) => text !== '').join('; ')
    return problem(code, `there is no ${noun} ${name}`, `${didYouMean(name, names)}${more}`)
  }

  /** Why a qube that exists, or will, is of no use for a setting. */
  async function demandProblem(path: string, name: string, facts: QubeFacts): Promise<Problem | undefined> {
    const demand = providerOf(providers, path).demand?.(path, facts)
    const klass = listed.get(name)?.klass ?? (await created(name))?.klass
    if (demand === undefined) return undefined
    if (klass !== undefined && !demand.fits(klass)) return demand.otherClass(name, klass)
    const { on } = demand
    if (on === undefined || (await isOn(name, on.property)) !== false) return undefined
    // Which version it is exactly is asked only where it matters.
    const isDemanded = on.isAskedBy(facts.version) || on.isAskedBy(await host.exactVersion(name, on.property))
    return isDemanded ? on.lacking(name) : undefined
  }

  /** Whether a property of a qube will be on: as the spec says, or as it is. Undefined: not known. */
  async function isOn(name: string, property: string): Promise<boolean | undefined> {
    const path = `qube/properties/${property}`
    const said = selects?.(name, path) === true ? desired?.qubes.get(name)?.settings.get(path) : undefined
    if (said !== undefined && said.value !== null) return said.value === 'True'
    if ((await created(name)) !== undefined) return false
    const what = `which qubes have ${property}`
    const value = await once(what, name, async () =>
      (await host.read(name, { ...NO_NEEDS, properties: [property] })).effective(property),
    )
    return value === undefined && refused.has(what) ? undefined : value === 'True'
  }

  return {
    creationProblem,
    async problem({ path, after, reason }, facts) {
      const named = referenceOf({ path, after })
      if (named === null) return undefined
      const qube = namedQube({ path, after })
      const why =
        (await nameProblem(named)) ?? (qube === null ? undefined : await demandProblem(path, qube, facts))
      if (why === undefined || !(reason === 'withdrawn' || reason === 'rollback')) return why
      const hint = `make ${named.name} fit for it again, or write \`unmanaged\` for it under ${facts.qube.name} to leave it as it is`
      return problem('no-way-back', `it cannot go back to ${named.name}: ${why.message}`, hint)
    },
    untold: () => [...refused].map(([what, why]) => ({ what, problem: why })),
  }
}

const NO_QUBE = 'qvm-ls lists the qubes there are, and a spec can create one (`ensure: present`)'

const LISTS = {
  label: {
    list: 'labels',
    what: 'which labels there are',
    code: 'unknown-label',
    noun: 'label',
    hint: '',
  },
  kernel: {
    list: 'kernels',
    what: 'which kernels there are',
    code: 'unknown-kernel',
    noun: 'kernel',
    hint: 'off is the kernel of the guest itself, which Windows needs',
  },
} as const

/** With a word for nothing that somebody may have meant. */
export function didYouMean(name: string, names: readonly string[]): string {
  if (/^(?:no|none|null|false|nil)$/i.test(name)) return 'for none, write off; '
  const near = nearest(name, names)
  return near === undefined ? '' : `did you mean ${near}? `
}
