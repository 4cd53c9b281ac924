import { type FleetStatus, type HostRow } from '../../app/fleet/index.ts'
import { fold, padTo, type Style } from './style.ts'
import { consentHint, oneLine, showProblem, showTime } from './value.ts'

export function fleetView(
  { hosts: rows, leader, leaderLastSeen }: Pick<FleetStatus, 'hosts' | 'leader' | 'leaderLastSeen'>,
  now: Date,
  style: Style,
): string {
  const lines = rows.map((row) => [row.host, ...cells(row, now)] as const)
  const head = ['host', 'commit', 'state', 'drift', 'last seen']
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  )
  const text = (line: readonly string[]): string =>
    line
      .map((cell, column) => padTo(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  const who =
    leader === null
      ? 'No controller has ever been in charge.'
      : `In charge: ${oneLine(leader.who)}, last heard of ${heard(leaderLastSeen, now)}.`
  const below = rows.map((row) => details(row).map((line) => fold(line, style.width, '      ')))
  const table = lines.flatMap((line, row) => [text(line), ...(below[row] ?? [])])
  return `${[style.bold(text(head)), ...table, '', fold(who, style.width, '')].join('\n')}\n`
}

function cells({ report, lastSeen, ordered, problem }: HostRow, now: Date): readonly string[] {
  if (problem !== undefined) return ['', 'unreadable report', '', heard(lastSeen, now)]
  if (report === null)
    return ['', ordered === null ? 'never heard of' : 'ordered, never heard of', '', 'never']
  const { commit, drift, status, trouble, restarts, unseenSince } = report
  const state = trouble === null ? status : `${status}: ${oneLine(trouble.code)}`
  const waits = restarts === 0 ? '' : ', restart waits'
  return [
    commit === null ? 'none' : commit.slice(0, 12),
    state + waits,
    drift === null ? 'unknown' : `${unseenSince === null ? '' : 'was '}${drift === 0 ? 'none' : drift}`,
    heard(lastSeen, now),
  ]
}

/** What has no place in a column: the first line of what went wrong, why the host begins nothing, and how old it is what is told. */
function details({ report, problem }: HostRow): readonly string[] {
  if (problem !== undefined) return [oneLine(problem.message)]
  if (report === null) return []
  const { drift, held, unseenSince } = report
  const { trouble } = report
  const [first = ''] = trouble?.message.split('\n') ?? []
  const isOld = drift === null ? '' : ': the drift is of the last look'
  return [
    ...(trouble === null ? [] : [oneLine(showProblem({ ...trouble, message: first }))]),
    ...consentHint(trouble).map(oneLine),
    ...(held === null ? [] : [`held: ${oneLine(held)}`]),
    ...(unseenSince === null ? [] : [`not looked at since ${showTime(unseenSince)}${isOld}`]),
  ]
}

const heard = (lastSeen: string | null, now: Date): string =>
  lastSeen === null ? 'at an unknown time' : ago(now.getTime() - Date.parse(lastSeen))

/** Roughly: two machines' clocks stand behind it. */
function ago(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000))
  if (minutes < 1) return 'just now'
  if (minutes < 120) return `${minutes} min ago`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} days ago`
}
