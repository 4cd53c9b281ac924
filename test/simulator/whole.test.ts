import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseFixture } from '../../simulator/host/fixture.ts'
import { type SimulatedVersion } from '../../simulator/host/release.ts'
import { type Simulator, startSimulator } from '../../simulator/index.ts'
import { show } from './ask.ts'
import { transcripts } from './recordings.ts'

/**
 * Replays longer recordings, each of a fresh daemon, with what happened beside the requests. The simulator
 * lacks some methods, and some answers hold values that stood in for Xen: both are named and counted.
 */

const VERSIONS: readonly (readonly [string, SimulatedVersion])[] = [
  ['4.3', '4.3'],
  ['4.4-dev', '4.4'],
]
const SCENARIOS = ['dispvm', 'clone', 'install']

const LACKING =
  /^admin[.]vm[.](?:firewall|notes)[.]|^admin[.]vm[.]volume[.]Set[.]|^admin[.]vm[.]device[.](?:pci|mic|block)[.]|^admin[.]deviceclass[.]List/

interface Rule {
  readonly reason: string
  readonly request: RegExp
  readonly normalise: (answer: string) => string
  readonly needed: number
}

const RULES: readonly Rule[] = [
  {
    reason: 'memory stood in for what Xen says, and was another number in the older recordings',
    request: /[.]CurrentState /,
    normalise: (answer) => answer.replace(/mem=.* cputime/, 'mem=… cputime'),
    needed: 9,
  },
  {
    reason: 'tokens are random, and counted in the recordings',
    request: /[.]CloneFrom[+]/,
    normalise: (answer) => answer.replace(/^0[|].{32}$/, '0|…'),
    needed: 20,
  },
  {
    reason: 'the simulator runs no stubdomain',
    request: /property[.]Get[+]stubdom_(?:xid|uuid) /,
    normalise: (answer) => answer.replace(/ [^ ]*$/, ' …'),
    needed: 4,
  },
  {
    reason: 'the recorded Tools announce an emulated screen, those of the simulator their own',
    request: /feature[.](?:List|Get[+]gui(?:-emulated)?) dom0 name win-new[|]$/,
    normalise: (answer) => (answer.includes('os\n') ? answer.replace('gui-emulated\n', '') : '…'),
    needed: 6,
  },
  {
    reason: 'volumes have no settings beside their sizes',
    request: /[.]volume[.]Info[+]/,
    normalise: (answer) =>
      answer.replace(/revisions_to_keep=\d/, 'revisions_to_keep=…').replace(/rw=\w+/, 'rw=…'),
    needed: 2,
  },
]

type Line = Readonly<Record<'request_b64' | 'response_b64' | 'misc_request' | 'note', string | undefined>> & {
  readonly world?: readonly [what: string, qube: string, value?: string]
}

test('longer recordings are answered byte for byte, but for what the simulator does not have', async (t) => {
  const differences: string[] = []
  const needed = new Map<Rule, number>()
  let lacking = 0
  let equal = 0
  for (const [version, release] of VERSIONS) {
    for (const scenario of SCENARIOS) {
      const dir = mkdtempSync(join(tmpdir(), 'qstate-whole-'))
      const fixture = parseFixture(JSON.parse(readFileSync(join(transcripts(), 'fixture.json'), 'utf8')))
      const simulator = await startSimulator({ socket: join(dir, 's'), fixture, release })
      const tokens = new Map<string, string>()
      for (const [i, line] of load(version, scenario).entries()) {
        const exchange = replay(simulator, line, tokens)
        if (!exchange) continue
        const { asked, recorded, answered } = exchange
        if (LACKING.test(asked)) lacking++
        else if (recorded === answered) equal++
        else {
          const rule = RULES.find(
            ({ request, normalise }) => request.test(asked) && normalise(recorded) === normalise(answered),
          )
          if (rule) needed.set(rule, (needed.get(rule) ?? 0) + 1)
          else {
            const at = `${version}/${scenario}:${i + 2}`
            differences.push(`${at} ${asked}\n  recorded ${recorded}\n  answered ${answered}`)
          }
        }
      }
      await simulator.close()
      rmSync(dir, { recursive: true })
    }
  }
  t.diagnostic(`${equal} equal, ${lacking} of methods that are lacking`)
  for (const rule of RULES) t.diagnostic(`${needed.get(rule) ?? 0}: ${rule.reason}`)
  assert.equal(differences.length, 0, `\n${differences.join('\n')}`)
  for (const rule of RULES) assert.equal(needed.get(rule) ?? 0, rule.needed, rule.reason)
  assert.deepEqual({ equal, lacking }, { equal: 1283, lacking: 130 })
})

/** The last line is the stream of events, which a daemon with Xen fills with more than the simulator does. */
function load(version: string, scenario: string): Line[] {
  const file = join(transcripts(), 'whole', version, `${scenario}.jsonl`)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(1, -1)
  return lines.map((line) => JSON.parse(line) as Line)
}

interface Exchange {
  readonly asked: string
  readonly recorded: string
  readonly answered: string
}

function replay(simulator: Simulator, line: Line, tokens: Map<string, string>): Exchange | undefined {
  if (line.misc_request !== undefined) simulator.notifyTools(line.misc_request.split(' ')[1] ?? '')
  if (line.world) happen(simulator, line.world)
  if (line.request_b64 === undefined || line.response_b64 === undefined) return undefined
  const asked = Buffer.from(line.request_b64, 'base64').toString('latin1')
  const recorded = show(Buffer.from(line.response_b64, 'base64'))
  const own = [...tokens].reduce((text, [theirs, ours]) => text.replace(theirs, ours), asked)
  const answered = show(simulator.act(Buffer.from(own, 'latin1')))
  if (asked.includes('.CloneFrom+')) tokens.set(recorded.slice(2), answered.slice(2))
  return { asked: asked.replaceAll('\0', '|'), recorded, answered }
}

function happen(simulator: Simulator, [what, qube, value]: NonNullable<Line['world']>): void {
  if (what === 'power' && value === 'Halted') simulator.powerOff(qube)
  if (what === 'no-shutdown') simulator.ignoreShutdown(qube, value === 'on')
  if (what === 'start-error')
    simulator.failStart(qube, value === undefined ? null : `internal error: ${value}`)
}
