import { BEHAVIOUR, propertyValueError, type SimulatedVersion, str, type Value } from '../host/index.ts'
import { disposableTemplate, type PropertyDefinition } from './definition.ts'
import { setDefaultNetvm } from './network-properties.ts'

/** The storage pools of every simulated host. */
export const POOLS: readonly string[] = ['varlibqubes', 'linux-kernel']

/** The properties of the host itself, such as `default_netvm`, sorted as the daemon lists them. */
export function hostProperties(release: SimulatedVersion): PropertyDefinition[] {
  const always = (value: Value) => (): Value => value
  const pool = (name: string): PropertyDefinition => ({
    name,
    kind: 'str',
    stage: 3,
    default: name === 'default_pool' ? always('varlibqubes') : (r) => r.read('default_pool'),
    set: (value) => {
      if (POOLS.includes(str(value))) return value
      throw propertyValueError('No such storage pool')
    },
  })
  const qube = (name: string, value: Value, set?: PropertyDefinition['set']): PropertyDefinition => ({
    name,
    kind: 'vm',
    stage: 3,
    nullable: true,
    default: always(value),
    ...(set ? { set } : {}),
  })
  const number = (name: string, value: number, forbidden = false): PropertyDefinition => ({
    name,
    kind: 'int',
    stage: 3,
    default: always(value),
    ...(forbidden ? { forbidden } : {}),
  })
  return [
    { name: 'check_updates_vm', kind: 'bool', stage: 3, default: always(true) },
    qube('clockvm', null),
    qube('default_audiovm', 'dom0'),
    qube('default_dispvm', null, disposableTemplate('default_dispvm')),
    qube('default_guivm', 'dom0'),
    { name: 'default_kernel', kind: 'str', stage: 3 },
    qube('default_netvm', null, setDefaultNetvm),
    ...[
      'default_pool',
      'default_pool_kernel',
      'default_pool_private',
      'default_pool_root',
      'default_pool_volatile',
    ].map(pool),
    number('default_qrexec_timeout', 60),
    number('default_shutdown_timeout', 60),
    { name: 'default_template', kind: 'vm', stage: 3, nullable: true, class: 'TemplateVM' },
    qube('management_dispvm', null, disposableTemplate('management_dispvm')),
    ...(BEHAVIOUR[release].hasHostResources
      ? [number('maxmem', 16_384, true), number('no_cpus', 4, true)]
      : []),
    number('stats_interval', 3),
    qube('updatevm', null),
  ]
}
