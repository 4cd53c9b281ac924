import { type Notification } from '../../documents/agent/index.ts'
import { type RestartReport } from '../../reconciler/index.ts'
import { type Value } from '../../spec/index.ts'
import {
  awaitingConsent,
  CONFLICT_FROM,
  CONSENT,
  isUndone,
  keyOf,
  type Reconciled,
  settledBy,
} from '../policy/index.ts'
import { type Memory, type NoticedBy } from '../state/index.ts'

/** Something that has happened and that a person, or a program of theirs, may want to know. */
export type Notice = Notification

type NoticeKind = Notice['kind']

/** A repository is told as unreachable once that many looks have failed: one that sleeps for a minute is no news. */
export const UNREACHABLE_FROM = 3

interface Told {
  readonly restarts: readonly RestartReport[]
  readonly host: string
  readonly at: string
  readonly noticedBy: NoticedBy
}

/** What has happened between two states of the memory. The same state twice tells nothing. Pure. */
export function noticesOf(
  before: Memory,
  after: Memory,
  done: Reconciled | null,
  { host, at, noticedBy, restarts }: Told,
): readonly Notice[] {
  const notices: Notice[] = []
  const commit = after.inForce?.commit ?? null
  const tell = (kind: NoticeKind, text: string, about: Readonly<Record<string, unknown>> = {}): void => {
    notices.push({ schema: 'qstate.notice', version: 1, kind, at, host, text, commit, about })
  }
  const { refused, unreachable, error, proposed } = after
  if (refused !== null && refused.commit !== before.refused?.commit)
    tell('refused', `commit refused: ${firstLine(refused.message)}`, { ...refused })
  if (unreachable !== null && unreachable.times >= UNREACHABLE_FROM && !isTold(before))
    tell('unreachable', `the repository cannot be reached: ${unreachable.message}`, { ...unreachable })
  if (unreachable === null && isTold(before)) tell('reachable', 'the repository can be reached again')
  tellFleet(before, after, tell)
  // In which words it shows depends on what was asked last: it is told once, until it is over.
  if (error !== null && before.error === null) tell('error', error.message, { ...error })
  if (error === null && before.error !== null) tell('recovered', 'the host answers as it should again')
  if (proposed !== null && proposed.changes !== before.proposed?.changes)
    tell('proposed', `a plan waits for a person: qstate apply ${proposed.file}`, { ...proposed })
  tellDrift(before, after, tell)
  tellHeld(before, after, tell)
  for (const restart of restarts) tell('restarted', `${restart.qube} ${restart.status}`, { ...restart })
  if (done !== null) {
    tellCorrected(done, noticedBy, tell)
    tellDone(done, tell)
  }
  const waited = new Set(before.waiting.map((one) => JSON.stringify(one)))
  for (const one of after.waiting.filter((entry) => !waited.has(JSON.stringify(entry))))
    tell('waiting', `${one.qube} waits for its next start: ${one.paths.join(', ')}`, { ...one })
  return notices
}

type Tell = (kind: NoticeKind, text: string, about?: Readonly<Record<string, unknown>>) => void

function tellFleet(before: Memory, { fleet, fleetAway: away }: Memory, tell: Tell): void {
  // Of a fleet that this host has left nothing is told.
  const wasTold = before.fleetAway?.lasts === true && before.fleet?.name === fleet?.name
  if (away === null ? !wasTold : wasTold || !away.lasts) return
  const name = `the fleet ${fleet?.name ?? ''}`
  if (away === null) tell('fleet-back', `${name} is reached again`)
  else tell('fleet-away', `${name} is not reached: ${away.message}`, { ...away })
}

function tellDrift(before: Memory, after: Memory, tell: Tell): void {
  const known = new Set(before.drift.map((one) => JSON.stringify([one.qube, one.path, one.found])))
  for (const one of after.drift)
    if (!known.has(JSON.stringify([one.qube, one.path, one.found])))
      tell(
        'drift',
        `${keyOf(one.qube, one.path)} was changed on the host from ${shown(one.wanted)} to ${shown(one.found)} (${one.noticed})`,
        {
          ...one,
          corrected: false,
        },
      )
  const fought = new Set(before.held.filter(isConflict).map(({ qube, path }) => keyOf(qube, path ?? '')))
  for (const one of after.held.filter(isConflict)) {
    const key = keyOf(one.qube, one.path ?? '')
    // Once: further tries come to the same, and each would be told again.
    if (fought.has(key) || (after.corrections[key]?.times ?? 0) > CONFLICT_FROM) continue
    const text = `${key} is changed back again and again: left alone until ${one.until ?? 'somebody decides'}, and longer each time`
    tell('conflict', text, { ...one })
  }
}

/** Told once: it stays held until a person has done something about it. */
function tellHeld(before: Memory, after: Memory, tell: Tell): void {
  const known = new Set(awaitingConsent(before.held).map(({ qube, why }) => keyOf(qube, why)))
  for (const one of awaitingConsent(after.held)) {
    if (known.has(keyOf(one.qube, one.why))) continue
    known.add(keyOf(one.qube, one.why))
    const { what, how } = CONSENT[one.why]
    tell('held', `${one.qube} is held: ${what}; ${how}`, { ...one })
  }
}

/** What was put right in the same turn never stood in the memory as drift. */
function tellCorrected(done: Reconciled, noticedBy: Told['noticedBy'], tell: Tell): void {
  const settled = settledBy(done.applied?.report)
  for (const { qube, changes } of done.seen.qubes)
    for (const { path, reason, before: found, after: wanted } of changes) {
      if (!isUndone(qube, { path, reason }, done) || !settled.has(keyOf(qube, path))) continue
      const noticed = noticedBy(qube, path)
      const text = `${keyOf(qube, path)} was changed on the host from ${shown(wanted)} to ${shown(found)} (${noticed}), and has been put right`
      tell('drift', text, { qube, path, wanted, found, noticed, corrected: true })
    }
}

function tellDone(done: Reconciled, tell: Tell): void {
  if (done.applied === null) return
  const { report, generation } = done.applied
  const qubes = report.qubes.map(({ qube, status, writes, outcomes }) => ({ qube, status, writes, outcomes }))
  const changed = qubes.filter(({ status }) => status === 'applied').map(({ qube }) => qube)
  const failed = qubes.filter(({ status }) => status !== 'applied' && status !== 'unchanged')
  const names = failed.map(({ qube, status }) => `${qube} ${status}`).join(', ')
  const interrupted = report.interrupted?.message ?? null
  const about = { generation, interrupted, qubes }
  if (changed.length > 0) tell('applied', `applied to ${changed.join(', ')}`, about)
  if (failed.length > 0 || interrupted !== null)
    tell('failed', `not all applied: ${names || (interrupted ?? '')}`, about)
}

/** Of untrusted text, as JSON: nothing in it moves a cursor. */
const shown = (value: Value | null): string => (value === null ? 'nothing' : JSON.stringify(value))

const isTold = ({ unreachable }: Memory): boolean =>
  unreachable !== null && unreachable.times >= UNREACHABLE_FROM

const isConflict = ({ why }: Memory['held'][number]): boolean => why === 'conflict'

const firstLine = (text: string): string => text.slice(0, (text + '\n').indexOf('\n'))
