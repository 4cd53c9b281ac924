import { type ManagedVersion } from '../../reconciler/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { parsePath } from '../../spec/index.ts'
import { type ConnectedHost, requireManaged } from '../host/index.ts'
import { type LoadedSpec } from '../source/index.ts'
import { hostGroups } from './host-groups.ts'
import { groupsOf } from './needs.ts'
import { type Extras, type Group, type Rule, type Scope } from './rules.ts'
import { needsNames, scopesOf } from './scopes.ts'

export interface PolicyRequest {
  /** The qube that qstate runs in. */
  readonly qube: string
  /** Null: that of the host, where it is asked; else 4.3, which is sent what later ones are. */
  readonly version: ManagedVersion | null
  readonly extras: Extras
}

export interface ManagementPolicy {
  /** The qube that qstate runs in. */
  readonly source: string
  readonly release: ManagedVersion
  readonly extras: Extras
  /** Where the spec is. */
  readonly paths: readonly string[]
  readonly groups: readonly Group[]
  readonly denied: readonly Rule[]
}

/**
 * The smallest qrexec policy with which a management qube can plan, apply, withdraw and roll back a spec. The host is connected to
 * only where the spec selects qubes in a way that policy cannot express.
 */
export async function policyFor(
  spec: LoadedSpec,
  { qube, version, extras }: PolicyRequest,
  connect: () => Promise<ConnectedHost>,
): Promise<ManagementPolicy> {
  const { manifest, sources } = spec
  const host = needsNames(manifest) ? await connected(connect) : null
  const release = version ?? (host === null ? '4.3' : requireManaged(host).version)
  const scopes = scopesOf(spec, host?.qubes ?? null)
  const groups = withoutRepeats([
    ...hostGroups(manifest, extras, scopes),
    ...scopeGroups(scopes, release, extras),
  ])
  return { source: qube, release, extras, paths: sources.paths, groups, denied: denials(scopes) }
}

async function connected(connect: () => Promise<ConnectedHost>): Promise<ConnectedHost> {
  try {
    return await connect()
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    const why = 'a selector by name, or one with slic, takes the names of the qubes from the host'
    const hint = `${error.message}; or match by tag or class, which policy knows as @tag: and @type:`
    throw new QstateError(problem(error.code, why, hint), { cause: error })
  }
}

function scopeGroups(scopes: readonly Scope[], release: ManagedVersion, extras: Extras): readonly Group[] {
  const isPattern = (scope: Scope): boolean => scope.target.startsWith('@')
  return scopes.flatMap((scope) => {
    // A qube with lines of its own may be one of a pattern's, and a pattern's may be another's, too.
    const others = scopes.filter((other) => other !== scope && isPattern(other))
    return groupsOf(scope, others, release, extras)
  })
}

/** The first line that matches counts: one that says the same again, or of some where all are allowed, is left out. */
function withoutRepeats(groups: readonly Group[]): readonly Group[] {
  const seen = new Set<string>()
  const key = ({ method, arg }: Rule, target: string): string => `${method} ${arg} ${target}`
  return groups
    .map((group) => ({
      ...group,
      rules: group.rules.filter((r) => {
        if (seen.has(key(r, r.target)) || (r.target !== '@adminvm' && seen.has(key(r, '@anyvm'))))
          return false
        seen.add(key(r, r.target))
        return true
      }),
    }))
    .filter(({ rules, without }) => rules.length > 0 || without !== undefined)
}

/**
 * What this qube must not come by through a line in a later file: arguments for QEMU are code in the stubdomain, and
 * a tag may be what other lines go by.
 */
function denials(scopes: readonly Scope[]): readonly Rule[] {
  const own = scopes.flatMap((scope) => [...scope.settings.keys()])
  const allowed = (name: string): boolean => own.some((path) => featureAt(path) === name)
  return [...['qemu-extra-args', 'internal'].filter((name) => !allowed(name)).map((name) => `+${name}`)]
    .map((arg): Rule => ({ method: 'admin.vm.feature.Set', arg, target: '@anyvm' }))
    .concat(
      { method: 'admin.vm.tag.Set', arg: '*', target: '@anyvm' },
      { method: 'admin.vm.tag.Remove', arg: '*', target: '@anyvm' },
    )
}

const featureAt = (path: string): string | undefined => {
  if (path === 'stubdom/qemuExtraArgs') return 'qemu-extra-args'
  const parsed = parsePath(path)
  return parsed?.kind === 'feature' ? parsed.name : undefined
}
