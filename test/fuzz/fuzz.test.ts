import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type SimulatedVersion, startSimulator } from '../../simulator/index.ts'
import { SEED } from '../support/property.ts'
import { fuzzAnswers, fuzzEvents, fuzzService } from './answers.ts'
import { type Random, randomFrom } from './random.ts'
import { fuzzReaders } from './readers.ts'
import { fuzzSpec } from './specs.ts'

// `npm run fuzz` sets the number of cases to 100,000; QSTATE_SEED repeats a run.
const CASES = Number(process.env['QSTATE_FUZZ'] ?? 1000)

/** A case that takes longer hangs, for all that a person would know. */
const LIMIT_MS = 20_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes in use once all that is garbage is gone. */
function used(): number {
  collect()
  return process.memoryUsage().heapUsed
}

/** Runs many cases, each from a seed of its own, and watches memory on the way. */
async function many(t: TestContext, one: (random: Random) => unknown): Promise<void> {
  let slowest = { ms: 0, seed: 0 }
  let settled = 0
  for (let index = 0; index < CASES; index += 1) {
    const seed = SEED + index
    const begun = performance.now()
    try {
      await one(randomFrom(seed))
    } catch (error) {
      throw new Error(`QSTATE_SEED=${seed} QSTATE_FUZZ=1 repeats this`, { cause: error })
    }
    const ms = performance.now() - begun
    if (ms > slowest.ms) slowest = { ms, seed }
    if (index === Math.floor(CASES / 10)) settled = used()
  }
  const grown = (used() - settled) / 1024 / 1024
  t.diagnostic(
    `${CASES} cases from seed ${SEED}; slowest ${slowest.ms.toFixed(0)} ms (${slowest.seed}); heap grew by ${grown.toFixed(0)} MiB`,
  )
  assert.ok(slowest.ms < LIMIT_MS, `a case hung: QSTATE_SEED=${slowest.seed} QSTATE_FUZZ=1`)
  assert.ok(grown < 50, 'memory grew without bound')
}

test('mutated specs are read or refused, and never crash, hang or leak', (t) => many(t, fuzzSpec))

test('what the quick reader of YAML answers, the thorough one reads the same', async (t) => {
  let answered = 0
  await many(t, (random) => {
    if (fuzzReaders(random)) answered += 1
  })
  t.diagnostic(`answered ${answered}`)
  assert.ok(CASES < 100 || answered > CASES / 10, 'it hardly ever answered')
})

for (const release of ['4.3', '4.4'] as const) {
  test(`mutated answers of a ${release} daemon are refused or blocked, and never crash, hang or leak`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'qstate-fuzz-'))
    const simulator = await startOn(join(folder, 'sock'), release)
    const outcomes = { planned: 0, blocked: 0, refused: 0 }
    try {
      await many(t, async (random) => {
        outcomes[await fuzzAnswers(simulator, random)] += 1
      })
    } finally {
      await simulator.close()
      rmSync(folder, { recursive: true, force: true })
    }
    t.diagnostic(JSON.stringify(outcomes))
    assert.ok(CASES < 100 || (outcomes.blocked > 0 && outcomes.refused > 0), 'the lies were not noticed')
  })
}

test('mutated streams of events are decoded or refused', (t) => many(t, fuzzEvents))

test('mutated answers of the SLIC service are read or refused', async (t) => {
  const outcomes = { read: 0, refused: 0 }
  await many(t, async (random) => {
    outcomes[await fuzzService(random)] += 1
  })
  t.diagnostic(JSON.stringify(outcomes))
  assert.ok(outcomes.refused > 0, 'the lies were not noticed')
})

const startOn = (socket: string, release: SimulatedVersion): ReturnType<typeof startSimulator> =>
  startSimulator({ socket, release })
