import { type Turn } from '../../agent/index.ts'
import { plural } from './style.ts'
import { showPath } from './value.ts'

interface Line {
  readonly level: 'debug' | 'info' | 'warn'
  readonly text: string
  readonly about: object
}

/** What one turn of the agent came to, for its log. Notices are told besides. */
export function turnLines({ why, memory, done }: Turn): readonly Line[] {
  if (done === null) return [{ level: 'debug', text: `looked: ${why}`, about: {} }]
  const changes = done.seen.qubes.reduce((sum, qube) => sum + qube.changes.length, 0)
  const report = done.applied?.report
  const writes = report?.qubes.reduce((sum, qube) => sum + qube.writes, 0) ?? 0
  const compared: Line = {
    level: writes > 0 ? 'info' : 'debug',
    text: `compared ${plural(done.seen.qubes.length, 'qube')}: ${why}`,
    about: { changes, writes, held: memory.held.length, generation: done.applied?.generation ?? null },
  }
  const failed = (report?.qubes ?? []).flatMap(({ qube, status, error, outcomes }): Line[] =>
    [
      ...(error === null ? [] : [{ error, path: '' }]),
      ...outcomes.flatMap(({ path, error: why }) => (why === null ? [] : [{ error: why, path }])),
    ].map((one) => ({
      level: 'warn' as const,
      text: `${qube} ${status}: ${one.path === '' ? '' : `${showPath(one.path)}: `}${one.error.message}`,
      about: { hint: one.error.hint },
    })),
  )
  const busy: readonly Line[] =
    done.busy === null
      ? []
      : [{ level: 'info', text: `${done.busy} is at work on this host: tried again soon`, about: {} }]
  return [compared, ...failed, ...busy]
}
