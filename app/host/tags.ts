import { type HostQube, mapLimited, NO_NEEDS } from '../../reconciler/index.ts'
import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { type PlanningHost } from './connect.ts'

export interface QubeTags {
  readonly name: string
  readonly klass: string
  /** Those of the tags asked for that the qube has. */
  readonly tags: ReadonlySet<string>
  /** Why its tags are not known, where they are not. */
  readonly untold?: Problem
}

/** Which of the tags each qube of a host has. One that cannot be read has none, and a warning says so. */
export function readTags(
  wanted: readonly string[],
  { host, qubes }: Pick<PlanningHost, 'host' | 'qubes'>,
  context: Context,
): Promise<readonly QubeTags[]> {
  const all = qubes.filter(({ klass }) => klass !== 'AdminVM')
  return mapLimited(all, 8, (qube) => tagsOf(qube, wanted, host, context))
}

async function tagsOf(
  { name, klass }: HostQube,
  wanted: readonly string[],
  host: PlanningHost['host'],
  { warn }: Context,
): Promise<QubeTags> {
  if (wanted.length === 0) return { name, klass, tags: new Set() }
  const reading = await host.read(name, { ...NO_NEEDS, tags: wanted })
  const seen = wanted.map((tag) => ({ tag, found: reading.tag(tag) }))
  const tags = new Set(seen.flatMap(({ tag, found }) => (found.status === 'present' ? [tag] : [])))
  const unknown = seen.map(({ found }) => found).find((found) => found.status === 'unknown')
  if (unknown === undefined) return { name, klass, tags }
  const { message, hint } = unknown.problem
  const warning = `the tags of ${name} cannot be read, so no selector matches it: ${message}`
  warn(problem('tags-unknown', warning, hint))
  return { name, klass, tags, untold: unknown.problem }
}
