import { readFileSync } from 'node:fs'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, targetOf } from '../options.ts'
import { jsonText } from '../json.ts'

/** The bundle has it baked in. */
declare const QSTATE_VERSION: string | undefined

export function ownVersion(): string {
  if (typeof QSTATE_VERSION === 'string') return QSTATE_VERSION
  // The file is two levels up from dist/cli/commands/, in the checkout and in the package alike.
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

export interface VersionFlags extends GlobalOptions {
  readonly host?: boolean
}

/** Version of qstate; with --host also which Qubes answers. */
export async function version(options: VersionFlags, io: Io): Promise<number> {
  const own = { qstate: ownVersion(), node: process.versions.node }
  const host = options.host === true ? await hostVersion(options, io) : undefined
  if (options.json === true) io.out(jsonText({ ...own, ...host }))
  else {
    io.out(`qstate ${own.qstate} (Node ${own.node})\n`)
    if (host !== undefined) io.out(`Qubes ${host.qubes} behind ${host.where}\n`)
  }
  return EXIT.done
}

/** What reaches a host is loaded only where one is asked. */
async function hostVersion(
  options: GlobalOptions,
  io: Io,
): Promise<{ readonly qubes: string; readonly where: string }> {
  const [{ connectHost }, { commandContext }] = await Promise.all([
    import('../../app/host/index.ts'),
    import('../context.ts'),
  ])
  const { exactVersion, qubes, host } = await connectHost(
    targetOf(options, io),
    await commandContext(options, io),
  )
  return { qubes: await exactVersion(qubes), where: host.where }
}
