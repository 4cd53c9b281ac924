/** The versions of qubesd that the simulator can be. 4.4 is the development version. */
export type SimulatedVersion = '4.3' | '4.4'

/** What one version does and another does not. A new version is an entry here. */
interface Behaviour {
  /** Answers a refusal with its name and reason; without this the connection closes with no byte sent. */
  readonly namesRefusals: boolean
  /** Checks the whole request first, with a message for each mistake. */
  readonly validatesRequests: boolean
  /** Reports an empty port like any other name that fits several devices, or none. */
  readonly ignoresEmptyPorts: boolean
  readonly requiresDisposableTemplates: boolean
  /** `maxmem` of a running qube cannot be set unless it has memory hotplug. */
  readonly fixesMaxmemWhileRunning: boolean
  readonly reportsMaxmemAsLimit: boolean
  /** What a qube has to announce before disposables of it are kept ready. */
  readonly preloadServices: readonly string[]
  /** The host and dom0 have properties of memory and processors. */
  readonly hasHostResources: boolean
  /** The order of a set, which the daemon's hash seed decides: these were recorded. */
  readonly deviceFields: readonly ('name' | 'product' | 'vendor' | 'serial' | 'manufacturer')[]
}

export const BEHAVIOUR: Readonly<Record<SimulatedVersion, Behaviour>> = {
  '4.3': {
    namesRefusals: false,
    validatesRequests: false,
    ignoresEmptyPorts: false,
    requiresDisposableTemplates: false,
    fixesMaxmemWhileRunning: false,
    reportsMaxmemAsLimit: false,
    preloadServices: ['qubes.WaitForRunningSystem'],
    hasHostResources: false,
    deviceFields: ['name', 'product', 'vendor', 'serial', 'manufacturer'],
  },
  '4.4': {
    namesRefusals: true,
    validatesRequests: true,
    ignoresEmptyPorts: true,
    requiresDisposableTemplates: true,
    fixesMaxmemWhileRunning: true,
    reportsMaxmemAsLimit: true,
    preloadServices: ['qubes.WaitForRunningSystem', 'qubes.WaitForSession'],
    hasHostResources: true,
    deviceFields: ['manufacturer', 'name', 'product', 'vendor', 'serial'],
  },
}

export function isSimulatedVersion(value: unknown): value is SimulatedVersion {
  return typeof value === 'string' && Object.hasOwn(BEHAVIOUR, value)
}
