import { RECORD_FEATURE } from '../../spec/index.ts'
import { observePaths } from '../observe/index.ts'
import { type Plan, PLAN_SCHEMA, PLAN_VERSION, type QubePlan } from '../plan/index.ts'
import {
  type Host,
  type HostQube,
  isRunning,
  type ManagedVersion,
  mapLimited,
  type Providers,
} from '../ports/index.ts'

export interface ReleaseContext {
  readonly host: Host
  readonly providers: Providers
  readonly version: ManagedVersion
  readonly now: string
}

/** A plan that gives up what qstate owns on some qubes, changing no value: only the records go. */
export async function makeReleasePlan(qubes: readonly HostQube[], context: ReleaseContext): Promise<Plan> {
  const plans = await mapLimited(qubes, 4, (qube) => releaseQube(qube, context))
  return {
    schema: PLAN_SCHEMA,
    version: PLAN_VERSION,
    createdAt: context.now,
    host: { where: context.host.where, release: context.version },
    spec: { name: null, digest: '', commit: null },
    qubes: plans,
  }
}

async function releaseQube(qube: HostQube, context: ReleaseContext): Promise<QubePlan> {
  const facts = { qube, version: context.version }
  const { recordText } = await observePaths(context.host, context.providers, facts, [])
  const before = recordText.status === 'present' ? recordText.value : null
  return {
    qube: qube.name,
    uuid: qube.uuid,
    klass: qube.klass,
    running: isRunning(qube),
    changes: [],
    waiting: [],
    record: { before, after: null },
    takesOver: true,
    blocked: recordText.status === 'unknown' ? [{ path: null, problem: recordText.problem }] : [],
    notes:
      before === null
        ? []
        : [{ kind: 'released', path: null, text: `every value stays; the record (${RECORD_FEATURE}) goes` }],
  }
}
