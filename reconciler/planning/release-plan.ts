import { RECORD_FEATURE } from '../../spec/index.ts'
import { identify, observePaths } from '../observe/index.ts'
import { type Plan, PLAN_SCHEMA, type QubePlan } from '../plan/index.ts'
import {
  type Host,
  type HostQube,
  isRunning,
  mapLimited,
  type Providers,
  type Release,
} from '../ports/index.ts'

export interface ReleaseContext {
  readonly host: Host
  readonly providers: Providers
  readonly release: Release
  readonly now: string
}

/** A plan that gives up what qstate owns on some qubes, changing no value: only the records go. */
export async function makeReleasePlan(qubes: readonly HostQube[], context: ReleaseContext): Promise<Plan> {
  const plans = await mapLimited(qubes, 4, (qube) => releaseQube(qube, context))
  return {
    schema: PLAN_SCHEMA,
    version: 1,
    createdAt: context.now,
    host: { where: context.host.where, release: context.release },
    spec: { name: null, digest: '', commit: null },
    qubes: plans,
  }
}

async function releaseQube(listed: HostQube, context: ReleaseContext): Promise<QubePlan> {
  // Whose the record was has to be known to whoever undoes this.
  const qube = await identify(listed, context.host)
  const facts = { qube, release: context.release }
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
    blocked:
      recordText.status === 'unknown' ? [{ path: null, why: recordText.why, hint: recordText.hint }] : [],
    notes:
      before === null
        ? []
        : [{ kind: 'released', path: null, text: `every value stays; the record (${RECORD_FEATURE}) goes` }],
  }
}
