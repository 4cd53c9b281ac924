import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What of a machine stays when it is started again: in an app qube only `/rw`, in a disposable nothing. */
type Persistence = 'full' | 'rw-only' | 'none'

/** As Qubes tells a qube at its start. dom0, and what is no qube, is not told: all of it stays. */
function persistence(root = '/'): Persistence {
  const told = (word: string): boolean => existsSync(join(root, 'run/qubes', `persistent-${word}`))
  return told('none') ? 'none' : told('rw-only') ? 'rw-only' : 'full'
}

/** The folder of this machine that all who may apply share. */
export const defaultStateDir = (root = '/'): string =>
  persistence(root) === 'rw-only' ? '/rw/qstate' : '/var/lib/qstate'

/** Whether a folder, or the one that it will be made in, is there at the next start. What is mounted from `/rw` is. */
export function staysAtRestart(folder: string, root = '/'): boolean {
  const kind = persistence(root)
  return kind === 'full' || (kind === 'rw-only' && deviceOf(folder) === deviceOf(join(root, 'rw')))
}

function deviceOf(path: string): number {
  return existsSync(path) || dirname(path) === path ? statSync(path).dev : deviceOf(dirname(path))
}
