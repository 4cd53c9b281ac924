import { type Diagnostic, type Problem, QstateError, type SourceFile } from '../../spec/diagnostics/index.ts'
import {
  checkHosts,
  type Fleet,
  type FoundFiles,
  hostFiles,
  isAt,
  loadFleet,
} from '../../spec/fleet/index.ts'
import { type Sources } from '../source/index.ts'

/** What is right and wrong with a fleet, and with the spec of every host of it, its values filled in. */
export interface FleetCheck {
  readonly kind: 'fleet'
  readonly valid: boolean
  /** Those of all hosts, each once. */
  readonly files: readonly SourceFile[]
  readonly diagnostics: readonly FleetDiagnostic[]
  /** Name of the fleet; null where it could not be read, so that its hosts were not looked at. */
  readonly fleet: string | null
  readonly hosts: readonly HostCheck[]
  readonly rollouts: number
}

/** `hosts`: those that it is about; none where it is about the fleet. */
type FleetDiagnostic = Diagnostic & { readonly hosts: readonly string[] }

interface HostCheck {
  readonly host: string
  readonly valid: boolean
  /** How many qubes its spec names. */
  readonly qubes: number
}

type Read = (paths: readonly string[]) => Promise<Sources>

/** Needs none of the hosts, and no server. */
export async function validateFleet(sources: Sources, read: Read): Promise<FleetCheck> {
  const { fleet, rollouts, diagnostics: own } = loadFleet(sources.files)
  const checked = fleet === null ? null : checkHosts(fleet, await finder(fleet, read))
  const hosts = checked?.hosts ?? []
  const all = [...sources.files, ...hosts.flatMap((host) => host.files)]
  return {
    kind: 'fleet',
    valid: fleet !== null && hosts.every(({ qubes }) => qubes !== null),
    files: [...new Map(all.map((file) => [file.path, file])).values()],
    diagnostics: [...own.map((one) => ({ ...one, hosts: [] })), ...(checked?.diagnostics ?? [])],
    fleet: fleet?.name ?? null,
    hosts: hosts.map(({ host, qubes }) => ({ host, valid: qubes !== null, qubes: qubes ?? 0 })),
    rollouts: rollouts.length,
  }
}

/** What is at each path. */
async function finder({ hosts }: Fleet, read: Read): Promise<(path: string) => FoundFiles | Problem> {
  const paths = new Set([...hosts.values()].flatMap((host) => hostFiles(host).paths.map(({ path }) => path)))
  const found = new Map<string, FoundFiles | Problem>()
  await findAt([...paths], read, found)
  return (path) => found.get(path) ?? { code: 'unreadable', message: `${path} was not read`, hint: '' }
}

/** They are read together, for one answer of git; by halves where that fails, to know at which, or since they are many. */
async function findAt(
  paths: readonly string[],
  read: Read,
  found: Map<string, FoundFiles | Problem>,
): Promise<void> {
  if (paths.length === 0) return
  const sources = await attempt(() => read(paths))
  if (!('files' in sources) && paths.length > 1) {
    const half = Math.ceil(paths.length / 2)
    await findAt(paths.slice(0, half), read, found)
    await findAt(paths.slice(half), read, found)
    return
  }
  for (const path of paths) {
    const files = 'files' in sources ? sources.files.filter((file) => isAt(file.path, path)) : []
    found.set(path, 'files' in sources ? { files, readTable: sources.readTable } : sources)
  }
}

async function attempt(work: () => Promise<Sources>): Promise<Sources | Problem> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    return error.problem
  }
}
