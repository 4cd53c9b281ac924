import { type Held, holdProblem, type Memory } from '../../agent/index.ts'
import { type AgentState } from '../../app/source/index.ts'
import { escapeForTerminal } from '../../spec/diagnostics/index.ts'
import { fold, padTo, plural, type Style } from './style.ts'
import { shortCommit, showPath, showProblem, showTime, showValue } from './value.ts'

/** A line that is quoted from a file, and the line below it with the caret: neither is folded. */
const EXCERPT = /^ *[0-9]* \| /

/** What an agent knows of its host, for people. */
export function agentView({ memory, running }: AgentState, style: Style): string {
  const {
    withdrawal = null,
    wanted,
    inForce,
    applied,
    refused,
    unreachable,
    fleetAway,
    error,
    suspended,
    proposed,
  } = memory
  const state = running === null ? style.red('not running') : `process ${running.pid}`
  const lines = [
    fold(
      `${style.bold('Agent')} ${memory.mode === 'apply' ? 'applies' : `${memory.mode}s`} ${escapeForTerminal(memory.source)}${memory.corrects === true ? ', and sets back drift' : ''} ${style.dim(`(${state})`)}`,
      style.width,
      '',
    ),
  ]
  const row = (name: string, text: string, hint?: string): void => {
    const folded = text
      .split('\n')
      .map((line) => (EXCERPT.test(line) ? line : fold(line, style.width - 14, '')))
    lines.push(`  ${padTo(name, 10)}  ${folded.join('\n').replaceAll('\n', `\n${' '.repeat(14)}`)}`)
    if (hint !== undefined && hint !== '') lines.push(style.dim(fold(hint, style.width, ' '.repeat(16))))
  }
  if (memory.fleet !== null) row('fleet', `${memory.fleet.name}, as ${memory.fleet.host}`)
  if (fleetAway !== null)
    row(
      'servers',
      style.red(`not reached since ${showTime(fleetAway.since)}: ${escapeForTerminal(fleetAway.message)}`),
      fleetAway.hint,
    )
  row(
    memory.fleet === null ? 'wanted' : 'ordered',
    wanted === null ? 'nothing yet' : `${shortCommit(wanted.commit)}  since ${showTime(wanted.seenAt)}`,
  )
  const signers =
    inForce === null || inForce.signers === '' ? '' : `, signed by ${escapeForTerminal(inForce.signers)}`
  row(
    'in force',
    inForce === null
      ? 'nothing yet'
      : `${shortCommit(inForce.commit)}  since ${showTime(inForce.since)}${signers}`,
  )
  row(
    'applied',
    applied === null ? 'nothing yet' : `${shortCommit(applied.commit)}  at ${showTime(applied.at)}`,
  )
  if (refused !== null)
    row('refused', style.red(escapeForTerminal(refused.message, { newlines: true })), refused.hint)
  if (unreachable !== null)
    row(
      'repository',
      style.red(
        `not reached since ${showTime(unreachable.since)}: ${escapeForTerminal(unreachable.message)}`,
      ),
      unreachable.hint,
    )
  if (error !== null && SILENT.has(error.code))
    row(
      'daemon',
      style.red(`no answer since ${showTime(error.since)}: ${escapeForTerminal(error.message)}`),
      error.hint,
    )
  else if (error !== null)
    row(
      'error',
      style.red(`${escapeForTerminal(error.message)} (since ${showTime(error.since)})`),
      error.hint,
    )
  if (memory.events !== 'connected') row('events', style.yellow(EVENTS[memory.events]))
  if (suspended !== null) {
    const why = suspended.why === '' ? '' : `: ${escapeForTerminal(suspended.why)}`
    const until = suspended.until === null ? '' : ` until ${showTime(suspended.until)}`
    row('suspended', style.yellow(`by ${escapeForTerminal(suspended.by)}${until}${why}`))
  }
  const isToldOfHost = [memory.drift, memory.failing, memory.blocked, memory.held, memory.waiting].some(
    (list) => list.length > 0,
  )
  if (error !== null && isToldOfHost)
    row('', style.yellow('what follows is as it was last seen, before that'))
  for (const { qube, path, found, wanted: value, since, noticed } of memory.drift)
    row(
      'drift',
      `${qube} ${showPath(path)} is ${showValue(path, found)}, wanted ${showValue(path, value)}; since ${showTime(since)} (${escapeForTerminal(noticed)})`,
    )
  for (const { qube, message, hint } of memory.failing)
    row('failed', style.red(`${qube}: ${escapeForTerminal(message)}`), escapeForTerminal(hint))
  for (const { qube, path, problem } of memory.blocked)
    row(
      'blocked',
      style.red(
        `${path === null ? qube : `${qube} ${showPath(path)}`}: ${escapeForTerminal(showProblem(problem))}`,
      ),
      escapeForTerminal(problem.hint),
    )
  for (const [text, names] of heldByWhy(memory.held)) row('held', `${names}: ${text}`)
  if (withdrawal !== null) row('consent', consentText(withdrawal))
  if (proposed !== null) row('proposed', `qstate apply ${proposed.file}`)
  for (const { qube, paths, held } of memory.waiting) {
    row('restart', style.yellow(`${qube} waits for its next start: ${paths.map(showPath).join(', ')}`))
    if (held === undefined) continue
    row('', style.yellow(`it is not restarted: ${escapeForTerminal(held.message)}`))
    row('', escapeForTerminal(held.hint))
  }
  return `${lines.join('\n')}\n`
}

/** The same for a program: what is held says why with its code. */
export const agentJson = ({ memory, running }: AgentState): object => ({
  ...memory,
  held: memory.held.map((one) => ({ ...one, problem: holdProblem(one.why) })),
  running: running?.pid ?? null,
})

/** Of the daemon: nothing of it can be asked. */
const SILENT: ReadonlySet<string> = new Set(['daemon-unreachable', 'timeout'])

/** These are tried again by themselves. */
const TRIED: ReadonlySet<Held['why']> = new Set(['backing-off', 'conflict', 'failed'])

const EVENTS = {
  lost: 'not heard: changes on the host are noticed late',
  refused: 'refused by policy: changes are noticed at the next comparison, within 5 minutes',
}

/** The command that agrees to what is held. */
function consentText({ commit, digest, withdrawals }: NonNullable<Memory['withdrawal']>): string {
  const qubes = [...new Set(withdrawals.map(({ qube }) => qube))].map((qube) => escapeForTerminal(qube))
  const command = `qstate agent accept ${commit.slice(0, 12)} --withdraw ${digest.slice(0, 12)}`
  return `\`${command}\` withdraws ${plural(withdrawals.length, 'value')} of ${qubes.join(', ')}`
}

function heldByWhy(held: readonly Held[]): ReadonlyMap<string, string> {
  const groups = new Map<string, string[]>()
  for (const { qube, path, why, until } of held) {
    const when = TRIED.has(why) ? '; next try at' : ', until'
    const { message, hint } = holdProblem(why)
    const what = hint === '' ? message : `${message}; ${hint}`
    const text = `${what}${until === null ? '' : `${when} ${showTime(until)}`}`
    groups.set(text, [...(groups.get(text) ?? []), path === null ? qube : `${qube} ${showPath(path)}`])
  }
  return new Map([...groups].map(([text, names]) => [text, names.join(', ')]))
}
