import { type Memory, type Suspension } from '../../agent/index.ts'
import { type AgentConfig } from '../../spec/agent/index.ts'
import { shortCommit, showTime } from './value.ts'

/** What a configuration file of an agent has it do. */
export function configLine(path: string, { source, policy, verify, fleet }: AgentConfig): string {
  const ref = fleet === null ? `${source.ref.kind} ${source.ref.name}` : `as the fleet ${fleet.name} orders`
  const signed = verify.by === 'none' ? 'no signature needed' : `commits signed by ${verify.by}`
  return `Valid: ${path} follows ${source.url}, ${ref}; commits: ${policy.commits}, ${signed}; drift: ${driftText(policy.drift)}.\n`
}

function driftText(drift: AgentConfig['policy']['drift']): string {
  const words = new Set(drift.values())
  if (!words.has('correct')) return 'report'
  return words.size === 1 && drift.has('default') ? 'correct' : 'correct in part'
}

export function suspendedLine({ until }: Suspension): string {
  const when = until === null ? ', until `qstate agent resume`' : ` until ${showTime(until)}`
  return `Suspended${when}. It goes on looking, and writes nothing.\n`
}

export function acceptedText(commit: string, { fleet }: Memory): string {
  const when =
    fleet === null ? 'if it is what branch or tag stands at' : `if the fleet ${fleet.name} orders it`
  return `Ordered: ${commit} is taken, ${when} and its signature is good. \`qstate status\` tells.\n`
}

/** Where the commit is not what was wanted when the agent last looked, that nothing comes of it yet. */
export function laggingText(commit: string, { wanted, fleet }: Memory): string {
  if (wanted === null || wanted.commit.startsWith(commit)) return ''
  const who = fleet === null ? 'Branch or tag' : `The fleet ${fleet.name}`
  return `${who} stood at ${shortCommit(wanted.commit)} when the agent last looked: nothing comes of this until it is ${commit}.\n`
}
