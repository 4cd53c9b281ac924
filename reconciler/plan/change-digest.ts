import { createHash } from 'node:crypto'
import { type Value } from '../../spec/index.ts'
import { type Plan } from './plan.ts'

/** One line of what a plan does. */
export interface ChangeLine {
  readonly qube: string
  readonly what: string
}

/** What a plan changes, whichever host it is for and whatever it cost to find out. */
export function changesOf(plan: Plan): readonly ChangeLine[] {
  return plan.qubes.flatMap(({ qube, create, remove, changes, blocked }) => [
    ...(create === undefined ? [] : [{ qube, what: `create ${create.klass}` }]),
    ...(remove === undefined ? [] : [{ qube, what: 'remove, with all its data' }]),
    ...changes.map(({ path, before, after }) => ({
      qube,
      what: `${path}: ${told(before)} → ${told(after)}`,
    })),
    ...blocked.map(({ path, problem }) => ({
      qube,
      what: `${path ?? 'all of it'}: blocked, ${problem.message}`,
    })),
  ])
}

const told = (value: Value | null): string => (value === null ? 'unset' : JSON.stringify(value))

/** The same change has the same digest on every host. */
export const changeDigest = (changes: readonly ChangeLine[]): string =>
  createHash('sha256').update(JSON.stringify(changes)).digest('hex')
