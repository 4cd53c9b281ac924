import { watch } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  acceptedDocument,
  consentDocument,
  type GivenConsent,
  type Memory,
  memoryDocument,
  type Ordered,
  orderedDocument,
  type Suspension,
  suspensionDocument,
} from '../../documents/agent/index.ts'
import { type Document, documentText, readFileDocument } from '../../documents/read/index.ts'
import { makeFolder, writeDurably } from '../../journal/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { NO_MEMORY } from './memory.ts'

/** What a person on this host, or its fleet, has told the agent. Files, so that it holds while the agent is not running, too. */
export interface Orders {
  readonly suspended: Suspension | null
  /** A commit to take although it does not come after the one in force; at least its first seven digits. */
  readonly accepted: string | null
  /** The commit that this host is to have. Followed only where the agent takes orders. */
  readonly ordered: Ordered | null
  /** Withdrawals that a person has agreed to. */
  readonly consent: GivenConsent | null
  /** Why some of it cannot be read. */
  readonly problems: readonly Problem[]
}

interface Loaded {
  readonly memory: Memory
  /** There is one, and it cannot be read: damaged, or of a later version. */
  readonly problem: Problem | null
}

export interface Store {
  load(): Promise<Loaded>
  /** Keeps a memory that is not understood beside its place, for a person to look at. Where it is now. */
  setAside(): Promise<string>
  save(memory: Memory): Promise<void>
  orders(): Promise<Orders>
  suspend(suspension: Suspension | null): Promise<void>
  accept(commit: string | null): Promise<void>
  consent(given: GivenConsent | null): Promise<void>
  order(ordered: Ordered): Promise<void>
  /** Calls the listener when a person has given orders. Until the signal fires. */
  onOrders(listener: () => void, signal: AbortSignal): Promise<void>
}

const ORDERS = {
  suspended: 'suspended.json',
  accepted: 'accepted.json',
  ordered: 'ordered.json',
  consent: 'consent.json',
}

/** A folder of this host's agent. Each file is replaced whole, so that a crash leaves the old or the new one. */
export function openStore(folder: string): Store {
  const memory = join(folder, 'memory.json')
  const suspended = join(folder, ORDERS.suspended)
  const accepted = join(folder, ORDERS.accepted)
  const ordered = join(folder, ORDERS.ordered)
  const consent = join(folder, ORDERS.consent)
  let saving: Promise<void> = Promise.resolve()
  /** Null: there is to be none. */
  const replace = async <T extends object>(
    path: string,
    document: Document<T>,
    content: T | null,
  ): Promise<void> => {
    if (content === null) {
      await rm(path, { force: true })
      return
    }
    await makeFolder(folder)
    await writeDurably(path, `${documentText(document, content, 2)}\n`)
  }
  return {
    async load() {
      const read = await readFileDocument(memoryDocument, memory)
      if (read === undefined) return { memory: NO_MEMORY, problem: null }
      // Nothing that is owned stands in it; the commit that a new one has to come after does.
      return read.ok ? { memory: read.value, problem: null } : { memory: NO_MEMORY, problem: read.problem }
    },
    async setAside() {
      await rename(memory, `${memory}.damaged`)
      return `${memory}.damaged`
    },
    save(next) {
      // One after the other: two at once would write the same new file.
      saving = saving.catch(() => undefined).then(() => replace(memory, memoryDocument, next))
      return saving
    },
    async orders() {
      const [suspend, accept, order, agreed] = await Promise.all([
        readFileDocument(suspensionDocument, suspended),
        readFileDocument(acceptedDocument, accepted),
        readFileDocument(orderedDocument, ordered),
        readFileDocument(consentDocument, consent),
      ])
      return {
        suspended: suspensionIn(suspend),
        accepted: accept?.ok === true ? accept.value.commit : null,
        ordered: orderIn(order),
        consent: agreed?.ok === true ? agreed.value : null,
        problems: [suspend, accept, order, agreed].flatMap((read) =>
          read?.ok === false ? [read.problem] : [],
        ),
      }
    },
    suspend: (suspension) => replace(suspended, suspensionDocument, suspension),
    accept: (commit) => replace(accepted, acceptedDocument, commit === null ? null : { commit }),
    consent: (given) => replace(consent, consentDocument, given),
    order: (next) => replace(ordered, orderedDocument, next),
    async onOrders(listener, signal) {
      await makeFolder(folder)
      const names: readonly (string | null)[] = [ORDERS.suspended, ORDERS.accepted, ORDERS.consent]
      watch(folder, { signal }, (_, name) => {
        if (names.includes(name)) listener()
      }).on('error', () => undefined)
    },
  }
}

type Read<T> = Awaited<ReturnType<typeof readFileDocument<T>>>

/** Whoever wrote something there wanted the agent to be still: what cannot be read holds until it is taken away. */
function suspensionIn(read: Read<Suspension>): Suspension | null {
  if (read === undefined) return null
  if (!read.ok) return { until: null, by: 'a file that cannot be read', since: '', why: '' }
  const { until, by, since, why } = read.value
  return { until, by, since, why }
}

/** What cannot be read is no order: the one that stands in the fleet is taken again. */
function orderIn(read: Read<Ordered>): Ordered | null {
  if (read?.ok !== true) return null
  const { id, commit, back, consent = null } = read.value
  return { id, commit, back, consent }
}
