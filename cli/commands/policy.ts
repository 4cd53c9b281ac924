import { loadSpec, openSession, requireManaged, type Session, tellDiagnostics } from '../../app/host/index.ts'
import { type Extras, type Group, groupsOf, rule, type Rule, type Scope } from '../../app/policy/index.ts'
import { type Sources } from '../../app/source/index.ts'
import { QubesdError } from '../../qubesd/index.ts'
import { type ManagedVersion } from '../../reconciler/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import {
  type DesiredQube,
  type Manifest,
  parsePath,
  QUBE_NAME,
  RECORD_FEATURE,
  resolve,
  SLIC_TABLES,
} from '../../spec/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'
import { policyText } from '../views/policy.ts'

export interface PolicyOptions extends GlobalOptions {
  readonly qube: string
  readonly for?: ManagedVersion
  readonly restart?: boolean
  readonly live?: boolean
  readonly explain?: boolean
  readonly agent?: boolean
}

/** Prints the smallest qrexec policy with which a management qube can plan, apply, prune and roll back a spec. */
export async function policy(paths: readonly string[], options: PolicyOptions, io: Io): Promise<number> {
  if (!QUBE_NAME.test(options.qube)) {
    const hint = 'name the qube that qstate runs in, as qvm-ls lists it'
    throw new QstateError(
      problem('bad-option', `--qube takes the name of a qube, not “${options.qube}”`, hint),
    )
  }
  const { manifest, sources } = loadSpec(paths, options, io)
  const session = needsHost(manifest) ? await connect(options, io) : undefined
  const version = options.for ?? (session === undefined ? '4.3' : requireManaged(session).version)
  const tell = (state: ReturnType<typeof resolve>): NonNullable<typeof state.desired> =>
    desiredOf(state, sources, options, io)
  const scopes = [...namedScopes(manifest, tell), ...selectorScopes(manifest, session, tell)]
  const extras = {
    restart: options.restart === true,
    live: options.live === true,
    explain: options.explain === true,
    agent: options.agent === true,
  }
  const groups = withoutRepeats([
    ...hostGroups(manifest, extras, scopes),
    ...scopeGroups(scopes, version, extras),
  ])
  const printed = {
    source: options.qube,
    release: version,
    extras,
    paths: sources.paths,
    groups,
    denied: denials(scopes),
  }
  if (options.json === true) io.out(`${JSON.stringify(printed, null, 2)}\n`)
  else io.out(policyText(printed))
  return EXIT.done
}

type Selector = Manifest['selectors'][number]

/** Tags and classes are targets of their own; a name pattern, and SLIC, go by the names that there are. */
const byName = ({ match }: Selector): boolean => match.tag === null && match.klass === null

const hasSlic = (manifest: Manifest, selector: Selector): boolean =>
  matched(manifest, selector)?.settings.has(SLIC_TABLES) === true

const needsHost = (manifest: Manifest): boolean =>
  manifest.selectors.some((selector) => byName(selector) || hasSlic(manifest, selector))

async function connect(options: GlobalOptions, io: Io): Promise<Session> {
  try {
    return await openSession(options, io)
  } catch (error) {
    if (!(error instanceof QstateError || error instanceof QubesdError)) throw error
    const why = 'a selector by name, or one with slic, takes the names of the qubes from the host'
    const hint = `${error.message}; or match by tag or class, which policy knows as @tag: and @type:`
    throw new QstateError(problem(error.code, why, hint))
  }
}

function desiredOf(
  { desired, diagnostics }: ReturnType<typeof resolve>,
  sources: Sources,
  options: GlobalOptions,
  io: Io,
): NonNullable<ReturnType<typeof resolve>['desired']> {
  if (desired !== null) return desired
  tellDiagnostics(diagnostics, sources, options, io)
  const hint = 'correct what is marked above'
  throw new QstateError(problem('invalid-spec', 'the spec has errors: no policy is printed', hint))
}

type Tell = (state: ReturnType<typeof resolve>) => NonNullable<ReturnType<typeof resolve>['desired']>

function namedScopes(manifest: Manifest, tell: Tell): readonly Scope[] {
  const desired = tell(resolve({ ...manifest, selectors: [] }, { qubes: [] }))
  return [...desired.qubes.values()].map((qube) => scopeOf(qube, qube.name, [qube.name]))
}

const scopeOf = (qube: DesiredQube | undefined, target: string, names: Scope['names']): Scope => ({
  target,
  names,
  settings: new Map([...(qube?.settings.values() ?? [])].map(({ path, value }) => [path, value])),
  ensure: qube?.ensure ?? null,
  // One that waits until it is halted restarts nothing.
  restarts: !['never', 'idle-halted'].some((word) => word === (qube?.restart ?? 'never')),
})

/** A selector by itself, on qubes that match it: what other selectors or names add has lines of its own. */
function selectorScopes(manifest: Manifest, session: Session | undefined, tell: Tell): readonly Scope[] {
  return manifest.selectors.flatMap((selector): Scope[] => {
    const alone = { ...manifest, qubes: new Map(), selectors: [selector] }
    const { tag, klass } = selector.match
    const there =
      session?.qubes.map(({ name, klass: of }) => ({ name, klass: of, tags: tagsOf(selector) })) ?? []
    if (byName(selector)) {
      const qubes = tell(resolve(alone, { qubes: there })).qubes.values()
      return [...qubes].map((qube) => scopeOf(qube, qube.name, [qube.name]))
    }
    const names = session === undefined ? null : [...tell(resolve(alone, { qubes: there })).qubes.keys()]
    const target = tag === null ? `@type:${klass ?? ''}` : `@tag:${tag}`
    return [scopeOf(matched(manifest, selector), target, names)]
  })
}

const tagsOf = ({ match }: Selector): ReadonlySet<string> => new Set(match.tag === null ? [] : [match.tag])

/** What a selector, by itself, makes of a qube that it matches. */
function matched(manifest: Manifest, selector: Selector): DesiredQube | undefined {
  const { name, klass } = selector.match
  const qube = {
    name: (name ?? 'q').replaceAll(/[*?]/g, 'q'),
    klass: klass ?? 'AppVM',
    tags: tagsOf(selector),
  }
  const alone = { ...manifest, qubes: new Map(), selectors: [selector] }
  return resolve(alone, { qubes: [qube] }).desired?.qubes.get(qube.name)
}

/** What is asked of the host, and of all its qubes. */
function hostGroups(manifest: Manifest, extras: Extras, scopes: readonly Scope[]): readonly Group[] {
  const told = toldOf(manifest, extras, scopes)
  const groups: Group[] = [
    {
      title: 'which qubes there are: of the whole list qubesd tells those that may be listed one by one',
      rules: told.map((target) => rule('admin.vm.List', '', target)),
    },
  ]
  if (extras.agent)
    groups.push({
      title:
        'what happens on the host, as the agent hears it: events of these qubes, and the values that are set',
      rules: told.map((target) => rule('admin.Events', '', target)),
    })
  if (manifest.name !== null) {
    groups.push({
      title: 'every qube: the record of what qstate has set, to find the qubes that the spec has dropped',
      rules: [rule('admin.vm.feature.Get', RECORD_FEATURE, '@anyvm')],
    })
  }
  for (const tag of manifest.selects.tags) {
    const title = `every qube: whether it has the tag ${tag}, which the spec selects by`
    groups.push({ title, rules: [rule('admin.vm.tag.Get', tag, '@anyvm')] })
  }
  return groups
}

/** Qubes that have to be seen: all, where those are looked for that the spec does not name, or that are gone. */
function toldOf(manifest: Manifest, extras: Extras, scopes: readonly Scope[]): readonly string[] {
  const seesAll =
    manifest.name !== null ||
    manifest.selectors.length > 0 ||
    extras.explain ||
    scopes.some(({ settings }) => settings.has(SLIC_TABLES))
  if (seesAll) return ['@adminvm', '@anyvm']
  const templates = scopes.flatMap(({ ensure }) =>
    ensure === null || ensure === 'absent' || ensure.template === null ? [] : [ensure.template],
  )
  return ['@adminvm', ...new Set([...scopes.map(({ target }) => target), ...templates].sort())]
}

function scopeGroups(scopes: readonly Scope[], version: ManagedVersion, extras: Extras): readonly Group[] {
  const isPattern = (scope: Scope): boolean => scope.target.startsWith('@')
  return scopes.flatMap((scope) => {
    // A qube with lines of its own may be one of a pattern's, and a pattern's may be another's, too.
    const others = scopes.filter((other) => other !== scope && isPattern(other))
    return groupsOf(scope, others, version, extras)
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
