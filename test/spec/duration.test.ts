import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs } from '../../spec/vocabulary/duration.ts'

test('a span of time is digits and a unit, and nothing else', () => {
  const CASES: readonly (readonly [string, number | null])[] = [
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    ['0s', 0],
    ['', null],
    ['30', null],
    ['1w', null],
    ['-1s', null],
    ['1.5h', null],
    ['30m ', null],
    ['123456s', null],
  ]
  for (const [text, ms] of CASES) assert.equal(durationMs(text), ms, text)
})
