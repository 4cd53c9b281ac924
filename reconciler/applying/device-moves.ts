import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Value } from '../../spec/index.ts'
import {
  type Change,
  deviceOf,
  isDevice,
  overlaps,
  type Plan,
  type QubeReport,
  takesByItself,
} from '../plan/index.ts'

/**
 * USB devices that one qube of a plan gives up and another gets. qubesd lets two qubes have one device, so that it is
 * up to the order: the first gives it up before the second gets it, and where it did not, the second does not get it.
 */
export interface Moves {
  /** Whether a change gives up a device that another change of the plan takes. */
  readonly gives: (change: Change) => boolean
  /** Why a change of a qube must not be made: a device that it takes has not been given up. */
  readonly withheld: (qube: string, change: Change, reportOf: ReportOf) => Problem | null
}

type ReportOf = (qube: string) => QubeReport | undefined

export function movesOf(plan: Plan): Moves {
  const given = deviceChanges(plan, (value) => value === null)
  const taken = deviceChanges(plan, (value) => value !== null).map(({ path }) => deviceOf(path))
  const moving = given.filter(({ path }) => taken.some((device) => overlaps(device, deviceOf(path))))
  const paths = new Set(moving.map(({ path }) => path))
  return {
    gives: (change) => change.after === null && paths.has(change.path),
    withheld(qube, change, reportOf) {
      if (!takesByItself(change.path, change.after)) return null
      const device = deviceOf(change.path)
      const kept = moving.find(
        (move) =>
          move.qube !== qube &&
          overlaps(device, deviceOf(move.path)) &&
          !isDone(reportOf(move.qube), move.path),
      )
      if (kept === undefined) return null
      const message = `${kept.qube} has not given up ${kept.path.slice('usb/'.length)}, and two qubes must not have it`
      return { code: 'device-in-use', message, hint: `see what became of ${kept.qube}, then run this again` }
    },
  }
}

function deviceChanges(
  plan: Plan,
  wanted: (value: Value | null) => boolean,
): readonly { readonly qube: string; readonly path: string }[] {
  return plan.qubes.flatMap(({ qube, changes }) =>
    changes.filter((c) => isDevice(c.path) && wanted(c.after)).map(({ path }) => ({ qube, path })),
  )
}

const isDone = (report: QubeReport | undefined, path: string): boolean =>
  report?.outcomes.some((outcome) => outcome.path === path && outcome.status === 'applied') === true
