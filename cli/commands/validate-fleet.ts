import { tellDiagnostics } from '../../app/host/index.ts'
import { type Sources } from '../../app/source/index.ts'
import { EXIT, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import {
  checkHosts,
  type Fleet,
  type FoundFiles,
  hostFiles,
  isAt,
  loadFleet,
} from '../../spec/fleet/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { makeStyle, plural } from '../views/style.ts'

type Read = (paths: readonly string[]) => Sources

/** Checks a fleet, and the spec of every host of it with its values filled in. Needs none of them, and no server. */
export function validateFleet(sources: Sources, read: Read, options: GlobalOptions, io: Io): number {
  const { fleet, rollouts, diagnostics: own } = loadFleet(sources.files)
  const checked = fleet === null ? null : checkHosts(fleet, finder(fleet, read))
  const hosts = checked?.hosts ?? []
  const all = [...sources.files, ...hosts.flatMap((host) => host.files)]
  const files = [...new Map(all.map((file) => [file.path, file])).values()]
  const diagnostics = [...own.map((one) => ({ ...one, hosts: [] })), ...(checked?.diagnostics ?? [])]
  const bad = hosts.filter(({ qubes }) => qubes === null).length
  const valid = fleet !== null && bad === 0
  if (options.json === true) {
    const told = {
      valid,
      files: files.map(({ path }) => path),
      diagnostics,
      fleet: fleet?.name ?? null,
      hosts: hosts.map(({ host, qubes }) => ({ host, valid: qubes !== null, qubes: qubes ?? 0 })),
    }
    io.out(`${JSON.stringify(told, null, 2)}\n`)
    return valid ? EXIT.done : EXIT.invalidSpec
  }
  const placed = diagnostics.map((one) => ({ ...one, message: one.message + where(one.hosts, hosts.length) }))
  tellDiagnostics(placed, { files }, options, io)
  const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  const warnings = errors === diagnostics.length ? '' : `, ${plural(diagnostics.length - errors, 'warning')}`
  const inFiles = `in ${plural(files.length, 'file')}`
  const inAll = plural(hosts.length, 'host')
  if (valid) {
    const many = rollouts.length === 0 ? inAll : `${inAll} and ${plural(rollouts.length, 'rollout')}`
    io.out(`${style.green('Valid:')} the fleet ${fleet.name}, ${many} ${inFiles}${warnings}.\n`)
    return EXIT.done
  }
  const on = fleet === null ? ': its hosts were not looked at yet' : `, on ${bad} of ${inAll}`
  io.out(`${style.red(`${plural(errors, 'error')}${warnings} ${inFiles}${on}.`)}\n`)
  return EXIT.invalidSpec
}

const MANY = 3

/** Where it is not wrong on all hosts. */
function where(hosts: readonly string[], all: number): string {
  if (hosts.length === 0 || hosts.length === all) return ''
  const more = hosts.length - MANY
  const named = hosts.slice(0, MANY).join(', ')
  return more > 0 ? ` (${named} and ${more} more)` : ` (${named})`
}

/** What is at each path. */
function finder({ hosts }: Fleet, read: Read): (path: string) => FoundFiles | Problem {
  const paths = new Set([...hosts.values()].flatMap((host) => hostFiles(host).paths.map(({ path }) => path)))
  const found = new Map<string, FoundFiles | Problem>()
  findAt([...paths], read, found)
  return (path) => found.get(path) ?? { code: 'unreadable', message: `${path} was not read`, hint: '' }
}

/** They are read together, for one answer of git; by halves where that fails, to know at which, or since they are many. */
function findAt(paths: readonly string[], read: Read, found: Map<string, FoundFiles | Problem>): void {
  if (paths.length === 0) return
  const there = attempt(() => read(paths))
  if (!('files' in there) && paths.length > 1) {
    const half = Math.ceil(paths.length / 2)
    findAt(paths.slice(0, half), read, found)
    findAt(paths.slice(half), read, found)
    return
  }
  for (const path of paths) {
    const files = 'files' in there ? there.files.filter((file) => isAt(file.path, path)) : []
    found.set(path, 'files' in there ? { files, readTable: there.readTable } : there)
  }
}

function attempt(work: () => Sources): Sources | Problem {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof QstateError || error instanceof QstateError)) throw error
    const { code, message, hint } = error
    return { code, message, hint }
  }
}
