import { oneOf, type Problem, problem, quote } from '../diagnostics/index.ts'
import { type Window } from './model.ts'

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const

const DAY = `(?:${DAYS.join('|')})`
const TIME = '([01][0-9]|2[0-3]):([0-5][0-9])'

/** `22:00-06:00`, `Sat,Sun 08:00-24:00`, `Mon-Fri 18:00-23:00`. */
const AGENT_WINDOW = new RegExp(
  `^(?:(${DAY}(?:-${DAY})?(?:,${DAY}(?:-${DAY})?)*) )?${TIME}-(?:${TIME}|(24):(00))$`,
)

/** Reads a window; a problem where it is none. */
export function readWindow(text: string): Window | Problem {
  const [whole, days, ...times] = AGENT_WINDOW.exec(text) ?? []
  if (whole === undefined) {
    const hint = `two times of the day, as in 22:00-06:00, with days before them if need be: ${oneOf(['Sat,Sun 08:00-24:00', 'Mon-Fri 18:00-23:00'])}`
    return problem('bad-window', `${quote(text)} is no window`, hint)
  }
  // Either the third and fourth are there, or the fifth and sixth: 24:00.
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = times.flatMap(
    (time: string | undefined) => (time === undefined ? [] : [Number(time)]),
  )
  const window = {
    days: days === undefined ? DAYS.map((_, day) => day) : daysOf(days),
    from: fromHour * 60 + fromMinute,
    to: toHour * 60 + toMinute,
  }
  if (window.from !== window.to) return window
  return problem('bad-window', `${quote(text)} ends where it begins`, 'a whole day is 00:00-24:00')
}

function daysOf(text: string): readonly number[] {
  const number = (day: string): number => (DAYS as readonly string[]).indexOf(day)
  const found = text.split(',').flatMap((part) => {
    const [first = '', last = first] = part.split('-')
    const length = (number(last) - number(first) + 7) % 7
    return Array.from({ length: length + 1 }, (_, index) => (number(first) + index) % 7)
  })
  return [...new Set(found)].sort()
}
