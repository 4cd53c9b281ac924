import { type HostReport } from '../../documents/fleet/index.ts'
import { type Health } from '../../spec/fleet/index.ts'

export type Verdict =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'ill'; readonly why: string }
  /** A check has still to be run. */
  | { readonly kind: 'unknown' }

/** Whether a host that has applied a revision shows what it must show after the soak. */
export function judge(report: HostReport, health: Health): Verdict {
  if (report.drift === null) return ill('it could not be looked at')
  if (report.drift > health.drift)
    return ill(`${report.drift} settings have drifted, and ${health.drift} may have`)
  const stopped = report.notRunning.filter((qube) => health.running.includes(qube))
  if (stopped.length > 0) return ill(`not running: ${stopped.join(', ')}`)
  if (health.pendingRestarts !== null && report.restarts > health.pendingRestarts)
    return ill(
      `${report.restarts} qubes wait for a restart, and ${health.pendingRestarts} may${whyHeld(report)}`,
    )
  if (health.check === null) return { kind: 'healthy' }
  if (report.check === 'failed') return ill(`the check ${health.check} failed`)
  return { kind: report.check === 'passed' ? 'healthy' : 'unknown' }
}

/** Why they still wait, where the host has tried. */
const whyHeld = ({ restartsHeld = [] }: HostReport): string =>
  restartsHeld.length === 0 ? '' : ` (${restartsHeld.join('; ')})`

const ill = (why: string): Verdict => ({ kind: 'ill', why })
