import { VERSIONS } from '../qubesd/index.ts'
import { type Provider } from '../reconciler/index.ts'
import { problem } from '../spec/diagnostics/index.ts'
import { demandOf } from './demands.ts'
import { storedProvider } from './stored.ts'

/**
 * Properties that qubesd or the tools of dom0 look up whenever they need them; everything else is read when the qube
 * starts. A network qube is swapped on a running qube, too.
 */
const AT_ONCE: ReadonlySet<string> = new Set([
  'qube/autostart',
  'qube/defaultUser',
  'qube/includeInBackups',
  'qube/label',
  'qube/netvm',
  'qube/qrexecTimeout',
  'qube/shutdownTimeout',
  'qube/features/rpc-clipboard',
])

/** What a Windows qube does not start without: to take it away is more than to tidy up. */
const VITAL: ReadonlySet<string> = new Set(['qube/virtMode', 'qube/kernel'])

const SHUT_DOWN =
  'shut the qube down and apply again; with `restart: idle-halted` a later apply makes the change once it finds the qube halted'

/** The qube around the emulated hardware: its properties, and features by their own names. */
export const qube: Provider = storedProvider('qube', {
  effect: (path) => (AT_ONCE.has(path) ? 'now' : 'next-start'),
  demand: demandOf,
  haltedOnly(path, after, { version }) {
    // Going back to the default is not refused.
    const { label, fixesMaxmemWhileRunning } = VERSIONS[version]
    if (path === 'qube/maxmem' && fixesMaxmemWhileRunning && after !== null)
      return problem('needs-halted', `${label} changes it on a halted qube only`, SHUT_DOWN)
    if (path === 'qube/properties/template')
      return problem('needs-halted', 'Qubes changes the template of a halted qube only', SHUT_DOWN)
    return undefined
  },
  remark(path, value) {
    if (value !== null) return undefined
    if (VITAL.has(path)) {
      return 'back to the default of Qubes, which is not for Windows; `qstate release` gives the qube up and leaves it as it is'
    }
    return path === 'qube/netvm'
      ? 'back to the default network qube: a qube without network may get one'
      : undefined
  },
})
