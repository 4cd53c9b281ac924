import { type Manifest, RECORD_FEATURE, SLIC_TABLES } from '../../spec/index.ts'
import { type Extras, type Group, rule, type Scope } from './rules.ts'

/** What is asked of the host, and of all its qubes. */
export function hostGroups(manifest: Manifest, extras: Extras, scopes: readonly Scope[]): readonly Group[] {
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
  if (extras.confirm)
    groups.push({
      title:
        'every qube: its network, so that an apply on trial does not cut off the qube that takes it back',
      rules: [rule('admin.vm.property.Get', 'netvm', '@anyvm')],
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
