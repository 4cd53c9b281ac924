import { type HostState, type RolloutState, type Stage } from '../../documents/fleet/index.ts'
import { atWork, awaitsConsent, isSettled, isTrailing, needsApproval } from '../../fleet/index.ts'
import { fold, padTo, plural, type Style } from './style.ts'
import { consentHint, oneLine, showSpan, showTime } from './value.ts'

/** A rollout by its waves: what is done, what is under way, what is waited for, and what went wrong. */
export function rolloutView(state: RolloutState, style: Style): string {
  const width = Math.max(...state.waves.map(({ name }) => name.length))
  const waves = state.waves.map(({ name }, index) => {
    const text = fold(waveText(state, index) + soakLeft(state, index), style.width - width - INSET, '')
    const below = `\n${' '.repeat(width + INSET)}`
    return `  ${signOf(state, index, style)} ${padTo(name, width)}  ${text.replaceAll('\n', below)}`
  })
  const [head, end] = [headOf(state, style), saying(state, style)].map((text) => fold(text, style.width, ''))
  return `${[head, '', ...waves, ...problems(state, style), '', end].join('\n')}\n`
}

/** One line for logs and for following: where it stands. */
export const rolloutLine = (state: RolloutState): string =>
  `${phaseText(state)} · ${state.waves[state.wave]?.name ?? ''}: ${waveText(state, state.wave)}`

/** Tells how a rollout stands whenever that reads otherwise than before, and whom a person keeps waiting. */
export function rolloutLog(tell: (line: string) => void): (state: RolloutState) => void {
  let last: readonly string[] = []
  return (state) => {
    const waiting = Object.entries(state.hosts).filter(([, host]) => awaitsConsent(host))
    const lines = [rolloutLine(state), ...waiting.map(([name, host]) => `${name} ${consentLine(host)}`)]
    for (const line of lines) if (!last.includes(line)) tell(line)
    last = lines
  }
}

const consentLine = ({ why, problem }: HostState): string =>
  `waits for consent: ${oneLine(why ?? '')}; ${oneLine(problem?.hint ?? '')}`

/** Rollouts of the past, a line each. */
export function rolloutHistoryView(all: readonly RolloutState[], style: Style): string {
  const lines = all.map((state) => {
    const by = state.said[0]?.by ?? ''
    const what = `${padTo(style.bold(state.name), 16)}  ${state.commit.slice(0, 12)}  ${padTo(phaseText(state), 19)}`
    return `${String(state.serial).padStart(4)}  ${what}  ${showTime(state.startedAt)}  ${by}`
  })
  return lines.length === 0 ? 'No rollout yet.\n' : `${lines.join('\n')}\n`
}

const headOf = (state: RolloutState, style: Style): string =>
  `${style.bold(state.name)} · rollout ${state.serial} · ${state.commit.slice(0, 12)} (${state.revision}) · ${phaseText(state)}`

const phaseText = (state: RolloutState): string =>
  state.phase === 'partial' ? 'ended with failures' : state.phase.replaceAll('-', ' ')

function signOf(state: RolloutState, wave: number, style: Style): string {
  const hosts = hostsOf(state, wave)
  if (hosts.some(([, { stage }]) => isBad(stage))) return style.red('✗')
  if (hosts.length > 0 && hosts.every(([, { stage }]) => stage === 'passed' || stage === 'skipped'))
    return style.green('✓')
  return wave === state.wave && state.phase === 'running' ? style.cyan('▸') : ' '
}

const hostsOf = (state: RolloutState, wave: number): readonly (readonly [string, HostState])[] =>
  Object.entries(state.hosts).filter(([, host]) => host.wave === wave)

const isBad = (stage: Stage): boolean =>
  stage === 'failed' || stage === 'lost' || stage === 'missing' || stage === 'stuck'

const WORDS: readonly (readonly [Stage, string])[] = [
  ['passed', 'passed'],
  ['ordered', 'at work'],
  ['soaking', 'soaking'],
  ['failed', 'failed'],
  ['lost', 'silent at work'],
  ['later', 'away, given it later'],
  ['skipped', 'away, skipped'],
  ['owed', 'to go back'],
  ['returning', 'going back'],
  ['missing', 'silent, going back'],
  ['returned', 'gone back'],
  ['stuck', 'could not go back'],
  ['kept', 'left with it'],
  ['waiting', 'waiting'],
]

/** Nobody is given the revision any more. */
const OVER: Partial<Record<Stage, string>> = { waiting: 'not begun', later: 'away, not given it' }

function waveText(state: RolloutState, wave: number): string {
  const hosts = hostsOf(state, wave)
  const isOpen = state.phase === 'running' || state.phase === 'paused'
  const over = isOpen ? {} : OVER
  const counts = WORDS.flatMap(([stage, word]) => {
    const here = hosts.filter(([, host]) => host.stage === stage)
    const waiting = here.filter(([, host]) => awaitsConsent(host)).length
    const others = here.length - waiting
    return [
      ...(others === 0 ? [] : [`${others} ${over[stage] ?? word}`]),
      ...(waiting === 0 ? [] : [`${waiting} waiting for consent`]),
    ]
  })
  const waits = needsApproval(state, wave) && isOpen ? '; needs approval' : ''
  const soakMs = state.waves[wave]?.soakMs ?? 0
  const soaks = isOpen && soakMs > 0 && hosts.some(([, { stage }]) => !isSettled(stage))
  const soak = soaks ? `; soak ${showSpan(soakMs)}` : ''
  return `${counts.length === 0 ? 'no hosts' : counts.join(', ')}${waits}${soak}`
}

/** Of the host that has soaked the shortest, by the rollout's own clock. */
function soakLeft(state: RolloutState, wave: number): string {
  const soakMs = state.waves[wave]?.soakMs ?? 0
  const isOpen = state.phase === 'running' || state.phase === 'paused'
  const soaking = hostsOf(state, wave).filter(([, { stage }]) => stage === 'soaking')
  if (!isOpen || soakMs === 0 || soaking.length === 0) return ''
  const left = Math.max(...soaking.map(([, { since }]) => since + soakMs - state.clockMs))
  return left > 0 ? `, over in ${showSpan(left)}` : ', over'
}

const MANY = 12
const INSET = 6

function problems(state: RolloutState, style: Style): readonly string[] {
  const bad = Object.entries(state.hosts).filter(([, { why }]) => why !== null)
  const lines = bad.slice(0, MANY).map(([name, { stage, why, problem }]) => {
    const [first = '', ...more] = (why ?? '').split('\n')
    const line = fold(`${isBad(stage) ? style.red(name) : name}: ${first}`, style.width - INSET, '')
    // Lines of a host's own stand in from what is said of hosts: none passes for another.
    const asks = consentHint(problem ?? null).map((text) => fold(text, style.width - INSET, ''))
    const hint = asks.flatMap((text) => text.split('\n').map(style.dim))
    return `  ${[...line.split('\n'), ...more, ...hint].join(`\n${' '.repeat(INSET)}`)}`
  })
  const more = bad.length > MANY ? [`  … and ${bad.length - MANY} more: --json has them all`] : []
  return lines.length === 0 ? [] : ['', ...lines, ...more]
}

/** What it waits for, or what became of it. */
function saying(state: RolloutState, style: Style): string {
  const why = state.why === null ? '' : `: ${oneLine(state.why)}`
  switch (state.phase) {
    case 'succeeded':
      return style.green('Every host that was reached has it.')
    case 'partial':
      return style.yellow('It ended with failures, no more than were allowed.')
    case 'aborted':
      return style.red(`Aborted${why}.`)
    case 'rolled-back':
      return style.yellow(`Rolled back${why}.`)
    case 'paused':
      return 'Paused: nothing new is begun until `qstate rollout resume`.'
    case 'stopping':
      return `Stopping${why}${atWork(state) === 0 ? '' : `; ${plural(atWork(state), 'host')} still at work`}.`
    case 'rolling-back':
      return `Rolling back${why}.`
    case 'running':
      if (isTrailing(state)) return 'All waves have passed; hosts that are away get it when they are back.'
      return needsApproval(state)
        ? style.yellow(
            `${state.waves[state.wave]?.name ?? ''} begins when someone says so: \`qstate rollout approve\`.`,
          )
        : `${plural(atWork(state), 'host')} at work, and ${state.waves[state.wave]?.maxUnavailable ?? 0} may be.`
  }
}
