import { problem, type Problem, type Result } from '../../spec/diagnostics/index.ts'
import { SLIC_TABLES } from '../../spec/index.ts'
import { type ObservedQube, withMore } from '../observe/index.ts'
import {
  formatRecord,
  type OwnershipRecord,
  parseRecord,
  renamedIn,
  type Standing,
  standingOf,
} from '../ownership/index.ts'
import { type MovedFrom, type Note, type QubePlan } from '../plan/index.ts'
import { moveLine, type Moves } from './moves.ts'
import { type PlanContext } from './plan-context.ts'

type Context = PlanContext & { readonly moves: Moves }

/** What is recorded on a qube, with what it takes over from one whose place it has, and with the names that qubes have now. */
export interface Recorded {
  /** As if the record were its own. */
  readonly observed: ObservedQube
  readonly record: OwnershipRecord | null
  readonly standing: Standing
  /** How an apply has to read the record on the qube. */
  readonly holder: Pick<QubePlan, 'movedFrom' | 'renames'>
  readonly notes: readonly Note[]
}

/** Fails where a line under `moved` cannot be followed. */
export async function recordedOn(observed: ObservedQube, context: Context): Promise<Result<Recorded>> {
  const { record: reading, recordText, facts } = observed
  const { receipts, moves, providers, host } = context
  const holder = { qube: facts.qube.name, uuid: facts.qube.uuid }
  const origin = await originOf(observed, context)
  if (origin !== undefined && 'code' in origin) return { ok: false, problem: origin }
  if (origin === undefined) {
    const own = reading.kind === 'record' ? reading.record : null
    const record = own && renamedIn(own, moves.renames)
    const names = record === own ? {} : { renames: moves.renames }
    const standing = await standingOf({ ...holder, ...names }, recordText, reading, receipts)
    const notes = [...stillThere(holder.qube, context), ...(record === own ? [] : [RENAMED])]
    const known = { record, standing: { ...standing, renamed: renamedBetween(own, record) }, holder: names }
    const hint = reading.kind === 'foreign' ? await cloneNotes(reading.uuid, holder.qube, context) : []
    return { ok: true, value: { ...known, observed: await readAll(record), notes: [...notes, ...hint] } }
  }
  const { movedFrom, isProven } = origin
  const carried = { ...origin.record, uuid: facts.qube.uuid ?? '', waits: null }
  const record = renamedIn(carried, moves.renames)
  const names = { movedFrom, ...(record === carried ? {} : { renames: moves.renames }) }
  const own = { kind: 'record', record } as const
  const standing = await standingOf({ ...holder, ...names }, recordText, own, receipts)
  // A template goes by the name of its qube, so that a clone has none.
  const renamed = new Set([...renamedBetween(carried, record), SLIC_TABLES])
  const known = { ...standing, isProven: standing.isProven && isProven, renamed }
  const all = await readAll(record)
  return {
    ok: true,
    value: {
      ...{ record, standing: known, holder: names, notes: [passes(movedFrom, record)] },
      observed: { ...all, record: own },
    },
  }

  /** Also what a record names otherwise than its present text. */
  async function readAll(record: OwnershipRecord | null): Promise<ObservedQube> {
    const more = [...(record?.set.keys() ?? [])].filter((path) => !observed.values.has(path))
    if (more.length === 0) return observed
    return { ...observed, values: await withMore(host, providers, facts, observed.values, more) }
  }
}

interface Origin {
  readonly movedFrom: MovedFrom
  readonly record: OwnershipRecord
  /** Whether what is known of the other qube agrees with the line. */
  readonly isProven: boolean
}

/**
 * The qube whose record this one carries, where its entries pass over: a line under `moved` says so, it is not on the host any more, and
 * so is none of its former names. Or a run has begun to, and was cut off.
 */
async function originOf(
  { record: reading, recordText, facts: { qube } }: ObservedQube,
  { receipts, qubes, moves }: Context,
): Promise<Origin | Problem | undefined> {
  if (reading.kind !== 'foreign') return undefined
  const { uuid } = reading
  const own = qube.uuid === null ? undefined : await receipts?.read(qube.uuid)
  const hasBegun = own?.accepted.includes(recordText) === true
  const names = moves.formerNamesOf(qube.name)
  const last = hasBegun ? undefined : await receipts?.read(uuid)
  if (!hasBegun) {
    const clonedFrom = qubes.find((one) => one.uuid === uuid)?.name
    const isOther = clonedFrom !== undefined && !names.includes(clonedFrom)
    // What was written here before is known better than what a clone brings.
    const hasOwn = own?.accepted.includes(null) === false
    if (names.length === 0 || isOther || hasOwn) return undefined
    const there = moves.stillThere(qube.name)
    if (there !== undefined) return originThere(qube.name, there)
  }
  const record = parseRecord(recordText ?? undefined, { name: qube.name, uuid })
  if (record.kind === 'unreadable') return record.problem
  if (record.kind !== 'record') return undefined
  const isProven = last?.qube === undefined || names.includes(last.qube)
  const from = last?.qube !== undefined && isProven ? last.qube : (names[0] ?? null)
  return { movedFrom: { qube: from, uuid }, record: record.record, isProven }
}

const originThere = (to: string, from: string): Problem =>
  problem(
    'moved-still-there',
    `${from} is still on the host, and \`moved\` says that it is ${to} now: nothing passes over`,
    `remove ${from} first, or drop the line`,
  )

/** Why the entries of a record do not pass over. */
export const unprovenMove = (qube: string, { qube: from }: MovedFrom): Problem =>
  problem(
    'unproven-record',
    `it carries a record that is not the one that was last written from here on ${from ?? 'the qube that it was before'}`,
    `see what it says with \`qstate show ${qube}\`; \`qstate adopt SPEC\` takes it over as it is, and without the line under \`moved\` it is a clone like any other`,
  )

function passes({ qube }: MovedFrom, { set }: OwnershipRecord): Note {
  const what =
    set.size === 1 ? '1 setting and its original follow' : `${set.size} settings and their originals follow`
  const whence = qube === null ? 'moved' : `moved from ${qube}`
  return { kind: 'moved', path: null, text: `${whence}: ${what}` }
}

const RENAMED: Note = {
  kind: 'moved',
  path: null,
  text: 'its record names a qube that was renamed: it follows',
}

function stillThere(qube: string, { moves }: Context): readonly Note[] {
  const there = moves.stillThere(qube)
  if (there === undefined) return []
  const text = `${there} is still on the host, and \`moved\` says that it is ${qube} now: remove it, or drop the line`
  return [{ kind: 'moved', path: null, text }]
}

/** A clone of a qube that is gone may be that qube under another name. */
async function cloneNotes(uuid: string, to: string, { receipts, qubes }: Context): Promise<readonly Note[]> {
  const from = (await receipts?.read(uuid))?.qube
  if (from === undefined || qubes.some((one) => one.name === from || one.uuid === uuid)) return []
  const text = `${from} is not on the host, and its record is here: where this is ${from} under another name, write ${moveLine({ from, to })} first`
  return [{ kind: 'moved', path: null, text }]
}

/** Settings that a record with the present names has otherwise than the one on the qube. */
function renamedBetween(before: OwnershipRecord | null, after: OwnershipRecord | null): ReadonlySet<string> {
  const isSame = (path: string): boolean => before?.set.get(path) === after?.set.get(path)
  return new Set(before === after ? [] : [...(after?.set.keys() ?? [])].filter((path) => !isSame(path)))
}

/** The plan of a qube whose record is read otherwise than it stands there: the record is written so, if nothing else. */
export function withHolder(
  plan: QubePlan,
  { record, holder, notes }: Recorded,
  { commit, now, by }: Context,
): QubePlan {
  const noted = notes.length === 0 ? plan : { ...plan, notes: [...notes, ...plan.notes] }
  const isAnew = holder.movedFrom !== undefined || holder.renames !== undefined
  if (!isAnew || record === null || plan.blocked.some(({ path }) => path === null)) return noted
  const { before, after } = plan.record
  const written = after === before ? formatRecord({ ...record, version: 2, commit, at: now, by }) : after
  return { ...noted, ...holder, record: { before, after: written } }
}
