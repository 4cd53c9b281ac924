import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Host, type Qube } from '../host/index.ts'
import { inheritedFeature, read } from '../properties/index.ts'

/** What libvirt says when it does not start a qube. No recording has its own words; these are of its source. */
export class LibvirtError extends Error {}

// Those that its driver for Xen can give a qube, and those that it knows beside them.
const SOUND_OF_XEN = ['sb16', 'es1370', 'ac97', 'ich6']
const OTHER_SOUND = ['pcspk', 'ich7', 'ich9', 'usb']

export function refuseAsLibvirt(host: Host, qube: Qube): void {
  refuseSound(host, qube)
  refuseMissingTable(host, qube)
  const reason = host.startErrors.get(qube.name)
  if (reason !== undefined) throw new LibvirtError(reason)
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

/** Xen reads the ACPI tables of a template of the qube's own when it starts the qube; why it failed is in its log. */
function refuseMissingTable(host: Host, qube: Qube): void {
  const files = host.dom0Files
  if (files === undefined || read(host, qube, 'virt_mode') !== 'hvm') return
  const template = ['etc', 'usr/share']
    .map((folder) => join(files, folder, 'qubes/templates/libvirt/xen/by-name', `${qube.name}.xml`))
    .find((file) => existsSync(file))
  const named =
    template && /<table type=['"]slic['"]>([^<]*)<\/table>/.exec(readFileSync(template, 'utf8'))?.[1]
  if (named === undefined || existsSync(join(files, named))) return
  throw new LibvirtError(`internal error: libxenlight failed to create new domain '${qube.name}'`)
}
