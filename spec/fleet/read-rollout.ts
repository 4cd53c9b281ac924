import {
  errorAt,
  problem,
  quote,
  type Report,
  type SourceRange,
  suggest,
  warningAt,
} from '../diagnostics/index.ts'
import { durationOf, itemsOf, numberOf, textOf, textsOf } from '../read/index.ts'
import { get, type Written } from '../yaml/index.ts'
import { chooseWaves } from './choose.ts'
import {
  type Amount,
  type Choice,
  type Fleet,
  type MaxFailures,
  type RolloutSpec,
  type WaveSpec,
} from './model.ts'
import { unknownHost } from './read-fleet.ts'
import { amountOf, matchOf, percentOf, placedTexts } from './read-parts.ts'

/** Hosts at work at once where nothing says so: one after the other. */
const ONE: Amount = { count: 1 }

const NONE: MaxFailures = { count: 0, percent: null }

const HOUR_MS = 3_600_000

/** A rollout from a document that fits the schema; `fleet` null: nothing is known of hosts. */
export function readRollout(document: Written, fleet: Fleet | null, report: Report): RolloutSpec {
  const canary = get(document, 'canary')
  const waves = [
    // A canary that says none is one host.
    ...(canary?.kind === 'map' ? [readWave(canary, document, 'canary', { count: 1 })] : []),
    ...itemsOf(get(document, 'waves')).map((item, index) =>
      readWave(item, document, `wave-${index + 1}`, null),
    ),
  ]
  const health = get(document, 'health')
  const away = get(document, 'away')
  const then = textOf(get(away, 'then'))
  const rollout: RolloutSpec = {
    name: textOf(get(document, 'name')) ?? '',
    revision: textOf(get(document, 'revision')) ?? '',
    waves,
    health: {
      drift: numberOf(get(health, 'drift')) ?? 0,
      running: textsOf(get(health, 'running')),
      pendingRestarts: numberOf(get(health, 'pendingRestarts')),
      check: textOf(get(health, 'check')),
    },
    away: {
      afterMs: durationOf(get(away, 'after')) ?? HOUR_MS,
      then: then === 'skip' || then === 'later' ? then : 'wait',
    },
    deadlineMs: durationOf(get(document, 'deadline')),
    rollback: textOf(get(document, 'rollback')) !== 'never',
  }
  checkNames(waves, report)
  if (fleet !== null) checkChoices(rollout, fleet, document.position, report)
  return rollout
}

/** What a wave does not say the rollout says. */
function readWave(wave: Written, rollout: Written, name: string, amount: Amount | null): WaveSpec {
  const said = (key: string): Written | undefined => get(wave, key) ?? get(rollout, key)
  const choice = readChoice(wave)
  const saysNone = choice.hosts === null && choice.match === null && choice.amount === null
  return {
    name: textOf(get(wave, 'name')) ?? name,
    choice: saysNone ? { ...choice, amount } : choice,
    maxUnavailable: amountOf(said('maxUnavailable')) ?? ONE,
    maxFailures: readFailures(said('maxFailures')),
    soakMs: durationOf(said('soak')) ?? 0,
    approval: textOf(get(wave, 'approval')) === 'manual',
    position: wave.position,
  }
}

function readChoice(wave: Written): Choice {
  const count = numberOf(get(wave, 'count'))
  const percent = percentOf(get(wave, 'percent'))
  const hosts = get(wave, 'hosts')
  return {
    hosts: hosts === undefined ? null : placedTexts(hosts),
    match: matchOf(get(wave, 'match')),
    amount: count !== null ? { count } : percent !== null ? { percent } : null,
  }
}

function readFailures(written: Written | undefined): MaxFailures {
  if (written === undefined) return NONE
  if (written.kind === 'number') return { count: numberOf(written), percent: null }
  if (written.kind === 'text') return { count: null, percent: percentOf(written) }
  return { count: numberOf(get(written, 'count')), percent: percentOf(get(written, 'percent')) }
}

function checkNames(waves: readonly WaveSpec[], report: Report): void {
  const seen = new Set<string>()
  for (const { name, position, choice } of waves) {
    if (seen.has(name)) {
      report(errorAt(position, problem('two-waves', `two waves are called ${quote(name)}`, 'rename one')))
    }
    seen.add(name)
    if (choice.amount !== null && choice.hosts !== null) {
      report(
        errorAt(
          position,
          problem('two-choices', 'a wave that names its hosts has no count or percent', 'keep one of them'),
        ),
      )
    }
  }
}

/** What only the fleet can tell: hosts and groups that are not there, waves that come to nobody, hosts in no wave. */
function checkChoices(rollout: RolloutSpec, fleet: Fleet, position: SourceRange, report: Report): void {
  const known = [...fleet.hosts.keys()]
  for (const { choice, position: place } of rollout.waves) {
    for (const { path, position: here } of choice.hosts ?? []) {
      if (!fleet.hosts.has(path)) report(errorAt(here, unknownHost(path, known)))
    }
    const group = choice.match?.group ?? null
    if (group !== null && !fleet.groups.includes(group)) {
      const hint = suggest(group, fleet.groups, 'declare it under groups')
      report(errorAt(place, problem('unknown-group', `unknown group ${quote(group)}`, hint)))
    }
  }
  const waves = chooseWaves(rollout, fleet)
  for (const [index, { hosts }] of waves.entries()) {
    const wave = rollout.waves[index]
    if (hosts.length === 0 && wave !== undefined) {
      const hint = 'no host that is in no earlier wave meets its conditions'
      report(
        warningAt(wave.position, problem('empty-wave', `the wave ${quote(wave.name)} comes to nobody`, hint)),
      )
    }
  }
  const left = known.length - waves.reduce((sum, { hosts }) => sum + hosts.length, 0)
  if (left > 0) {
    const what = left === 1 ? '1 host is in no wave' : `${left} hosts are in no wave`
    report(
      warningAt(
        position,
        problem('left-out', what, 'end with a wave that says none: it has all that are left'),
      ),
    )
  }
}
