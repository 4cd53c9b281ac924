import {
  bootId,
  forgetReverted,
  type Mark,
  type MarkContent,
  readMark,
  readReverted,
  secondsSinceBoot,
} from '../../journal/index.ts'
import { problem, type Problem, QstateError, utcMinute } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'

/** Seconds in which an apply may still be confirmed. After another boot there are none. */
export async function secondsLeft({ state, content }: Mark): Promise<number> {
  const { boot, deadline } = content
  if (state === 'reverting' || boot !== (await bootId())) return 0
  return Math.max(0, deadline - secondsSinceBoot())
}

/** When the time to confirm it is over. */
export const untilOf = (left: number, now: Date): Date => new Date(now.getTime() + left * 1000)

/** Why no other run may write: an apply waits to be confirmed. */
export function unconfirmed(
  { generation, who }: Pick<MarkContent, 'generation' | 'who'>,
  left: number,
  now: Date,
): Problem {
  const until = utcMinute(untilOf(left, now).toISOString())
  const message = `generation ${generation} (${who}) waits to be confirmed, for ${Math.round(left)} seconds, until ${until}`
  return problem(
    'unconfirmed',
    message,
    'it stays with `qstate confirm`; without, all of it is taken back then',
  )
}

/** Tells who only looks at the host that an apply waits to be confirmed, or is to be taken back. */
export async function warnUnconfirmed(folder: string, { warn, now }: Context): Promise<void> {
  const mark = await readMark(folder).catch((error: unknown) => {
    if (!(error instanceof QstateError)) throw error
    warn(error.problem)
    return null
  })
  if (mark === null) return
  const left = await secondsLeft(mark)
  if (left > 0) warn(unconfirmed(mark.content, left, now()))
  else {
    const { generation, who } = mark.content
    const message = `generation ${generation} (${who}) was not confirmed in time, and is to be taken back`
    warn(
      problem(
        'unconfirmed',
        message,
        'the next run that writes takes it back first; `qstate rollback --unconfirmed` does so now',
      ),
    )
  }
}

export const untriedText = (untried: MarkContent['untried']): string =>
  untried.map(({ qube, paths }) => `${qube} (${paths.join(', ')})`).join('; ')

/**
 * A person has applied, confirmed or accepted a commit, of which the first digits do: that it was taken back before holds no agent
 * any more.
 */
export async function liftHold(folder: string, commit: string | null): Promise<void> {
  const reverted = await readReverted(folder)
  if (commit !== null && reverted?.commit?.startsWith(commit) === true) await forgetReverted(folder)
}
