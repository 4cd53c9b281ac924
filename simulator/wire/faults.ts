import { asBoolean, asCount, asList, asObject, asString, refuseOthers, wrong } from '../host/index.ts'

/** What goes wrong with a request, for tests of those who send them. */
export interface Fault {
  readonly match: FaultMatch
  /** Lets this many matching requests through first. */
  readonly after?: number
  /** Strikes this many times; always, if absent. */
  readonly times?: number
  readonly do: FaultAction
}

/** All that is given must fit. `method` may end in `*`, for every method that starts so. */
interface FaultMatch {
  readonly method?: string
  readonly arg?: string
  readonly dest?: string
  readonly writesOnly?: boolean
}

const ACTIONS = [
  'refuse',
  'drop-before',
  'drop-after',
  'garbage',
  'truncate',
  'hang',
  'hang-after',
  'pretend',
  'die-before',
  'die-after',
] as const

/**
 * `refuse`: an empty answer, nothing done. `drop-before`, `drop-after`: the connection breaks before or after
 * the work. `garbage`, `truncate`: the work is done, the answer is rubbish or cut in half. `hang`: nothing is
 * done and nothing said; `hang-after`: the work is done and nothing said. `pretend`:
 * nothing is done, and the answer says it is. `die-before`, `die-after`: the whole
 * daemon goes away, before or after the work.
 */
export type FaultAction = (typeof ACTIONS)[number] | { readonly delayMs: number }

/** Reads faults from unknown JSON; throws an Error that says where they are wrong. */
export function parseFaults(value: unknown): Fault[] {
  return asList(value, 'faults').map((item, i) => parseFault(item, `faults[${i}]`))
}

function parseFault(value: unknown, at: string): Fault {
  const fault = asObject(value, at)
  refuseOthers(fault, ['match', 'after', 'times', 'do'], at)
  return {
    match: parseMatch(fault['match'], `${at}.match`),
    ...(fault['after'] === undefined ? {} : { after: asCount(fault['after'], `${at}.after`) }),
    ...(fault['times'] === undefined ? {} : { times: asCount(fault['times'], `${at}.times`) }),
    do: parseAction(fault['do'], `${at}.do`),
  }
}

function parseMatch(value: unknown, at: string): FaultMatch {
  const match = asObject(value, at)
  const texts = ['method', 'arg', 'dest'] as const
  refuseOthers(match, [...texts, 'writesOnly'], at)
  const given = texts.flatMap((key) =>
    match[key] === undefined ? [] : [[key, asString(match[key], `${at}.${key}`)] as const],
  )
  return {
    ...Object.fromEntries(given),
    ...(match['writesOnly'] === undefined
      ? {}
      : { writesOnly: asBoolean(match['writesOnly'], `${at}.writesOnly`) }),
  }
}

function parseAction(value: unknown, at: string): FaultAction {
  if (typeof value === 'object' && value !== null) {
    const delay = asObject(value, at)
    refuseOthers(delay, ['delayMs'], at)
    return { delayMs: asCount(delay['delayMs'], `${at}.delayMs`) }
  }
  const action = ACTIONS.find((known) => known === value)
  if (action === undefined) throw wrong(at, `one of ${ACTIONS.join(', ')} or {"delayMs": N}`)
  return action
}

interface Seen {
  readonly method: string
  readonly arg: string
  readonly dest: string
  readonly write: boolean
}

/** Which fault strikes each request, in turn. Keeps count, so each set of faults needs its own. */
export function faultsInTurn(faults: readonly Fault[]): (request: Seen) => FaultAction | undefined {
  const counts = faults.map(() => 0)
  return (request) => {
    let struck: FaultAction | undefined
    faults.forEach((fault, i) => {
      if (!fits(fault.match, request)) return
      const nth = counts[i] ?? 0
      const skipped = nth < (fault.after ?? 0)
      const spent = nth >= (fault.after ?? 0) + (fault.times ?? Infinity)
      // One that has not had its turn because another struck first is not used up.
      if (!skipped && (spent || struck !== undefined)) return
      counts[i] = nth + 1
      if (!skipped) struck = fault.do
    })
    return struck
  }
}

function fits(match: FaultMatch, request: Seen): boolean {
  return (
    fitsMethod(match.method, request.method) &&
    (match.arg === undefined || match.arg === request.arg) &&
    (match.dest === undefined || match.dest === request.dest) &&
    (match.writesOnly !== true || request.write)
  )
}

function fitsMethod(wanted: string | undefined, method: string): boolean {
  if (wanted === undefined) return true
  return wanted.endsWith('*') ? method.startsWith(wanted.slice(0, -1)) : method === wanted
}
