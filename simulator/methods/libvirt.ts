import { type Host, type Qube } from '../host/index.ts'
import { inheritedFeature, read } from '../properties/index.ts'

/** What libvirt says when it does not start a qube. No recording has its own words; these are of its source. */
export class LibvirtError extends Error {}

// Those that its driver for Xen can give a qube, and those that it knows beside them.
const SOUND_OF_XEN = ['sb16', 'es1370', 'ac97', 'ich6']
const OTHER_SOUND = ['pcspk', 'ich7', 'ich9', 'usb']

export function refuseAsLibvirt(host: Host, qube: Qube): void {
  refuseSound(host, qube)
}

function refuseSound(host: Host, qube: Qube): void {
  const model = inheritedFeature(host, qube, 'audio-model')
  if (!model || read(host, qube, 'virt_mode') !== 'hvm' || SOUND_OF_XEN.includes(model)) return
  throw new LibvirtError(
    OTHER_SOUND.includes(model)
      ? `unsupported configuration: unsupported audio model ${model}`
      : `XML error: Invalid value for attribute 'model' in element 'sound': '${model}'.`,
  )
}
