import { fileReceipts, lockHolder } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { makeWithdrawalPlan, type Plan } from '../../reconciler/index.ts'
import { problem } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { findQube, type ManagedHost } from '../host/index.ts'
import { agentFolder } from '../source/index.ts'
import { PARALLELISM } from './execute.ts'

/** A plan that gives back all that qstate owns, on the qubes that are named or on all of the host, whoever has set it. */
export async function planWithdrawal(
  names: readonly string[] | 'all',
  connected: ManagedHost,
  context: Context,
): Promise<Plan> {
  const { host, qubes, version, stateFolder } = connected
  const chosen =
    names === 'all'
      ? qubes.filter(({ klass }) => klass !== 'AdminVM')
      : [...new Set(names)].map((name) => findQube(name, connected))
  await warnOfAgent(connected, context)
  if (names === 'all' && host.howListed !== undefined) context.warn(HIDDEN)
  return makeWithdrawalPlan(chosen, {
    ...{ host, providers, qubes, version },
    now: context.now().toISOString(),
    by: context.actor,
    receipts: fileReceipts(stateFolder, context.warn),
    explains: !host.hasPolicy,
    selects: () => true,
    parallelism: PARALLELISM,
    onQube: (done, total) => {
      context.progress({ kind: 'planning', done, total })
    },
  })
}

const HIDDEN = problem(
  'qubes-hidden',
  'qubes that policy does not show to this one are not looked at, and keep what qstate has set',
  'run this where all qubes are listed, such as in dom0, for the whole host',
)

/** An agent that goes on sets again what is given back. */
async function warnOfAgent(connected: ManagedHost, { warn }: Context): Promise<void> {
  const holder = await lockHolder(agentFolder(connected))
  if (holder === undefined) return
  const message = `an agent keeps this host (${holder.who}, process ${holder.pid}), and sets again what is given back`
  warn(problem('agent-at-work', message, 'stop it first: `systemctl disable --now qstate-agent`'))
}
