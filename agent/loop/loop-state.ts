import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Notice } from '../notify/index.ts'
import { type Gate, type Policy } from '../policy/index.ts'
import { type AgentHost, type Clock, type CommittedSpec, type Confirmation } from '../ports/index.ts'
import { type Memory, type Store, type Turn } from '../state/index.ts'
import { type Background } from './background.ts'
import { type Mailbox } from './mailbox.ts'
import { type Source } from './source.ts'

export interface AgentSettings {
  readonly policy: Policy
  /** Milliseconds between two looks at the repository. */
  readonly lookEvery: number
  /** Milliseconds between two comparisons of everything, where events are heard. */
  readonly compareEvery: number
  /** Repository and branch or tag, for people. Commits of another one are no ancestors of these. */
  readonly where: string
  /** Of this host's spec, or of its fleet, from the root of the repository. */
  readonly paths: readonly string[]
  /** The fleet whose orders say what is wanted; null: branch or tag do. */
  readonly fleet: Memory['fleet']
  /** Whether the calendar lets anything be written, and until when if not. */
  readonly gate: (now: Date) => Gate
}

export interface AgentContext {
  readonly settings: AgentSettings
  readonly source: Source
  readonly host: AgentHost
  readonly store: Store
  readonly clock: Clock
  readonly hostname: string
  readonly signal: AbortSignal
  /** Calls the listener when a person wants the agent to look now. */
  readonly onNudge: (listener: () => void) => void
  /** Calls the listener when something has been ordered. */
  readonly onOrder: (listener: () => void) => void
  /** Calls the listener with why the fleet's servers are not reached, each time that this is found; null: they answer. */
  readonly onFleet: (listener: (trouble: Problem | null) => void) => void
  readonly tell: (notice: Notice) => void
  readonly watch: AgentWatch
}

/** What is told of the agent's life, for logs and metrics. Nothing is decided by it. */
interface AgentWatch {
  readonly turn: (told: Turn) => void
  readonly say: (level: 'info' | 'warn' | 'error', message: string, about?: object) => void
}

/** What changes while an agent lives. */
export interface Life {
  memory: Memory
  /** What has been told of it already, and what is on disk. */
  told: Memory
  saved: Memory | null
  spec: CommittedSpec | null
  /** Qubes of the last plan. */
  known: ReadonlySet<string>
  /** What the log has of the trouble that the host is in: a night of it is not said twice a minute. */
  readonly said: Set<string>
  /** What is known could not be written to disk when it last was to be. */
  isUnkept: boolean
  /** Turns in a row that came to nothing. */
  failures: number
  /** When what comes next, in milliseconds since the epoch. */
  readonly due: { look: number; compare: number; again: number; confirmation: number }
  /** What an apply that is not confirmed lets be done. */
  confirmation: Confirmation
  /** Qubes that `due.again` is about; null: all. */
  retry: ReadonlySet<string> | null
  /** Everything is being compared: what happens meanwhile to any qube may matter. */
  isComparing: boolean
  /** Somebody wants another look at the repository once the one under way is over. */
  lookAgain: boolean
  readonly mailbox: Mailbox
  readonly background: Background
}

const RETRY_MS = 1000
const LONGEST_RETRY_MS = 5 * 60_000

/** How long to wait after so many failures in a row, in milliseconds. */
export const retryMs = (failures: number): number =>
  Math.min(RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS)
