import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Context } from '../context.ts'
import { defaultPaths, readSourcesAt, type Sources, type SpecLocation } from '../source/index.ts'
import { type FleetCheck } from './fleet.ts'
import { type SpecCheck, validateSpec } from './spec.ts'

const DEFAULT_FLEET = 'fleet.yaml'

/** Checks a spec without any host, or a fleet with the spec of every host of it. Without a name, the fleet where no spec is found. */
export async function validateAt(location: SpecLocation, context: Context): Promise<SpecCheck | FleetCheck> {
  const sources = await readSourcesAt(orDefaultFleet(location, context), context)
  if (!isFleet(sources)) return validateSpec(sources)
  const { validateFleet } = await import('./fleet.ts')
  return validateFleet(sources, (paths) => readSourcesAt({ ...location, paths }, context))
}

function orDefaultFleet(location: SpecLocation, { cwd }: Context): SpecLocation {
  const { paths, configured, revision } = location
  if (paths.length > 0 || revision !== null || defaultPaths(configured, cwd) !== null) return location
  return existsSync(join(cwd, DEFAULT_FLEET)) ? { ...location, paths: [DEFAULT_FLEET] } : location
}

const isFleet = ({ files }: Sources): boolean =>
  files.every(({ text }) => /^kind:\s*["']?(?:Fleet|Rollout)\b/m.test(text))
