import { fileReceipts } from '../../../journal/index.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { qubesHost } from '../../../app/host/qubesd/qubesd-host.ts'
import { slicService } from '../../../app/host/slic/service.ts'
import { providers } from '../../../providers/index.ts'
import { createClient } from '../../../qubesd/client.ts'
import { applyPlan } from '../../../reconciler/applying/apply.ts'
import { type Plan } from '../../../reconciler/plan/plan.ts'
import { type Report } from '../../../reconciler/plan/report.ts'
import { makePlan } from '../../../reconciler/planning/make-plan.ts'
import { type DesiredState } from '../../../spec/vocabulary/desired-state.ts'
import { ROOT } from '../../cli/run-cli.ts'
import { desiredOf, managedVersion, NO_JOURNAL } from '../../support/host.ts'
import { MGMT, type World } from './world.ts'

export const exampleState = (world: World, example: string): DesiredState =>
  desiredOf(
    readFileSync(join(ROOT, 'examples', example), 'utf8').replace(/^#.*\n/gm, ''),
    world.host.simulator,
  )

/** The same qubes, and nothing asked of them. */
export const emptied = (state: DesiredState): DesiredState => ({
  ...state,
  qubes: new Map([...state.qubes].map(([name, qube]) => [name, { ...qube, settings: new Map() }])),
})

export interface Run {
  readonly plan: Plan
  readonly report: Report
}

/** Plans and applies through policy, without a process for each call. */
export async function applyOutside({ host, qrexec }: World, desired: DesiredState): Promise<Run> {
  const client = createClient(qrexec.transport, { source: MGMT })
  const outside = qubesHost({ client, slic: slicService(client, (sha256) => desired.tables.get(sha256)) })
  const qubes = await outside.list()
  // The one of the command there, which lies outside dom0.
  const receipts = fileReceipts(join(host.folder, 'state', 'hosts', 'qrexec'), () => undefined)
  const context = { host: outside, providers, qubes, parallelism: 4, receipts }
  const plan = await makePlan(desired, {
    ...context,
    version: managedVersion(outside, qubes),
    now: '2026-01-02T03:04:05.000Z',
    commit: null,
    by: 'user@test',
    selects: () => true,
  })
  const signal = new AbortController().signal
  const report = await applyPlan(plan, {
    ...context,
    failFast: false,
    recheck: false,
    journal: NO_JOURNAL,
    signal,
  })
  return { plan, report }
}

/** All that went wrong, as it is told. */
export function troubles({ plan, report }: Run): readonly string[] {
  const blocked = plan.qubes.flatMap((qube) =>
    qube.blocked.map(({ problem }) => `${problem.message}\n${problem.hint}`),
  )
  const failed = report.qubes.flatMap((qube) =>
    [qube.error, ...qube.outcomes.map((outcome) => outcome.error)].flatMap((error) =>
      error === null ? [] : [`${error.message}\n${error.hint}`],
    ),
  )
  return [...blocked, ...failed]
}
