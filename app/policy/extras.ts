import { attachCall, detachCall, providers } from '../../providers/index.ts'
import { deviceOf, providerOf, takesByItself } from '../../reconciler/index.ts'
import { SLIC_TABLES, type Value } from '../../spec/index.ts'
import { type Group, QREXEC_ARGUMENT, rule, type Rule, type Scope } from './rules.ts'

/** What goes beyond plan and apply: restarts, devices attached now, and what is read only to explain. */

/** With what is looked at before a shutdown: whether the qube starts again, and which devices it and others would lose. */
export function restartGroups(scope: Scope): readonly Group[] {
  const { target } = scope
  const methods = [
    ...['Shutdown', 'CurrentState', 'Start'].map((verb) => `admin.vm.${verb}`),
    ...['usb', 'block'].map((kind) => `admin.vm.device.${kind}.Attached`),
    ...['usb', 'block'].map((kind) => `admin.vm.device.${kind}.Available`),
    'admin.vm.device.usb.Assigned',
    'admin.vm.property.GetAll',
  ]
  const required = devicesOf(scope).filter(([, value]) => isRequired(value))
  return [
    {
      title: `${target}: whether it starts again, and what that detaches; shut down, wait until it is halted, start again`,
      rules: [
        ...methods.map((method) => rule(method, '', target)),
        rule('admin.vm.feature.Get', 'prohibit-start', target),
        ...['Get', 'CheckWithTemplate'].map((verb) =>
          rule(`admin.vm.feature.${verb}`, 'audio-model', target),
        ),
      ],
    },
    ...availableGroups(required.map(([path]) => path)),
  ]
}

export function liveGroups(scope: Scope): readonly Group[] {
  const paths = devicesOf(scope).map(([path]) => path)
  return [
    ...availableGroups(paths),
    ...paths.map((path) => {
      const known = attachRules(scope.target, path)
      const any = ['Attach', 'Detach'].map((verb) => rule(`admin.vm.device.usb.${verb}`, '', scope.target))
      const what = `${scope.target}, ${path}: attached and detached now`
      return known === undefined
        ? {
            title: `${what}. Policy cannot name it without port and identity: this is any device`,
            rules: any,
          }
        : { title: what, rules: known }
    }),
  ]
}

function attachRules(target: string, path: string): readonly Rule[] | undefined {
  const device = deviceOf(path)
  if (device.port === '*' || device.identity === '*') return undefined
  const calls = [attachCall(target, device), detachCall(target, device)]
  if (calls.some(({ arg }) => !QREXEC_ARGUMENT.test(arg))) return undefined
  return calls.map(({ method, arg, dest }) => rule(method, arg, dest))
}

/** Reads only, and some of them of every qube. `hasAll`: a plan reads all properties of the qube anyway. */
export function explainGroups(scope: Scope, hasAll: boolean): readonly Group[] {
  const { target, settings, ensure } = scope
  const paths = [...settings.keys()]
  const mayBeTemplate = ensure === null
  const mayHaveTemplate = ensure === null || ensure === 'absent' || ensure.klass === 'AppVM'
  const features = paths.flatMap((path) => providerOf(providers, path).inheritedFeature?.(path)?.name ?? [])
  const goesByName = paths.includes(SLIC_TABLES) || devicesOf(scope).length > 0
  const groups: readonly Group[] = [
    {
      title: `${target}: what its template gives, and which that is, to explain a plan`,
      rules: mayHaveTemplate ? features.flatMap(inheritedRules) : [],
    },
    {
      title: `${target}: whether disposables are made from it, to explain a plan`,
      rules:
        mayHaveTemplate && goesByName && !hasAll
          ? [rule('admin.vm.property.Get', 'template_for_dispvms', target)]
          : [],
    },
    {
      title:
        'every qube: its template, to tell in a plan of a template which of its app qubes run; and which disposables are kept ready',
      rules: mayBeTemplate
        ? [
            rule('admin.vm.property.Get', 'template', '@anyvm'),
            rule('admin.vm.property.Get', 'is_preload', '@type:DispVM'),
          ]
        : [],
    },
    {
      title: 'every qube: which USB devices it has, to tell in a plan who else takes one',
      rules: devicesOf(scope).length > 0 ? [rule('admin.vm.device.usb.Assigned', '', '@anyvm')] : [],
    },
  ]
  return groups.filter(({ rules }) => rules.length > 0)
}

/** The template is not known by its name here. */
const inheritedRules = (feature: string): readonly Rule[] => [
  rule('admin.vm.feature.CheckWithTemplate', feature, '@anyvm'),
  rule('admin.vm.property.Get', 'template', '@anyvm'),
]

const availableGroups = (paths: readonly string[]): readonly Group[] =>
  [...new Set(paths.map((path) => deviceOf(path).backend))].sort().map((backend) => ({
    title: `${backend}: which USB devices are plugged in`,
    rules: [rule('admin.vm.device.usb.Available', '', backend)],
  }))

const devicesOf = ({ settings }: Scope): readonly (readonly [string, Value | null])[] =>
  [...settings].filter(([path, value]) => takesByItself(path, value))

const isRequired = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'mode' in value && value.mode === 'required'
