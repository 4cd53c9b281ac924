import { createHash } from 'node:crypto'
import { type SourceRange } from '../../spec/diagnostics/source.ts'
import {
  AREAS,
  type DesiredQube,
  type DesiredState,
  type Value,
} from '../../spec/vocabulary/desired-state.ts'

/** Wanted values by qube and path; `null` is wanted absent. */
export type Wanted = Readonly<Record<string, Readonly<Record<string, Value | null>>>>

const NOWHERE: SourceRange = { file: 'test', line: 1, column: 1, length: 1 }

/** A desired state without the YAML: what the core is handed. */
export function desiredState(wanted: Wanted, name: string | null = 'test'): DesiredState {
  const qubes = Object.entries(wanted).map(([qube, values]): [string, DesiredQube] => {
    const byPath = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
    const settings = byPath.map(([path, value]) => {
      const area = AREAS.find((known) => path.startsWith(`${known}/`))
      if (area === undefined) throw new Error(`${path} is in no area`)
      return [path, { area, path, value, position: NOWHERE }] as const
    })
    return [qube, { name: qube, settings: new Map(settings), position: NOWHERE }]
  })
  const digest = createHash('sha256').update(JSON.stringify({ name, wanted })).digest('hex')
  return { name, qubes: new Map(qubes), tables: new Map(), digest }
}
