import { selectsAll } from '../../reconciler/index.ts'
import { nearest, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Area } from '../../spec/index.ts'
import { type Context } from '../context.ts'
import { type PlanningHost, readTags } from '../host/index.ts'

/** A part of a spec that a run is limited to: any of the qubes, any of the areas. */
export type Target =
  | { readonly kind: 'qube'; readonly name: string; readonly area: Area | null }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'area'; readonly area: Area }

/** Whether a setting of a qube is looked at. The path `''` stands for the qube as a whole. */
export type Selects = (qube: string, path: string) => boolean

/** What some targets select. None is everything. */
export async function selection(
  targets: readonly Target[],
  named: Iterable<string>,
  host: Pick<PlanningHost, 'host' | 'qubes'>,
  context: Context,
): Promise<Selects> {
  if (targets.length === 0) return selectsAll
  const known = new Set([...named, ...host.qubes.map(({ name }) => name)])
  const rules = await Promise.all(targets.map((target) => ruleOf(target, known, host, context)))
  return (qube, path) => rules.some((rule) => rule(qube, path))
}

async function ruleOf(
  target: Target,
  known: ReadonlySet<string>,
  host: Pick<PlanningHost, 'host' | 'qubes'>,
  context: Context,
): Promise<Selects> {
  switch (target.kind) {
    case 'area':
      return (_, path) => inArea(path, target.area)
    case 'tag': {
      const tagged = await readTags([target.tag], host, context)
      const names = new Set(tagged.filter(({ tags }) => tags.has(target.tag)).map(({ name }) => name))
      if (names.size > 0) return (qube) => names.has(qube)
      throw noTarget(`no qube here has the tag “${target.tag}”`, '`qvm-tags` lists the tags of a qube')
    }
    case 'qube': {
      const { name, area } = target
      if (known.has(name)) return (qube, path) => qube === name && (area === null || inArea(path, area))
      const near = nearest(name, [...known])
      const hint =
        near === undefined
          ? 'a target is a qube of this host, or of the spec, by its whole name'
          : `did you mean ${near}?`
      throw noTarget(`there is no qube “${name}”`, hint)
    }
  }
}

const inArea = (path: string, area: Area): boolean => path === '' || path.startsWith(`${area}/`)

const noTarget = (message: string, hint: string): QstateError =>
  new QstateError(problem('no-such-target', message, hint))
