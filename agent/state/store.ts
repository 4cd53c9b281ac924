import { watch } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, readIfThere, writeDurably } from '../../journal/index.ts'
import { readProblem } from '../../spec/diagnostics/index.ts'
import { type Memory, NO_MEMORY, type Suspension } from './memory.ts'
import { type Ordered } from './orders.ts'

/** What a person on this host, or its fleet, has told the agent. Files, so that it holds while the agent is not running, too. */
export interface Orders {
  readonly suspended: Suspension | null
  /** A commit to take although it does not come after the one in force; at least its first seven digits. */
  readonly accepted: string | null
  /** The commit that this host is to have. Heeded only where the agent takes orders. */
  readonly ordered: Ordered | null
}

interface Loaded {
  readonly memory: Memory
  /** There is one, and it is not understood: damaged, or of a later version. */
  readonly damaged: boolean
}

export interface Store {
  load(): Promise<Loaded>
  /** Keeps a memory that is not understood beside its place, for a person to look at. Where it is now. */
  setAside(): Promise<string>
  save(memory: Memory): Promise<void>
  orders(): Promise<Orders>
  suspend(suspension: Suspension | null): Promise<void>
  accept(commit: string | null): Promise<void>
  order(ordered: Ordered): Promise<void>
  /** Calls the listener when a person has given orders. Until the signal fires. */
  onOrders(listener: () => void, signal: AbortSignal): Promise<void>
}

const ORDERS = { suspended: 'suspended.json', accepted: 'accepted.json', ordered: 'ordered.json' }

/** A folder of this host's agent. Each file is replaced whole, so that a crash leaves the old or the new one. */
export function openStore(folder: string): Store {
  const memory = join(folder, 'memory.json')
  const suspended = join(folder, ORDERS.suspended)
  const accepted = join(folder, ORDERS.accepted)
  const ordered = join(folder, ORDERS.ordered)
  let saving: Promise<void> = Promise.resolve()
  const replace = async (path: string, content: object): Promise<void> => {
    await makeFolder(folder)
    await writeDurably(path, `${JSON.stringify(content, null, 2)}\n`)
  }
  return {
    async load() {
      const json = (await readJson(memory)) as Partial<Memory> | null | undefined
      if (json?.schema === 'qstate.agent' && json.version === 1)
        return { memory: { ...NO_MEMORY, ...ofThisVersion(json) }, damaged: false }
      // Nothing that is owned stands in it; the commit that a new one has to come after does.
      return { memory: NO_MEMORY, damaged: json !== undefined }
    },
    async setAside() {
      await rename(memory, `${memory}.damaged`)
      return `${memory}.damaged`
    },
    save(next) {
      // One after the other: two at once would write the same new file.
      saving = saving.catch(() => undefined).then(() => replace(memory, next))
      return saving
    },
    async orders() {
      const accept = (await readJson(accepted)) as { readonly commit?: unknown } | null | undefined
      return {
        suspended: suspensionOf(await readJson(suspended)),
        accepted: typeof accept?.commit === 'string' ? accept.commit : null,
        ordered: orderedOf(await readJson(ordered)),
      }
    },
    suspend: (suspension) =>
      suspension === null ? rm(suspended, { force: true }) : replace(suspended, suspension),
    accept: (commit) => (commit === null ? rm(accepted, { force: true }) : replace(accepted, { commit })),
    order: (next) => replace(ordered, next),
    async onOrders(listener, signal) {
      await makeFolder(folder)
      const names: readonly (string | null)[] = [ORDERS.suspended, ORDERS.accepted]
      watch(folder, { signal }, (_, name) => {
        if (names.includes(name)) listener()
      }).on('error', () => undefined)
    },
  }
}

/** Memories of earlier versions say `why` for a message, and have other codes, or none. */
function ofThisVersion(json: Partial<Memory>): Partial<Memory> {
  const read = <T extends object>(told: T): T => ({ ...told, ...readProblem(told) })
  const { refused, unreachable, fleetAway, error, gaveUp, blocked = [], failing = [] } = json
  return {
    ...json,
    ...(refused && { refused: refusedOf(refused) }),
    ...(unreachable && { unreachable: read(unreachable) }),
    ...(fleetAway && { fleetAway: read(fleetAway) }),
    ...(error && { error: read(error) }),
    ...(gaveUp && { gaveUp: read(gaveUp) }),
    blocked: blocked.map((one) => ({
      qube: one.qube,
      path: one.path,
      problem: readProblem(one),
    })),
    failing: failing.map(read),
  }
}

/** When it was refused stood under `at`, which is a line of the spec by now. */
function refusedOf(told: NonNullable<Memory['refused']>): NonNullable<Memory['refused']> {
  const { commit, since, at } = told as Omit<typeof told, 'at'> & { readonly at?: unknown }
  const when = (since as string | undefined) ?? (typeof at === 'string' ? at : '')
  return { ...readProblem(told), commit, since: when }
}

/** Undefined where there is no file, null where it is no JSON. */
async function readJson(path: string): Promise<unknown> {
  const text = await readIfThere(path)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

/** Whoever wrote something there wanted the agent to be still: what cannot be understood holds until it is taken away. */
function suspensionOf(json: unknown): Suspension | null {
  if (json === undefined) return null
  const said = (typeof json === 'object' && json !== null ? json : {}) as Partial<Suspension>
  const until = typeof said.until === 'string' && !Number.isNaN(Date.parse(said.until)) ? said.until : null
  return { until, by: said.by ?? '', since: said.since ?? '', why: said.why ?? '' }
}

/** What cannot be understood is no order: the one that stands in the fleet is taken again. */
function orderedOf(json: unknown): Ordered | null {
  const said = (typeof json === 'object' && json !== null ? json : {}) as Partial<Ordered>
  const { id, commit, back } = said
  if (typeof id !== 'string' || typeof commit !== 'string' || !/^[0-9a-f]{40,64}$/.test(commit)) return null
  return { id, commit, back: back === true }
}
