import { isManaged, VERSIONS } from '../../qubesd/index.ts'
import { type ManagedVersion, type QubesVersion } from '../../reconciler/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'

/**
 * The one way from a host that is read to one that is planned for or changed: whatever plans or writes takes a version that
 * has come through here, and the compiler sees to it.
 */
export function requireManaged<T extends { readonly version: QubesVersion }>(
  host: T,
): T & { readonly version: ManagedVersion } {
  const { version } = host
  if (isManaged(version)) return { ...host, version }
  const { label, endOfLife } = VERSIONS[version]
  throw new QstateError(
    problem(
      'unsupported-version',
      `This host runs ${label}, which qstate can read but not change (end of life ${endOfLife})`,
      'upgrade dom0 to Qubes 4.3; `qstate import`, `show`, `doctor` and `record` still read this host',
    ),
  )
}
