import { dirname, join, normalize } from 'node:path/posix'
import { type LoadOptions } from '../read/index.ts'
import { layered } from './layers.ts'
import { type FleetHost, type SpecPath } from './model.ts'

/** Files of a host, and how they go together. */
export interface HostFiles {
  /** Files and folders, told from where the fleet's own file is told from; the lowest layer first. */
  readonly paths: readonly SpecPath[]
  readonly shape: NonNullable<LoadOptions['shape']>
}

/** Which files are the spec of a host: those of the fleet, with those of its groups and its own laid over them. */
export function hostFiles({ layers }: Pick<FleetHost, 'layers'>): HostFiles {
  const named = layers.map(({ spec }) => spec.map(besideFleet))
  return {
    paths: named.flat(),
    shape: layered({
      layerOf: (file) => named.findLastIndex((paths) => paths.some(({ path }) => isAt(file, path))),
      values: new Map(layers.flatMap(({ values }) => [...values])),
    }),
  }
}

const besideFleet = ({ path, position }: SpecPath): SpecPath => ({
  path: normalize(join(dirname(position.file), path)).replace(/(?<=.)\/$/, ''),
  position,
})

/** Whether a file is the one that a path names, or in the folder that it names. */
export function isAt(file: string, path: string): boolean {
  if (path === '.') return !/^(?:\/|\.\.\/)/.test(file)
  return file === path || file.startsWith(`${path}/`)
}
