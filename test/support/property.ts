import fc from 'fast-check'
import { type TestContext } from 'node:test'

/** `QSTATE_LONG=1`: everything, for as long as it takes. */
export const LONG = process.env['QSTATE_LONG'] === '1'

/** Of all that is random. `QSTATE_SEED` repeats a run; scripts/test.mjs chooses one for all files, and prints it. */
export const SEED = Number(process.env['QSTATE_SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff))

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
  const numRuns = LONG ? runs * 10 : runs
  t.diagnostic(`seed ${SEED}, ${numRuns} runs`)
  await fc.assert(fc.asyncProperty(cases, holds), {
    seed: SEED,
    numRuns,
    includeErrorInReport: true,
  })
}

/** Some of many cases, spread over all of them, and others with each seed; with `QSTATE_LONG=1` every one. */
export function sample<T>(t: TestContext, cases: readonly T[], count: number): readonly T[] {
  // Odd, so that cases that alternate are met both ways.
  const step = LONG ? 1 : Math.max(1, Math.floor(cases.length / count)) | 1
  const chosen = cases.filter((_, index) => index % step === SEED % step)
  t.diagnostic(`${chosen.length} of ${cases.length} cases, seed ${SEED} (QSTATE_LONG=1: all)`)
  return chosen
}
