import { type HostFixture } from '../../simulator/host/fixture.ts'
import { type SimulatedVersion } from '../../simulator/index.ts'

type QubeFixture = HostFixture['qubes'][number]

/** A Windows qube with what is said of it, halted and standalone unless that says otherwise. */
export type WindowsQube = Partial<Omit<QubeFixture, 'name' | 'uuid'>> & { readonly name: string }

const IDENTITIES = {
  webcam: { vendor_product: '046d:085b', serial: 'ABC12345', interfaces: ['0e0100', '0e0200'] },
  headset: { vendor_product: '0b0e:0412', serial: '0023A1B2', interfaces: ['010100', '030000'] },
}

/** A host as people have it, with the given Windows qubes: dom0, a template, network, USB and audio qubes. */
export function windowsHost(
  qubes: readonly WindowsQube[],
  release: SimulatedVersion = '4.3',
  assignments: HostFixture['assignments'] = [],
): HostFixture {
  const service = (name: string, properties: Record<string, string>, tags: string[] = []): QubeFixture => ({
    name,
    class: 'AppVM',
    state: 'Running',
    uuid: '',
    tags,
    features: {},
    properties: { label: 'red', template: 'fedora-42', ...properties },
  })
  const all: QubeFixture[] = [
    { ...service('dom0', {}), class: 'AdminVM', properties: { label: 'black' } },
    { ...service('fedora-42', {}), class: 'TemplateVM', state: 'Halted', properties: { label: 'black' } },
    service('sys-net', { netvm: '', provides_network: 'True' }),
    service('sys-firewall', { netvm: 'sys-net', provides_network: 'True' }),
    service('sys-usb', { netvm: '' }),
    service('sys-audio', { netvm: '' }),
    ...qubes.map((qube): QubeFixture => ({
      class: 'StandaloneVM',
      state: 'Halted',
      uuid: '',
      tags: ['windows'],
      features: {},
      ...qube,
      properties: { label: 'blue', virt_mode: 'hvm', kernel: '', maxmem: '0', ...qube.properties },
    })),
  ]
  return {
    release,
    qubes: all.map((qube, index) => ({ ...qube, uuid: uuidOf(index) })),
    usb: {
      'sys-usb': Object.entries(IDENTITIES).map(([name, device], index) => ({
        port: `2-${index + 1}`,
        ...device,
        vendor: null,
        product: null,
        manufacturer: null,
        name,
      })),
    },
    assignments,
  }
}

const uuidOf = (index: number): string =>
  index === 0
    ? '00000000-0000-0000-0000-000000000000'
    : `10000000-0000-4000-8000-${String(index).padStart(12, '0')}`
