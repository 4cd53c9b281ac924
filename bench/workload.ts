import { type HostFixture } from '../simulator/host/fixture.ts'

type QubeFixture = HostFixture['qubes'][number]

/** Qubes on a host of this many Windows qubes: dom0, a template, and those for network, firewall, USB and audio too. */
export const hostSize = (windows: number): number => windows + 6

const nameOf = (index: number): string => `win-${String(index).padStart(4, '0')}`

const uuidOf = (index: number): string =>
  `${index === 0 ? '00000000' : '10000000'}-0000-4000-8000-${String(index).padStart(12, '0')}`

/** A host with Windows qubes as the installer leaves them: nothing of the spec is set. */
export function hostOf(windows: number): HostFixture {
  const qube = (name: string, more: Partial<QubeFixture>): Omit<QubeFixture, 'uuid'> => ({
    name,
    class: 'AppVM',
    state: 'Running',
    tags: [],
    features: {},
    ...more,
    properties: { label: 'red', ...more.properties },
  })
  const service = (name: string, properties: Record<string, string>): Omit<QubeFixture, 'uuid'> =>
    qube(name, { properties: { template: 'fedora-42', ...properties } })
  const qubes = [
    qube('dom0', { class: 'AdminVM', properties: { label: 'black' } }),
    qube('fedora-42', { class: 'TemplateVM', state: 'Halted', properties: { label: 'black' } }),
    service('sys-net', { netvm: '', provides_network: 'True' }),
    service('sys-firewall', { netvm: 'sys-net', provides_network: 'True' }),
    service('sys-usb', { netvm: '' }),
    service('sys-audio', { netvm: '' }),
    ...Array.from({ length: windows }, (_, index) =>
      qube(nameOf(index), { class: 'StandaloneVM', state: 'Halted', properties: { label: 'blue' } }),
    ),
  ]
  return { release: '4.3', usb: {}, qubes: qubes.map((each, index) => ({ ...each, uuid: uuidOf(index) })) }
}

/** A spec for all of them: a profile, and in each qube a device, memory, a user and a tag of its own. */
export function specOf(windows: number): string {
  const qubes = Array.from({ length: windows }, (_, index) => {
    const usb = `usb: { "sys-usb+${1 + (index % 40)}-${1 + Math.floor(index / 40)}:*": auto-attach }`
    return `  ${nameOf(index)}: { extends: desk, ${usb}, qube: { defaultUser: user${index} }, tags: [office] }`
  })
  return `apiVersion: qstate/v1
profiles:
  desk:
    extends: windows-10
    audio: { audiovm: sys-audio }
    qube: { memory: 6144, vcpus: 4 }
qubes:
${qubes.join('\n')}
`
}

/** What one qube of the spec takes at least, on 4.3: what is read of it in a plan, and what an apply has to set. */
export const LEAST: { readonly reads: Readonly<Record<string, number>>; readonly writes: readonly string[] } =
  {
    reads: {
      // Eight are wanted. One GetAll costs as much as three Gets.
      'admin.vm.property.GetAll': 1,
      // Four that are wanted, and the ownership record. No call gives the values of several.
      'admin.vm.feature.Get': 5,
      'admin.vm.device.usb.Assigned': 1,
      'admin.vm.tag.Get': 1,
    },
    writes: [
      ...['virt_mode', 'kernel', 'maxmem', 'memory', 'vcpus', 'qrexec_timeout', 'default_user', 'audiovm'],
      ...['audio-model', 'stubdom-qrexec', 'timezone', 'no-monitor-layout'],
      ...['USB device', 'tag', 'ownership record'],
    ],
  }
