import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Heard, type Observation } from '../rollout/index.ts'
import { type Entry, hostOf, KEYS, readReport, reportIn } from '../store/index.ts'

/** What a controller knows of the store, fed by watching it: the last of each document, and when each report came. */
export interface View {
  readonly entries: Map<string, Entry>
  /** By host: when a report came that this controller had not seen, by its own clock. */
  readonly heard: Map<string, number>
  /** By host: since when it has been said to be held, by the same clock. */
  readonly held: Map<string, number>
  /** Why reports that came cannot be read, until that is told. */
  readonly unread: Problem[]
  /** When it began to look. */
  readonly sinceMs: number
}

export const newView = (nowMs: number): View => ({
  entries: new Map(),
  heard: new Map(),
  held: new Map(),
  unread: [],
  sinceMs: nowMs,
})

/** Takes in what was read or told. What comes late or twice changes nothing. `isNews`: it was written while we looked. */
export function note(view: View, entry: Entry, nowMs: number, isNews: boolean): boolean {
  const known = view.entries.get(entry.key)
  if (known !== undefined && known.revision >= entry.revision) return false
  view.entries.set(entry.key, entry)
  if (!entry.key.startsWith(KEYS.reports)) return true
  const host = hostOf(entry.key)
  if (isNews || known !== undefined) view.heard.set(host, nowMs)
  const report = readReport(entry)
  if (!report.ok) view.unread.push(report.problem)
  const isHeld = report.ok && report.value.held !== null
  if (!isHeld) view.held.delete(host)
  else if (!view.held.has(host)) view.held.set(host, nowMs)
  return true
}

/** Reports of the hosts that are asked for. */
export function observe(view: View, hosts: Iterable<string>, nowMs: number): Observation {
  const seen = new Map<string, Heard>()
  for (const name of hosts) {
    const entry = view.entries.get(`${KEYS.reports}${name}`)
    const report = reportIn(entry)
    if (report === null) continue
    const heard = view.heard.get(name)
    const held = view.held.get(name)
    seen.set(name, {
      report,
      silentMs: nowMs - (heard ?? view.sinceMs),
      heldMs: held === undefined ? 0 : nowMs - held,
    })
  }
  return seen
}
