import {
  type HostFixture,
  type PowerState,
  type QubeClass,
  type QubeFixture,
  type UsbFixture,
} from './host/index.ts'

/** A small believable host: some Windows qubes of each kind, what serves them, and four USB devices. */
export function defaultFixture(): HostFixture {
  return {
    release: '4.3',
    qubes: QUBES.map(toFixture),
    usb: { 'sys-usb': DEVICES },
    kernels: ['6.12.54-1.fc41', '6.18.9-1.fc41'],
  }
}

interface Sketch {
  readonly name: string
  readonly class: QubeClass
  readonly label: string
  readonly running?: true
  readonly tools?: true
  readonly tags?: readonly string[]
  readonly features?: Readonly<Record<string, string>>
  readonly properties?: Readonly<Record<string, string>>
}

const WINDOWS = { kernel: '', maxmem: '0', memory: '4096', virt_mode: 'hvm' }
const SYSTEM = { template: 'fedora-42' }

const QUBES: readonly Sketch[] = [
  { name: 'dom0', class: 'AdminVM', label: 'black', running: true },
  {
    name: 'fedora-42',
    class: 'TemplateVM',
    label: 'black',
    features: { os: 'Linux', qrexec: '1', gui: '1' },
  },
  {
    name: 'sys-net',
    class: 'AppVM',
    label: 'red',
    running: true,
    features: { servicevm: '1' },
    properties: { ...SYSTEM, netvm: '', provides_network: 'True' },
  },
  {
    name: 'sys-firewall',
    class: 'AppVM',
    label: 'green',
    running: true,
    features: { servicevm: '1' },
    properties: { ...SYSTEM, netvm: 'sys-net', provides_network: 'True' },
  },
  {
    name: 'sys-usb',
    class: 'AppVM',
    label: 'red',
    running: true,
    features: { servicevm: '1' },
    properties: { ...SYSTEM, netvm: '' },
  },
  {
    name: 'sys-audio',
    class: 'AppVM',
    label: 'yellow',
    running: true,
    features: { servicevm: '1' },
    properties: { ...SYSTEM, netvm: '' },
  },
  { name: 'mgmt', class: 'AppVM', label: 'black', properties: { ...SYSTEM, netvm: '' } },
  {
    name: 'win7-oem',
    class: 'StandaloneVM',
    label: 'orange',
    tags: ['windows'],
    features: { os: 'Windows' },
    properties: { ...WINDOWS, netvm: '' },
  },
  {
    name: 'win10-work',
    class: 'StandaloneVM',
    label: 'blue',
    running: true,
    tools: true,
    tags: ['windows', 'work'],
    features: { os: 'Windows', 'stubdom-qrexec': '1', 'audio-model': 'ich6', qrexec: '1', gui: '1' },
    properties: { ...WINDOWS, memory: '8192', qrexec_timeout: '6000' },
  },
  {
    name: 'win10-home',
    class: 'StandaloneVM',
    label: 'green',
    tags: ['windows'],
    features: { os: 'Windows', 'audio-model': '' },
    properties: WINDOWS,
  },
  {
    name: 'win11-template',
    class: 'TemplateVM',
    label: 'orange',
    tools: true,
    tags: ['windows'],
    features: { os: 'Windows', 'stubdom-qrexec': '1', 'audio-model': 'ich6', qrexec: '1', uefi: '1' },
    properties: { ...WINDOWS, memory: '8192', qrexec_timeout: '6000' },
  },
  {
    name: 'win11-office',
    class: 'AppVM',
    label: 'blue',
    tags: ['windows', 'work'],
    properties: { template: 'win11-template' },
  },
  {
    name: 'win11-untrusted',
    class: 'AppVM',
    label: 'red',
    tags: ['windows'],
    properties: { template: 'win11-template' },
  },
  {
    name: 'live-linux',
    class: 'StandaloneVM',
    label: 'purple',
    properties: { kernel: '', virt_mode: 'hvm', memory: '2048' },
  },
]

function toFixture(sketch: Sketch, qid: number): QubeFixture {
  const uuid = `00000000-0000-${qid === 0 ? '0000-0000' : '4000-8000'}-${String(qid).padStart(12, '0')}`
  const state: PowerState = sketch.running ? 'Running' : 'Halted'
  const served = qid === 0 ? [] : ['audiovm-dom0', 'guivm-dom0']
  const identity = qid === 0 ? {} : { name: sketch.name, qid: String(qid), uuid }
  return {
    name: sketch.name,
    class: sketch.class,
    state,
    uuid,
    tags: [...served, ...(sketch.tags ?? [])],
    features: sketch.features ?? {},
    properties: { label: sketch.label, ...identity, ...sketch.properties },
    ...(sketch.tools ? { tools: true } : {}),
  }
}

const DEVICES: readonly UsbFixture[] = [
  {
    port: '2-1',
    vendor_product: '046d:0843',
    serial: 'CAM00001',
    interfaces: ['0e0100', '0e0200', '010100'],
    vendor: 'Logitech, Inc.',
    product: 'Webcam C930e',
    manufacturer: 'Logitech',
    name: 'CAM00001',
  },
  {
    port: '2-2.1',
    vendor_product: '0b0e:0300',
    serial: 'HEAD0002',
    interfaces: ['010100', '010200', '030000'],
    vendor: 'GN Netcom',
    product: 'Jabra EVOLVE 20 MS',
    manufacturer: 'GN_Netcom',
    name: 'HEAD0002',
  },
  {
    port: '3-1',
    vendor_product: '0781:5581',
    serial: 'STICK0003',
    interfaces: ['080650'],
    vendor: 'SanDisk Corp.',
    product: 'Ultra',
    manufacturer: 'SanDisk',
    name: 'STICK0003',
  },
  {
    port: '3-4',
    vendor_product: '1050:0407',
    serial: null,
    interfaces: ['030101', '030000', '0b0000'],
    vendor: 'Yubico.com',
    product: 'Yubikey 4/5 OTP+U2F+CCID',
    manufacturer: 'Yubico',
    name: null,
  },
]
