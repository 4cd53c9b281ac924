import { readFileSync } from 'node:fs'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'

/** The bundle has it baked in. */
declare const QSTATE_VERSION: string | undefined

export function ownVersion(): string {
  if (typeof QSTATE_VERSION === 'string') return QSTATE_VERSION
  // The file is two levels up from dist/cli/commands/, in the checkout and in the package alike.
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

export interface VersionOptions extends GlobalOptions {
  readonly host?: boolean
}

/** Version of qstate; with --host also which Qubes answers. */
export async function version(options: VersionOptions, io: Io): Promise<number> {
  const own = { qstate: ownVersion(), node: process.versions.node }
  const host = options.host === true ? await hostVersion(options, io) : undefined
  if (options.json === true) io.out(`${JSON.stringify({ ...own, ...host }, null, 2)}\n`)
  else {
    io.out(`qstate ${own.qstate} (Node ${own.node})\n`)
    if (host !== undefined) io.out(`Qubes ${host.qubes} behind ${host.where}\n`)
  }
  return EXIT.done
}

async function hostVersion(
  options: GlobalOptions,
  io: Io,
): Promise<{ readonly qubes: string; readonly where: string }> {
  const [{ openSession }, { detectVersion }] = await Promise.all([
    import('../../app/host/index.ts'),
    import('../../qubesd/index.ts'),
  ])
  const session = await openSession(options, io)
  const listed = session.qubes.map((qube) => ({ ...qube }))
  return { qubes: await detectVersion(session.client, listed), where: session.host.where }
}
