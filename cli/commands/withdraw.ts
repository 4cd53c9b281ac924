import { planWithdrawal } from '../../app/apply/index.ts'
import { connect, type ManagedHost } from '../../app/host/index.ts'
import { type Plan } from '../../reconciler/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { targetOf } from '../options.ts'
import { runCommand, type RunFlags, type TypedConsent } from './run.ts'

export interface WithdrawFlags extends RunFlags {
  readonly all?: boolean
}

/** Gives back what qstate owns on some qubes, or on all of them: before it is removed, or for good. */
export async function withdraw(names: readonly string[], options: WithdrawFlags, io: Io): Promise<number> {
  if ((names.length === 0) !== (options.all === true)) {
    const message = names.length === 0 ? 'no qube is named' : '--all goes with no name of a qube'
    throw new QstateError(problem('bad-option', message, 'name qubes, or write --all for the whole host'))
  }
  const context = await commandContext(options, io)
  const chosen = options.all === true ? 'all' : names
  return runCommand(
    connect(targetOf(options, io), context),
    (host: ManagedHost) => planWithdrawal(chosen, host, context),
    { kind: 'withdraw', consent: countToType },
    options,
    io,
    context,
  )
}

/** Consent to a mass withdrawal: the number of settings that go back. */
function countToType({ qubes }: Plan): TypedConsent | null {
  const count = qubes.reduce((sum, { changes }) => sum + changes.length, 0)
  if (count === 0) return null
  const what = count === 1 ? '1 setting goes back' : `${count} settings go back`
  const question = `${what} to what was there before qstate. Type that number to continue: `
  return { question, answer: String(count) }
}
