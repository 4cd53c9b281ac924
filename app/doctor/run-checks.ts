import { detectVersion, QubesdError, VERSIONS } from '../../qubesd/index.ts'
import { hasTemplate, type HostQube, type QubesVersion } from '../../reconciler/index.ts'
import { isDomain } from '../../spec/diagnostics/index.ts'
import { type Asking } from './asking.ts'
import {
  examine,
  type Examined,
  type Finding,
  type Judgement,
  ok,
  problem,
  unseen,
  warning,
} from './check.ts'
import { type Scene } from './context.ts'
import { HOST_CHECKS } from './host-checks.ts'
import { QUBE_CHECKS } from './qube-checks.ts'
import { type Patient } from './qube-facts.ts'
import { requiredDevices } from './usb-checks.ts'

/** All that was looked at, the host first. */
export interface Examination {
  readonly version: QubesVersion | null
  readonly examined: readonly Examined[]
}

/** Which version answers. Asked past the record of denials: no plan needs to know it so exactly. */
export async function versionFinding(
  { client }: Asking,
  qubes: readonly HostQube[],
): Promise<{ readonly finding: Finding; readonly version: QubesVersion | null }> {
  const check = 'release'
  try {
    const version = await detectVersion(client, qubes)
    return { version, finding: { check, ...judgeVersion(version) } }
  } catch (error) {
    if (!(error instanceof QubesdError)) throw error
    const finding = {
      check,
      ...unseen(error.message, 'is this a newer Qubes than this qstate knows? see `qstate version --host`'),
    }
    return { version: null, finding }
  }
}

function judgeVersion(version: QubesVersion): Judgement {
  const { label, endOfLife, note } = VERSIONS[version]
  if (endOfLife === null) return ok(note === null ? label : `${label} ${note}`)
  return warning(
    `${label}, which qstate can read but not change (end of life ${endOfLife})`,
    'upgrade dom0 to Qubes 4.3',
  )
}

/** Nobody answers: that is the one finding, and nothing else can be looked at. */
export function unreachable(error: unknown): Examination | undefined {
  if (!isDomain(error, 'host')) return undefined
  if (error.code === 'aborted') return undefined
  const findings = [{ check: 'daemon', ...problem(error.message, error.hint) }]
  return { version: null, examined: [{ qube: null, about: 'not reached', findings }] }
}

export async function examineAll(
  scene: Scene,
  first: readonly Finding[],
  version: QubesVersion | null,
): Promise<Examination> {
  const host: Examined = {
    qube: null,
    about: version === null ? scene.host.where : `${scene.host.where}, ${VERSIONS[version].label}`,
    findings: [...first, ...(await examine(HOST_CHECKS, scene))],
  }
  const checks = [...QUBE_CHECKS, requiredDevices(scene)]
  const alone = await Promise.all(
    scene.patients.map(async (patient): Promise<Examined> => ({
      qube: patient.qube.name,
      about: `${patient.qube.klass}, ${patient.qube.state.toLowerCase()}`,
      findings: await examine(checks, patient),
    })),
  )
  const qubes = alone.map((one, index) => besideTemplate(one, templateOf(scene.patients[index]), alone))
  return { version, examined: [host, ...qubes] }
}

function templateOf(patient: Patient | undefined): string | undefined {
  if (patient === undefined || !hasTemplate(patient.qube)) return undefined
  const template = patient.property('template')
  return template.status === 'present' ? template.value : undefined
}

/** What an app qube has in common with its template most likely comes from there, and is mended there. */
function besideTemplate(one: Examined, template: string | undefined, all: readonly Examined[]): Examined {
  const above = all.find(({ qube }) => qube !== null && qube === template)?.findings ?? []
  const findings = one.findings.map((finding) => {
    const { check, verdict, found } = finding
    const same =
      verdict !== 'ok' &&
      verdict !== 'unknown' &&
      above.some((other) => other.check === check && other.found === found)
    return same ? { ...finding, mend: `it is so in its template ${template ?? ''}: mend it there` } : finding
  })
  return { ...one, findings }
}
