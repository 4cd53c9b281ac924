import fc from 'fast-check'
import { type TestContext } from 'node:test'

/** `QSTATE_LONG=1`: everything, for as long as it takes. */
export const LONG = process.env['QSTATE_LONG'] === '1'

/**
 * Checks a property on generated cases. The seed is printed, and `QSTATE_SEED` repeats a run; a failure prints the
 * smallest case that was found, with the path to it.
 */
export async function check<T>(
  t: TestContext,
  cases: fc.Arbitrary<T>,
  runs: number,
  holds: (value: T) => Promise<void>,
): Promise<void> {
  const given = process.env['QSTATE_SEED']
  const seed = given === undefined ? Math.floor(Math.random() * 0x7fff_ffff) : Number(given)
  const numRuns = LONG ? runs * 10 : runs
  t.diagnostic(`seed ${seed}, ${numRuns} runs`)
  await fc.assert(fc.asyncProperty(cases, holds), {
    seed,
    numRuns,
    includeErrorInReport: true,
  })
}
