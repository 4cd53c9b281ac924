import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext } from 'node:test'
import { type Host, type Result, ROOT, runCli, simulatedHost } from '../../cli/run-cli.ts'
import { type StandIn, standIn } from './stand-in.ts'
import { type SimulatedVersion } from '../../../simulator/index.ts'

/** The name that `runCli` gives the machine that it runs on. */
export const MGMT = 'test-host'

export interface World {
  readonly host: Host
  readonly qrexec: StandIn
  /** Runs qstate in the management qube: everything goes through policy. */
  readonly qstate: (...argv: string[]) => Promise<Result>
}

/** A simulated host, and a management qube on it that nothing is allowed yet. */
export async function world(t: TestContext, release: SimulatedVersion, fixture?: string): Promise<World> {
  const host = await simulatedHost(t, { release, ...(fixture === undefined ? {} : { fixture }) })
  const qrexec = await standIn(t, host, MGMT)
  const env = { QSTATE_QREXEC_CLIENT: qrexec.program, QSTATE_STATE_DIR: join(host.folder, 'state') }
  return { host, qrexec, qstate: (...argv) => runCli(argv, { env }) }
}

export const exampleWorld = (t: TestContext, release: SimulatedVersion, example: string): Promise<World> => {
  const fixture = `examples/hosts/${example.replace('.yaml', '.json')}`
  return world(t, release, existsSync(join(ROOT, fixture)) ? fixture : undefined)
}

/** What `qstate policy` prints, without any host. */
export async function policyFor(
  path: string,
  release: SimulatedVersion,
  ...flags: string[]
): Promise<string> {
  const { code, out, err } = await runCli(['policy', '--qube', MGMT, '--for', release, ...flags, path])
  assert.equal(code, 0, err)
  return out
}

/** Lines of a policy that allow something. */
export const allowLines = (policy: string): readonly string[] =>
  policy.split('\n').filter((line) => / allow target=dom0$/.test(line))

/** One line with single spaces: how it is folded or aligned does not matter. */
export const plain = (text: string): string => text.replace(/\s+/g, ' ').trim()
