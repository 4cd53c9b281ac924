import { type HostQube } from '../../reconciler/index.ts'
import { nearest, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type PlanningHost } from './connect.ts'

/** The qube of a name that qstate could manage. Fails with `unknown-qube`, naming the nearest one. */
export function findQube(name: string, { qubes }: Pick<PlanningHost, 'qubes'>): HostQube {
  const qube = qubes.find((candidate) => candidate.name === name)
  if (qube !== undefined && qube.klass !== 'AdminVM') return qube
  const message = `there is no qube ${name} that qstate could manage`
  throw new QstateError(problem('unknown-qube', message, nearestQube(name, qubes)))
}

function nearestQube(name: string, qubes: readonly HostQube[]): string {
  const names = qubes.filter(({ klass }) => klass !== 'AdminVM').map((qube) => qube.name)
  const near = nearest(name, names)
  if (near !== undefined) return `did you mean ${near}?`
  if (names.length === 0) return 'this host has no qubes'
  return `the qubes here are ${names.slice(0, 12).join(', ')}${names.length > 12 ? ' …' : ''}`
}
