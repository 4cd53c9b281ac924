import { hasTemplate, type HostQube, type QubesVersion } from '../../reconciler/index.ts'
import { isDomain, QstateError } from '../../spec/diagnostics/index.ts'
import { type Connection, VERSIONS } from '../host/index.ts'
import {
  type CheckResult,
  type Examined,
  type Finding,
  ok,
  problem,
  runChecks,
  unseen,
  warning,
} from './check.ts'
import { type CheckContext } from './context.ts'
import { HOST_CHECKS } from './host-checks.ts'
import { QUBE_CHECKS } from './qube-checks.ts'
import { type WindowsQube } from './qube-facts.ts'
import { startChecks } from './start-checks.ts'

/** All that was looked at, the host first. */
export interface Examination {
  readonly release: QubesVersion | null
  readonly examined: readonly Examined[]
}

/** Which version answers. */
export async function versionFinding(
  connection: Connection,
  qubes: readonly HostQube[],
): Promise<{ readonly finding: Finding; readonly version: QubesVersion | null }> {
  const check = 'release'
  try {
    const version = await connection.exactVersion(qubes)
    return { version, finding: { check, ...checkVersion(version) } }
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    const fix = 'is this a newer Qubes than this qstate knows? see `qstate version --host`'
    return { version: null, finding: { check, ...unseen(error.code, error.message, fix) } }
  }
}

function checkVersion(version: QubesVersion): CheckResult {
  const { label, endOfLife, note } = VERSIONS[version]
  if (endOfLife === null) return ok(note === null ? label : `${label} ${note}`)
  return warning(
    'unsupported-version',
    `${label}, which qstate can read but not change (end of life ${endOfLife})`,
    'upgrade dom0 to Qubes 4.3',
  )
}

/** No daemon answers: that is the one finding, and nothing else can be looked at. */
export function unreachable(error: unknown): Examination | undefined {
  if (!isDomain(error, 'host') || error.code === 'aborted') return undefined
  const findings = [{ check: 'daemon', ...problem(error.code, error.message, error.hint) }]
  return { release: null, examined: [{ qube: null, about: 'not reached', findings }] }
}

export async function examineAll(
  context: CheckContext,
  first: readonly Finding[],
  version: QubesVersion | null,
): Promise<Examination> {
  const { where } = context.host
  const host: Examined = {
    qube: null,
    about: version === null ? where : `${where}, Qubes ${version}`,
    findings: [...first, ...(await runChecks(HOST_CHECKS, context))],
  }
  const checks = [...QUBE_CHECKS, ...startChecks(context)]
  const alone = await Promise.all(
    context.windows.map(async (one): Promise<Examined> => ({
      qube: one.qube.name,
      about: `${one.qube.klass}, ${one.qube.state.toLowerCase()}`,
      findings: await runChecks(checks, one),
    })),
  )
  const qubes = alone.map((one, index) => besideTemplate(one, templateOf(context.windows[index]), alone))
  return { release: version, examined: [host, ...qubes] }
}

function templateOf(one: WindowsQube | undefined): string | undefined {
  if (one === undefined || !hasTemplate(one.qube)) return undefined
  const template = one.property('template')
  return template.status === 'present' ? template.value : undefined
}

/** What an app qube has in common with its template most likely comes from there, and is fixed there. */
function besideTemplate(one: Examined, template: string | undefined, all: readonly Examined[]): Examined {
  const above = all.find(({ qube }) => qube !== null && qube === template)?.findings ?? []
  const findings = one.findings.map((finding) => {
    if (finding.verdict === 'ok' || finding.verdict === 'unknown') return finding
    const { check, problem } = finding
    const same = above.some(
      (other) => other.verdict !== 'ok' && other.check === check && other.problem.message === problem.message,
    )
    const hint = `it is so in its template ${template ?? ''}: fix it there`
    return same ? { ...finding, problem: { ...problem, hint } } : finding
  })
  return { ...one, findings }
}
