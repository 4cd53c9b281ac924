import { type Progress } from '../app/index.ts'
import { type Io } from './io.ts'
import { type GlobalOptions, wantsColor } from './options.ts'
import { qubeLines } from './views/report.ts'
import { makeStyle } from './views/style.ts'
import { showTime } from './views/value.ts'

/** From this many qubes on, a run says how far it is. */
const MANY_QUBES = 8

const CLEAR_LINE = '\r\u001b[K'

/** Tells on a terminal how far a run is, on one line that is written over; that another run is waited for is always told. */
export function progressLines(options: GlobalOptions, io: Io): (step: Progress) => void {
  const isLive = io.errIsTerminal && options.json !== true
  const style = makeStyle(wantsColor(options, io, io.errIsTerminal), io.columns)
  return (step) => {
    switch (step.kind) {
      case 'waiting-for-lock': {
        const { who, pid, since } = step.holder
        io.err(`Waiting for ${who} (process ${pid}, since ${showTime(since)}) …\n`)
        return
      }
      case 'planning':
      case 'recording': {
        const { kind, done, total } = step
        if (!isLive || options.verbose === true || total < MANY_QUBES) return
        io.err(done === total ? CLEAR_LINE : `${CLEAR_LINE}${kind} ${done} of ${total} qubes …`)
        return
      }
      case 'applied': {
        const { plan, qube, done, total } = step
        if (!isLive || plan.qubes.length < MANY_QUBES) return
        io.err(`${style.dim(`[${done}/${total}]`)} ${qubeLines(qube, plan, 0, style)[0] ?? ''}\n`)
        return
      }
      case 'restarting':
        if (isLive) io.err(`${CLEAR_LINE}${step.qube}: ${step.doing} … ${step.seconds} s`)
        return
      case 'restarted':
        if (isLive) io.err(CLEAR_LINE)
    }
  }
}
