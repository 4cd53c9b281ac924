import { NO_NEEDS, type Plan } from '../../reconciler/index.ts'
import { type Problem, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type ManagedHost } from '../host/index.ts'

/** Fails where a plan does what no rollback takes back. */
export function requireReversible({ qubes }: Plan): void {
  for (const { qube, create, remove, volumes = [] } of qubes) {
    const what =
      create !== undefined
        ? 'creates'
        : remove !== undefined
          ? 'removes'
          : volumes.length > 0
            ? 'grows a volume of'
            : null
    if (what === null) continue
    const message = `the plan ${what} ${qube}, which cannot be taken back: nothing was changed`
    throw refusal(problem('not-reversible', message, 'apply that without --confirm, and the rest with it'))
  }
}

/** Fails where a plan may cut off the qube that qstate runs in, which is to take it back. */
export async function requireOutside({ qubes }: Plan, { host }: ManagedHost): Promise<void> {
  const { ownQube } = host
  if (ownQube === null) return
  const touched = new Set(qubes.filter(({ changes }) => changes.length > 0).map(({ qube }) => qube))
  const known = new Set<string>()
  for (let qube = ownQube; qube !== '' && !known.has(qube);) {
    if (touched.has(qube)) {
      const what = qube === ownQube ? 'the qube that qstate runs in' : `the network of ${ownQube}`
      const message = `the plan changes ${qube}, ${what}, from which it is to be taken back: nothing was changed`
      throw refusal(problem('touches-own-qube', message, 'apply it from dom0, or without --confirm'))
    }
    known.add(qube)
    const netvm = (await host.read(qube, { ...NO_NEEDS, properties: ['netvm'] })).effective('netvm')
    if (netvm.status === 'unknown') {
      const message = `whether the plan changes the network of ${ownQube} is not known: ${netvm.problem.message}`
      throw refusal(problem('touches-own-qube', message, netvm.problem.hint))
    }
    qube = netvm.status === 'present' ? netvm.value : ''
  }
}

const refusal = (why: Problem): QstateError => new QstateError(why)

/** Settings of a plan that take effect at the next start of their qube, which is not one of those restarted. */
export const untriedOf = (
  { qubes }: Plan,
  restarted: readonly string[],
): readonly { readonly qube: string; readonly paths: readonly string[] }[] =>
  qubes
    .filter(({ qube }) => !restarted.includes(qube))
    .map(({ qube, changes }) => ({
      qube,
      paths: changes.filter(({ effect }) => effect === 'next-start').map(({ path }) => path),
    }))
    .filter(({ paths }) => paths.length > 0)
