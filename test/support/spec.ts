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

/** How settings are wanted, by qube and path: given once, or with drift that is only reported. */
export type Ways = Readonly<Record<string, Readonly<Record<string, 'once' | 'report'>>>>

/** A desired state without the YAML: what the core is handed. */
export function desiredState(wanted: Wanted, name: string | null = 'test', ways: Ways = {}): DesiredState {
  const qubes = Object.entries(wanted).map(([qube, values]): [string, DesiredQube] => {
    const byPath = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
    const settings = byPath.map(([path, value]) => {
      const area = AREAS.find((known) => path.startsWith(`${known}/`))
      if (area === undefined) throw new Error(`${path} is in no area`)
      const once = ways[qube]?.[path] === 'once' ? { once: true as const } : {}
      return [path, { area, path, value, position: NOWHERE, ...once }] as const
    })
    const reported = byPath.map(([path]) => path).filter((path) => ways[qube]?.[path] === 'report')
    const drift =
      reported.length === 0 ? {} : { drift: new Map(reported.map((path) => [path, 'report' as const])) }
    return [qube, { name: qube, settings: new Map(settings), ...drift, position: NOWHERE }]
  })
  const digest = createHash('sha256').update(JSON.stringify({ name, wanted, ways })).digest('hex')
  return { name, qubes: new Map(qubes), tables: new Map(), digest }
}
