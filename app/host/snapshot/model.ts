import { isQubesVersion, type QubesVersion } from '../../../qubesd/index.ts'
import {
  type Observation,
  type Orphan,
  type PropertyState,
  type Unknown,
  type UsbAssignment,
} from '../../../reconciler/index.ts'
import { escapeForTerminal, type Problem, readProblem } from '../../../spec/diagnostics/index.ts'

/**
 * A host as it was at one time, so that plans can be made where it is not: in CI, on a reviewer's machine. Plain JSON. It holds
 * all that a spec could ask about, and no more: properties, features, tags, assignments, and which tables there are, not what
 * they hold.
 */
export interface HostState {
  readonly schema: 'qstate.host-state'
  readonly version: 1
  /** ISO 8601. */
  readonly recordedAt: string
  readonly where: string
  readonly release: QubesVersion
  /** The version with 4.3 and 4.4 told apart, as far as it could be. */
  readonly exactRelease: QubesVersion
  readonly qubes: readonly QubeState[]
  /** Host tables that cannot be given to a qube, and why; null for those that can. */
  readonly tables: Readonly<Record<string, Problem | null>>
  readonly templates: Observation<readonly Orphan[]>
}

export interface QubeState {
  readonly name: string
  readonly klass: string
  readonly state: string
  readonly uuid: string | null
  readonly features: Observation<Readonly<Record<string, string | Unknown>>>
  readonly properties: Observation<Readonly<Record<string, PropertyState | Unknown>>>
  readonly tags: Observation<readonly string[]>
  readonly usb: Observation<readonly UsbAssignment[]>
  readonly denied: Observation<readonly string[]>
  readonly slic: Observation<readonly string[]>
  /** Bytes, where they could be read. */
  readonly volumes: Readonly<Record<string, number>>
}

export const HOST_TABLES = ['host:SLIC', 'host:MSDM'] as const

/**
 * The document in a text, or what is wrong with it. It was written by qstate; this tells another file from one of those. It may
 * have been sent by anybody, too: whatever would move a terminal's cursor or begin a line comes escaped.
 */
export function readHostState(text: string): HostState | { readonly problem: string } {
  let json: unknown
  try {
    json = JSON.parse(text, (key, value: unknown) =>
      typeof value === 'string'
        ? escapeForTerminal(key === 'hint' ? value.replace(/\n */g, ' ') : value)
        : ofThisVersion(value),
    )
  } catch {
    return { problem: 'it is no JSON' }
  }
  if (!isObject(json) || json['schema'] !== 'qstate.host-state') return { problem: 'it is no recorded host' }
  if (json['version'] !== 1) return { problem: 'it was recorded by another version of qstate' }
  const { qubes, tables, templates, release } = json
  const isWhole = Array.isArray(qubes) && qubes.every(isQube) && isObject(tables) && isObservation(templates)
  if (!isWhole || ![release, json['exactRelease']].every(isQubesVersion)) return { problem: 'it is damaged' }
  const problems = Object.entries(tables).map(([table, why]) => [table, why && readProblem(why)])
  return { ...json, tables: Object.fromEntries(problems) as HostState['tables'] } as unknown as HostState
}

/** Earlier versions wrote beside each other what is one problem by now. */
const ofThisVersion = (value: unknown): unknown =>
  isObject(value) && value['status'] === 'unknown'
    ? { status: 'unknown', problem: readProblem(value) }
    : value

function isQube(json: unknown): boolean {
  if (!isObject(json)) return false
  const texts = ['name', 'klass', 'state'].every((key) => typeof json[key] === 'string')
  const seen = ['features', 'properties', 'tags', 'usb', 'denied', 'slic'].every((key) =>
    isObservation(json[key]),
  )
  return (
    texts && seen && isObject(json['volumes']) && (json['uuid'] === null || typeof json['uuid'] === 'string')
  )
}

const isObservation = (json: unknown): boolean =>
  isObject(json) &&
  (json['status'] === 'absent' ||
    json['status'] === 'unknown' ||
    (json['status'] === 'present' && typeof json['value'] === 'object' && json['value'] !== null))

const isObject = (json: unknown): json is Record<string, unknown> =>
  typeof json === 'object' && json !== null && !Array.isArray(json)
