import { type Freeze, type Window } from '../../spec/agent/index.ts'
import { type Gate } from './policy.ts'

/** When anything may be written, in the machine's local time. */
export interface Calendar {
  /** None: always. */
  readonly windows: readonly Window[]
  readonly freezes: readonly Freeze[]
}

const DAY_MINUTES = 24 * 60

/** Whether the calendar lets anything be written at a time, and from when it does if not. */
export function gateAt(calendar: Calendar, now: Date): Gate {
  const why = closed(calendar, now)
  if (why === undefined) return { open: true }
  const until = beginnings(calendar, now).find((time) => time > now && closed(calendar, time) === undefined)
  return { open: false, why, until: until?.toISOString() ?? null }
}

/** When the next of some windows begins, after a time. */
export function nextBeginning(windows: readonly Window[], now: Date): Date | undefined {
  return beginnings({ windows, freezes: [] }, now).find((time) => time > now)
}

function closed({ windows, freezes }: Calendar, at: Date): 'frozen' | 'outside' | undefined {
  if (freezes.some(({ from, until }) => at >= midnight(from) && at < midnight(until))) return 'frozen'
  const minute = at.getHours() * 60 + at.getMinutes()
  const today = at.getDay()
  const holds = ({ days, from, to }: Window): boolean => {
    if (from < to) return days.includes(today) && minute >= from && minute < to
    return (days.includes(today) && minute >= from) || (days.includes((today + 6) % 7) && minute < to)
  }
  return windows.length === 0 || windows.some(holds) ? undefined : 'outside'
}

/** Times at which something may open: ends of freezes, and beginnings of windows in the week after now or after such an end. */
function beginnings({ windows, freezes }: Calendar, now: Date): readonly Date[] {
  const ends = freezes.map(({ until }) => midnight(until)).filter((end) => end > now)
  const starts = [now, ...ends].flatMap((from) =>
    windows.flatMap((window) =>
      // A day of summer time more or less does not matter: a week and a day hold every day of the week.
      Array.from({ length: 8 }, (_, days) => startOn(window, from, days)).flatMap((start) => start ?? []),
    ),
  )
  return [...ends, ...starts].sort((a, b) => a.getTime() - b.getTime())
}

function startOn({ days, from }: Window, base: Date, later: number): Date | undefined {
  const start = new Date(base.getFullYear(), base.getMonth(), base.getDate() + later, 0, from % DAY_MINUTES)
  return days.includes(start.getDay()) ? start : undefined
}

function midnight(day: string): Date {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  return new Date(year, month - 1, date)
}
