import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type Report } from '../../reconciler/plan/report.ts'
import { makeDom0Tree } from '../../simulator/dom0-tree.ts'
import { type HostFixture } from '../../simulator/host/fixture.ts'
import {
  defaultFixture,
  type SimulatedVersion,
  type Simulator,
  startSimulator,
} from '../../simulator/index.ts'
import { type Fault } from '../../simulator/wire/faults.ts'
import { loadManifest } from '../../spec/compose/load.ts'
import { type Result, runCli } from './run-cli.ts'

export const RELEASES = ['4.3', '4.4'] as const

export interface Host {
  readonly simulator: Simulator
  readonly folder: string
  readonly dom0: string
  qstate(...argv: string[]): Promise<Result>
  /** Imports, and gives the text. */
  imported(...argv: string[]): Promise<string>
  /** Plans a text as the spec. */
  planned(yaml: string, ...argv: string[]): Promise<Plan>
}

export async function startHost(
  fixture: HostFixture,
  release: SimulatedVersion,
  faults: readonly Fault[] = [],
): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'qstate-import-'))
  const socket = join(folder, 's')
  const simulator = await startSimulator({ socket, fixture, release, faults })
  const dom0 = `${socket}.dom0`
  makeDom0Tree(dom0)
  const env = { QSTATE_SOCKET: socket, QSTATE_STATE_DIR: join(folder, 'state') }
  const qstate = (...argv: string[]): Promise<Result> => runCli(argv, { env })
  return {
    simulator,
    folder,
    dom0,
    qstate,
    async imported(...argv) {
      const { code, out, err } = await qstate('import', ...argv)
      assert.equal(code, 0, out + err)
      return out
    },
    async planned(yaml, ...argv) {
      const path = join(folder, 'spec.yaml')
      writeFileSync(path, yaml)
      const { code, out, err } = await qstate('plan', path, '--json', ...argv)
      assert.equal(code, 0, yaml + out + err)
      return JSON.parse(out) as Plan
    },
  }
}

export const closeHost = async (host: Host): Promise<void> => {
  await host.simulator.close()
  rmSync(host.folder, { recursive: true, force: true })
}

export async function withHost(
  t: TestContext,
  fixture: HostFixture = defaultFixture(),
  release: SimulatedVersion = '4.3',
  faults: readonly Fault[] = [],
): Promise<Host> {
  const host = await startHost(fixture, release, faults)
  t.after(() => closeHost(host))
  return host
}

/** The promise: the text is valid, planning it changes no value, and once it is applied there is nothing to do. */
export async function checkSettles(host: Host, yaml: string): Promise<void> {
  const { manifest, diagnostics } = loadManifest([{ path: 'spec.yaml', text: yaml }])
  assert.ok(manifest, yaml + JSON.stringify(diagnostics.filter(({ severity }) => severity === 'error')))
  assert.ok(
    yaml.split('\n').every((line) => /^[\x20-\x7e]*$/.test(line)),
    'printable, whatever the host says',
  )
  host.simulator.clearLog()
  const first = await host.planned(yaml)
  assert.deepEqual(
    first.qubes.flatMap((qube) => [...qube.changes, ...qube.blocked]),
    [],
    yaml,
  )
  assert.equal(host.simulator.writes(), 0)
  const apply = await host.qstate('apply', '--yes', '--json', join(host.folder, 'spec.yaml'))
  assert.equal(apply.code, 0, apply.out + apply.err)
  assert.ok((JSON.parse(apply.out) as Report).qubes.length >= 0)
  assert.ok(host.simulator.requests.filter((r) => r.write).every((r) => r.arg === 'qstate.applied'))
  host.simulator.clearLog()
  const again = await host.qstate('apply', '--yes', join(host.folder, 'spec.yaml'))
  assert.equal(again.code, 0, again.out + again.err)
  assert.match(again.out, /Nothing to do/)
  assert.equal(host.simulator.writes(), 0)
}

export const WEBCAM = { port_id: '2-1', device_id: '046d:0843:CAM00001:u0e0100u0e0200u010100' }
export const HEADSET = { port_id: '2-2.1', device_id: '0b0e:0300:HEAD0002:u010100u010200u030000' }
