import { writtenFrom } from '../yaml/index.ts'
import { readBody } from './body.ts'
import { type Body } from './manifest.ts'

const WINDOWS = {
  extends: 'hvm',
  audio: 'ich6',
  stubdom: { qrexec: true },
  // 6000 is what Windows Tools set at every boot: any other value would drift for ever.
  qube: { memory: 4096, qrexecTimeout: 6000, timezone: 'localtime', noMonitorLayout: true },
}

/** Profiles that every manifest has, as a manifest would write them. */
export const BUILT_IN_PROFILES: Readonly<Record<string, object>> = {
  // Without balancing: guests that do not know Xen's balloon crash when memory is taken from them.
  hvm: { qube: { virtMode: 'hvm', kernel: 'off', maxmem: 0 } },
  'windows-7': WINDOWS,
  'windows-10': WINDOWS,
  'windows-11': { ...WINDOWS, qube: { ...WINDOWS.qube, memory: 8192 } },
}

let read: ReadonlyMap<string, Body> | undefined

/** Built-in profiles as bodies. Their positions mean nothing: whoever extends one has the place. */
export function builtInBodies(): ReadonlyMap<string, Body> {
  read ??= new Map(Object.entries(BUILT_IN_PROFILES).map(([name, body]) => [name, readBuiltIn(body)]))
  return read
}

function readBuiltIn(body: object): Body {
  const written = writtenFrom(body, { file: '', line: 1, column: 1, length: 1 })
  if (written.kind !== 'map') throw new TypeError('a built-in profile is a map')
  return readBody(written, {
    report: (diagnostic) => {
      throw new TypeError(`a built-in profile is wrong: ${diagnostic.message}`)
    },
    refused: new Set(),
    devices: new Map(),
    allRead: true,
    readTable: undefined,
    tables: new Map(),
  })
}
