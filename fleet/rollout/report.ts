import { type Problem } from '../../spec/diagnostics/index.ts'
import { isCommit, isCount, isProblemOrNull, isText, isTextOrNull, problemIn } from './text.ts'

/** How a host is. */
export interface Condition {
  /** The commit in force. */
  readonly commit: string | null
  /** What the plan for it changes, whichever host it is for: the same change has the same digest. */
  readonly digest: string | null
  readonly generation: number | null
  /** Settings that are not as applied; null: the host could not be looked at. */
  readonly drift: number | null
  /** Qubes that wait for a restart. */
  readonly restarts: number
  /** Of the qubes that were asked for, those that are here and do not run. */
  readonly notRunning: readonly string[]
  /** What the check said; null: not asked for, or not run yet. */
  readonly check: 'passed' | 'failed' | null
  readonly trouble: Problem | null
  /** Why it begins nothing now; null: it would. An order that it has claimed waits meanwhile. */
  readonly held: string | null
  /** The same with its code. Agents of before do not say it. */
  readonly hold?: Problem | null
  /** ISO 8601, by the host's clock, for people: it could not be looked at since, and its drift is of the last look. */
  readonly unseenSince: string | null
}

/**
 * What a host says of itself: one document, replaced whole. It is also where a host claims an order before it begins, and where
 * a controller takes back an order that was not claimed: both by compare-and-set, so that one of the two happens.
 */
export interface HostReport extends Condition {
  readonly schema: 'qstate.report'
  readonly version: 1
  readonly host: string
  /** Rises with every report, so that a host that has nothing new to say is heard all the same. */
  readonly beat: number
  /** By the host's clock, for people: nothing is decided by it. */
  readonly at: string
  /** The order that this is about; null before the first. */
  readonly order: string | null
  /** It was written after that order was seen to ask how the host is. */
  readonly looked: boolean
  readonly status: 'idle' | 'working' | 'applied' | 'failed' | 'refused'
  /** An order that the host can no longer claim. */
  readonly recalled: string | null
}

const STATUSES: ReadonlySet<unknown> = new Set(['idle', 'working', 'applied', 'failed', 'refused'])

/** What was stored, if it is a report of this host. Hosts are not believed more than their reports' shape. */
export function readReport(json: unknown, host: string): HostReport | null {
  const report = json as Partial<Record<keyof HostReport, unknown>> | null
  if (typeof report !== 'object' || report === null) return null
  const isReport =
    report.schema === 'qstate.report' &&
    report.version === 1 &&
    report.host === host &&
    isCount(report.beat) &&
    isText(report.at) &&
    isTextOrNull(report.order) &&
    typeof report.looked === 'boolean' &&
    STATUSES.has(report.status) &&
    (report.commit === null || isCommit(report.commit)) &&
    isTextOrNull(report.digest) &&
    (report.generation === null || isCount(report.generation)) &&
    (report.drift === null || isCount(report.drift)) &&
    isCount(report.restarts) &&
    Array.isArray(report.notRunning) &&
    report.notRunning.length <= 1000 &&
    report.notRunning.every(isText) &&
    (report.check === null || report.check === 'passed' || report.check === 'failed') &&
    isTextOrNull(report.held) &&
    // Agents of before say nothing of it.
    (report.unseenSince === undefined || isTextOrNull(report.unseenSince)) &&
    isTextOrNull(report.recalled) &&
    isProblemOrNull(report.trouble) &&
    isProblemOrNull(report.hold ?? null)
  if (!isReport) return null
  return {
    ...report,
    unseenSince: report.unseenSince ?? null,
    trouble: problemIn(report.trouble),
    ...(report.hold === undefined ? {} : { hold: problemIn(report.hold) }),
  } as HostReport
}
