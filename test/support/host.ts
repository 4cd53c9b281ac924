import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { qubesHost } from '../../app/host/qubesd/qubesd-host.ts'
import { slicFiles } from '../../app/host/slic/files.ts'
import { fileReceipts } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { createClient } from '../../qubesd/client.ts'
import { socketTransport } from '../../qubesd/socket.ts'
import { applyPlan } from '../../reconciler/applying/apply.ts'
import { type Journal } from '../../reconciler/applying/journal.ts'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type QubeReport, type Report, reportExitCode } from '../../reconciler/plan/report.ts'
import { makePlan } from '../../reconciler/planning/make-plan.ts'
import { makeRollbackPlan } from '../../reconciler/planning/rollback-plan.ts'
import { makeWithdrawalPlan } from '../../reconciler/planning/withdrawal-plan.ts'
import { type Host, type HostQube } from '../../reconciler/ports/host.ts'
import { type Receipts } from '../../reconciler/ports/receipts.ts'
import { makeDom0Tree } from '../../simulator/dom0-tree.ts'
import { type HostFixture, parseFixture } from '../../simulator/host/fixture.ts'
import { type SimulatedVersion, type Simulator, startSimulator } from '../../simulator/index.ts'
import { type Fault } from '../../simulator/wire/faults.ts'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { type DesiredState } from '../../spec/vocabulary/desired-state.ts'
import { act } from './requests.ts'
import { type Snapshot, takeSnapshot } from './snapshot.ts'
import { type Scope, tempFolder } from './temp.ts'
import { type ManagedVersion } from '../../reconciler/index.ts'
import { isManaged } from '../../qubesd/index.ts'

/** YAML, or what it comes to. */
type Spec = string | DesiredState

/** The version of a host that a test plans for. */
export function managedVersion(host: Host, qubes: readonly HostQube[]): ManagedVersion {
  const version = host.version(qubes)
  assert.ok(isManaged(version))
  return version
}

export interface HostOptions {
  readonly fixture?: HostFixture
  readonly release?: SimulatedVersion
  readonly faults?: readonly Fault[]
}

interface RunOptions {
  readonly parallelism?: number
  readonly failFast?: boolean
  /** As for a saved plan: all guards before the first write. */
  readonly recheck?: boolean
  readonly journal?: Journal
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  readonly now?: string
  readonly mode?: 'apply' | 'adopt'
  readonly selects?: (qube: string, path: string) => boolean
  /** Between the plan and the apply, where other programs are fast. */
  readonly between?: (plan: Plan) => Promise<void> | void
  /** Stands between the core and the host, to meddle at a given call. */
  readonly wrap?: (host: Host) => Host
}

export interface Applied {
  readonly plan: Plan
  readonly report: Report
  readonly code: number
}

/** A simulated host, and qstate run against its socket in this process. */
export interface TestHost {
  readonly simulator: Simulator
  readonly folder: string
  readonly socket: string
  /** What qstate, also from the command line, has written on the host. */
  readonly receipts: Receipts
  /** Stands in for `/` of dom0. */
  readonly dom0: string
  plan(spec: Spec, options?: RunOptions): Promise<Plan>
  /** Fails with QstateError only where nothing could be planned. */
  apply(spec: Spec, options?: RunOptions): Promise<Applied>
  applyPlan(plan: Plan, options?: RunOptions): Promise<Applied>
  /** Gives back all that qstate owns on the host. */
  withdraw(options?: RunOptions): Promise<Applied>
  /** Undoes plans that have been applied, the newest first. */
  rollback(undone: readonly Plan[], options?: RunOptions): Promise<Applied>
  snapshot(): Snapshot
  /** Another program sets, or with `null` removes, a feature. */
  setFeature(qube: string, name: string, value: string | null): void
  /** Puts a folder where the qube's libvirt template was: it can be neither read nor removed as a file. */
  replaceTemplateByFolder(qube: string): void
}

export const NO_JOURNAL: Journal = {
  begin: () => Promise.resolve(),
  write: () => Promise.resolve(),
  end: () => Promise.resolve(),
}

const NOW = '2026-01-02T03:04:05.000Z'

export async function startHost(scope: Scope, options: HostOptions = {}): Promise<TestHost> {
  const folder = tempFolder(scope)
  const socket = join(folder, 's')
  const dom0 = `${socket}.dom0`
  makeDom0Tree(dom0)
  const simulator = await startSimulator({ socket, ...options })
  scope.after(() => simulator.close())

  const receipts = fileReceipts(
    join(folder, 'state', 'hosts', socket.replace(/[^A-Za-z0-9._-]+/g, '-').slice(1)),
    () => undefined,
  )
  const connect = async (run: RunOptions): Promise<{ host: Host; qubes: readonly HostQube[] }> => {
    const client = createClient(socketTransport(socket), {
      timeoutMs: run.timeoutMs ?? 20_000,
      ...(run.signal === undefined ? {} : { signal: run.signal }),
    })
    const plain = qubesHost({ client, slic: slicFiles(dom0, () => undefined) })
    const host = run.wrap?.(plain) ?? plain
    return { host, qubes: await host.list() }
  }
  const makeOn = async (
    { host, qubes }: Awaited<ReturnType<typeof connect>>,
    spec: Spec,
    run: RunOptions,
  ): Promise<Plan> => {
    const desired = typeof spec === 'string' ? desiredOf(spec, simulator) : spec
    return makePlan(desired, {
      host,
      providers,
      qubes,
      version: managedVersion(host, qubes),
      now: run.now ?? NOW,
      commit: null,
      by: 'user@test',
      receipts,
      explains: true,
      mode: run.mode ?? 'apply',
      selects: run.selects ?? (() => true),
      parallelism: run.parallelism ?? 4,
    })
  }
  const applyOn = async (
    { host, qubes }: Awaited<ReturnType<typeof connect>>,
    plan: Plan,
    run: RunOptions,
  ): Promise<Applied> => {
    host.version(qubes)
    const report = await applyPlan(plan, {
      host,
      providers,
      qubes,
      parallelism: run.parallelism ?? 4,
      failFast: run.failFast ?? false,
      recheck: run.recheck ?? false,
      journal: run.journal ?? NO_JOURNAL,
      receipts,
      signal: run.signal ?? new AbortController().signal,
    })
    return { plan, report, code: reportExitCode(report) }
  }
  return {
    simulator,
    folder,
    socket,
    receipts,
    dom0,
    plan: async (spec, run = {}) => makeOn(await connect(run), spec, run),
    async apply(spec, run = {}) {
      const connection = await connect(run)
      const plan = await makeOn(connection, spec, run)
      await run.between?.(plan)
      return applyOn(connection, plan, run)
    },
    applyPlan: async (plan, run = {}) => applyOn(await connect(run), plan, run),
    async withdraw(run = {}) {
      const connection = await connect(run)
      const { host, qubes } = connection
      const plan = await makeWithdrawalPlan(
        qubes.filter(({ klass }) => klass !== 'AdminVM'),
        {
          ...{ host, providers, qubes, receipts, selects: () => true, explains: true },
          version: managedVersion(host, qubes),
          now: run.now ?? NOW,
          by: 'user@test',
          parallelism: run.parallelism ?? 4,
        },
      )
      await run.between?.(plan)
      return applyOn(connection, plan, run)
    },
    async rollback(undone, run = {}) {
      const connection = await connect(run)
      const { host, qubes } = connection
      const version = managedVersion(host, qubes)
      const context = { host, providers, qubes, version, now: run.now ?? NOW, receipts }
      const done = undone.map((plan) => ({ plan, report: null }))
      return applyOn(connection, await makeRollbackPlan(done, context), run)
    },
    snapshot: () => takeSnapshot(simulator, dom0),
    setFeature(qube, name, value) {
      const method = value === null ? 'admin.vm.feature.Remove' : 'admin.vm.feature.Set'
      act(simulator, { dest: qube, method, arg: name, payload: value ?? '' })
    },
    replaceTemplateByFolder(qube) {
      const template = join(dom0, 'etc/qubes/templates/libvirt/xen/by-name', `${qube}.xml`)
      rmSync(template)
      mkdirSync(template)
    },
  }
}

/** What a spec comes to on a simulated host; its diagnostics are the failure. */
export function desiredOf(yaml: string, simulator: Simulator): DesiredState {
  const text = /^apiVersion:/m.test(yaml) ? yaml : `apiVersion: qstate/v1\n${yaml}`
  const { manifest, diagnostics } = loadManifest([{ path: 'test.yaml', text }])
  assert.ok(manifest, JSON.stringify(diagnostics, null, 1))
  const qubes = [...simulator.host.qubes.values()].filter((qube) => qube.klass !== 'AdminVM')
  const resolved = resolve(manifest, { qubes })
  assert.ok(resolved.desired, JSON.stringify(resolved.diagnostics, null, 1))
  return resolved.desired
}

/** The report of one qube. */
export function reportOf(applied: Applied, qube: string): QubeReport {
  const found = applied.report.qubes.find((candidate) => candidate.qube === qube)
  assert.ok(found, `${qube} is not in the report`)
  return found
}

/** Statuses by qube: the shape of a report. */
export const statuses = ({ report }: Applied): Readonly<Record<string, string>> =>
  Object.fromEntries(report.qubes.map((qube) => [qube.qube, qube.status]))

/** The repository's root: tests run from there, wherever they are compiled to. */
export const ROOT = process.cwd()

export function readFixture(path: string): HostFixture {
  return parseFixture(JSON.parse(readFileSync(join(ROOT, path), 'utf8')))
}
