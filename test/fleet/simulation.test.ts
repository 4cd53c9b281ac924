import { test } from 'node:test'
import { LONG, SEED } from '../support/property.ts'
import { simulate } from './simulation/simulate.ts'

// QSTATE_SCHEDULES sets how many, else QSTATE_LONG=1 has many more; QSTATE_SEED repeats one, and QSTATE_FLEET_LOG=1 tells all that was stored in it.
const SCHEDULES = Number(process.env['QSTATE_SCHEDULES'] ?? (LONG ? 2000 : 300))
const LOG =
  process.env['QSTATE_FLEET_LOG'] === '1'
    ? (line: string) => void process.stderr.write(`${line}\n`)
    : undefined

test('whatever dies, sleeps, or is lost, doubled or late, a rollout keeps its promises and ends', async (t) => {
  const endings = new Map<string, number>()
  let events = 0
  let troubles = 0
  for (let seed = SEED; seed < SEED + SCHEDULES; seed += 1) {
    try {
      const ending = await simulate(seed, LOG)
      endings.set(ending.phase, (endings.get(ending.phase) ?? 0) + 1)
      events += ending.events
      troubles += ending.troubles
    } catch (error) {
      throw new Error(`QSTATE_SEED=${seed} QSTATE_SCHEDULES=1 repeats this`, { cause: error })
    }
  }
  const told = [...endings].map(([phase, count]) => `${count} ${phase}`).join(', ')
  t.diagnostic(`${SCHEDULES} schedules from seed ${SEED}: ${told}; ${events} events, ${troubles} troubles`)
})
