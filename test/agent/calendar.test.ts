import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { gateAt, nextBeginning } from '../../agent/policy/calendar.ts'
import { readWindow } from '../../spec/agent/calendar.ts'
import { type Window } from '../../spec/agent/model.ts'

function windowOf(text: string): Window {
  const window = readWindow(text)
  assert.ok('from' in window, text)
  return window
}

const at = (text: string): Date => new Date(text)

/** 2026-11-23 is a Monday. Times are local, as a person writes them. */
const OPEN: readonly [string, string, boolean][] = [
  ['22:00-06:00', '2026-11-23T21:59', false],
  ['22:00-06:00', '2026-11-23T22:00', true],
  ['22:00-06:00', '2026-11-24T05:59', true],
  ['22:00-06:00', '2026-11-24T06:00', false],
  ['Sat,Sun 08:00-24:00', '2026-11-28T23:59', true],
  ['Sat,Sun 08:00-24:00', '2026-11-29T00:00', false],
  ['Sat,Sun 08:00-24:00', '2026-11-23T12:00', false],
  ['Mon-Fri 18:00-02:00', '2026-11-27T23:00', true],
  ['Mon-Fri 18:00-02:00', '2026-11-28T01:59', true],
  ['Mon-Fri 18:00-02:00', '2026-11-28T18:30', false],
  ['Mon-Fri 18:00-02:00', '2026-11-23T01:00', false],
  ['Fri-Mon 00:00-24:00', '2026-11-29T12:00', true],
  ['Fri-Mon 00:00-24:00', '2026-11-24T12:00', false],
]

for (const [window, time, open] of OPEN)
  test(`${window} is ${open ? 'open' : 'closed'} at ${time}`, () => {
    const gate = gateAt({ windows: [windowOf(window)], freezes: [] }, at(time))
    assert.equal(gate.open, open)
  })

test('a freeze closes every window, and says until when', () => {
  const calendar = {
    windows: [windowOf('22:00-06:00')],
    freezes: [{ from: '2026-12-20', until: '2027-01-04', why: 'holidays' }],
  }
  const gate = gateAt(calendar, at('2026-12-24T23:00'))
  // The freeze ends at midnight, which is within the window that began at ten.
  assert.deepEqual(gate, { open: false, why: 'frozen', until: at('2027-01-04T00:00').toISOString() })
  assert.equal(gateAt(calendar, at('2027-01-04T00:00')).open, true)
  const outside = gateAt(calendar, at('2026-12-19T12:00'))
  assert.deepEqual(outside, { open: false, why: 'outside', until: at('2026-12-19T22:00').toISOString() })
})

test('a window that only a freeze of months keeps shut opens when that is over', () => {
  const calendar = {
    windows: [windowOf('Sun 03:00-04:00')],
    freezes: [{ from: '2026-11-01', until: '2027-03-02', why: '' }],
  }
  const gate = gateAt(calendar, at('2026-11-26T12:00'))
  assert.deepEqual(gate, { open: false, why: 'frozen', until: at('2027-03-07T03:00').toISOString() })
})

test('the next beginning is later than now, even within the window', () => {
  const windows = [windowOf('22:00-06:00')]
  assert.deepEqual(nextBeginning(windows, at('2026-11-23T21:00')), at('2026-11-23T22:00'))
  assert.deepEqual(nextBeginning(windows, at('2026-11-23T22:00')), at('2026-11-24T22:00'))
})

test('what is closed opens when it says, and not before', () => {
  const time = fc.integer({ min: 0, max: 24 * 60 - 1 })
  const days = fc.subarray(['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'], { minLength: 1 })
  const clock = (minutes: number): string =>
    `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
  const windows = fc.array(
    fc
      .tuple(days, time, time)
      .filter(([, from, to]) => from !== to)
      .map(([on, from, to]) => windowOf(`${on.join(',')} ${clock(from)}-${clock(to)}`)),
    { minLength: 1, maxLength: 3 },
  )
  fc.assert(
    fc.property(windows, fc.integer({ min: 0, max: 14 * 24 * 60 }), (all, minute) => {
      const calendar = { windows: all, freezes: [] }
      const now = new Date(at('2026-11-20T00:00').getTime() + minute * 60_000)
      const gate = gateAt(calendar, now)
      if (gate.open) return
      assert.ok(gate.until)
      const until = at(gate.until)
      assert.equal(gateAt(calendar, until).open, true)
      assert.equal(gateAt(calendar, new Date(until.getTime() - 60_000)).open, false)
    }),
  )
})
