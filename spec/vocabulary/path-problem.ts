import { type Problem } from '../diagnostics/index.ts'
import { nameProblem } from './names.ts'
import { deniedProblem, parseUsbKey } from './usb-device.ts'

const NAMED = { 'qube/features/': 'feature', 'qube/properties/': 'property', 'tags/': 'tag' } as const

/** What is wrong with the name at the end of a path, where something of the host is called what no spec can say. */
export function pathProblem(path: string): Problem | undefined {
  if (path.startsWith('usb/denied/')) return deniedProblem(path.slice('usb/denied/'.length))
  if (path.startsWith('usb/')) {
    const device = parseUsbKey(path.slice('usb/'.length))
    return 'problem' in device ? device.problem : undefined
  }
  const named = Object.entries(NAMED).find(([folder]) => path.startsWith(folder))
  return named && nameProblem(named[1], path.slice(named[0].length))
}
