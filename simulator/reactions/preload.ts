import { BEHAVIOUR, type Host, type HostEvent, type Qube, type Reaction, valueError } from '../host/index.ts'
import { inheritedFeature, read, readQube, templateOf } from '../properties/index.ts'
import { removeFeature, setFeature } from './features.ts'

/** Disposables that are kept ready: how many, and which settings say so. Making them is a matter of requests. */

export const canHaveDisposables = (qube: Qube): boolean =>
  qube.klass === 'AppVM' || qube.klass === 'StandaloneVM'

export function preloaded(template: Qube): string[] {
  return (template.features.get('preload-dispvm') ?? '').split(' ').filter((name) => name !== '')
}

/** dom0 has a number for the disposable template of the host, which goes before that qube's own. */
export function preloadLimit(host: Host, template: Qube): number {
  const isDefault = readQube(host, null, 'default_dispvm') === template
  const global = isDefault ? host.qubes.get('dom0')?.features.get('preload-dispvm-max') : undefined
  return Number(global ?? template.features.get('preload-dispvm-max') ?? 0)
}

/** What a qube lacks to be kept ready, as the daemon words it: services that its agent has to announce. */
export function missingServices(host: Host, template: Qube): string | undefined {
  const needed = BEHAVIOUR[host.release].preloadServices
  const missing = needed.filter((service) => !inheritedFeature(host, template, `supported-rpc.${service}`))
  if (missing.length === 0) return undefined
  return `Qube does not support the RPC${needed.length > 1 ? '(s)' : ''} '${missing.join(', ')}'`
}

export const reactToPreload: Reaction = (host, event) => {
  const qube = event.subject
  if (qube?.klass === 'DispVM' && event.name === 'domain-unpaused') markUsed(host, qube)
  if (qube === null || (qube.klass !== 'AdminVM' && !canHaveDisposables(qube))) return
  switch (event.name) {
    case 'domain-feature-pre-set:preload-dispvm-max': {
      checkLimit(host, qube, event)
      return
    }
    case 'domain-feature-pre-set:preload-dispvm-delay': {
      checkDelay(event)
      return
    }
    case 'domain-feature-pre-set:preload-dispvm-threshold': {
      if (qube.klass === 'AdminVM') checkDigits(event, 'preload-dispvm-threshold')
      return
    }
    case 'domain-feature-set:preload-dispvm-max':
    case 'domain-feature-delete:preload-dispvm-max': {
      trim(host, qube.klass === 'AdminVM' ? readQube(host, null, 'default_dispvm') : qube)
      return
    }
    case 'property-pre-set:template':
    case 'property-pre-set:template_for_dispvms':
    case 'property-pre-reset:template_for_dispvms':
      if (read(host, qube, 'template_for_dispvms') !== true || event.fields['newvalue'] === true) return
      if (event.fields['newvalue'] !== event.fields['oldvalue']) empty(host, qube)
  }
}

/** A disposable that is unpaused by hand is no longer ready: it is used. */
function markUsed(host: Host, qube: Qube): void {
  const template = templateOf(host, qube)
  if (!template || read(host, qube, 'is_preload') !== true) return
  if (!template.features.get('internal') && qube.features.has('internal'))
    removeFeature(host, qube, 'internal')
  const others = preloaded(template).filter((name) => name !== qube.name)
  setFeature(host, template, 'preload-dispvm', others.join(' '))
}

function checkLimit(host: Host, qube: Qube, event: HostEvent): void {
  const { value, oldvalue } = event.fields
  const template = qube.klass === 'AdminVM' ? readQube(host, null, 'default_dispvm') : qube
  if (!template || (qube.klass === 'AdminVM' && value === oldvalue)) return
  if (inheritedFeature(host, template, 'qrexec') === undefined)
    throw valueError('Qube does not support qrexec')
  const missing = missingServices(host, template)
  if (missing) throw valueError(missing)
  checkDigits(event, 'preload-dispvm-max')
}

function checkDigits({ fields }: HostEvent, feature: string): void {
  if (!/^[0-9]*$/.test(String(fields['value']))) throw valueError(`Invalid ${feature} value: not a digit`)
}

function checkDelay({ fields: { value, oldvalue } }: HostEvent): void {
  if (
    value === oldvalue ||
    /^\s*([+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?)?\s*$/i.test(String(value))
  )
    return
  throw valueError('Invalid preload-dispvm-delay value: not an integer or float')
}

/** Those beyond the limit leave the list; that they then go is the daemon's work after the request. */
function trim(host: Host, template: Qube | undefined): void {
  if (!template) return
  const ready = preloaded(template)
  const kept = ready.slice(0, preloadLimit(host, template))
  if (kept.length < ready.length) setFeature(host, template, 'preload-dispvm', kept.join(' '))
}

function empty(host: Host, template: Qube): void {
  if (preloaded(template).length > 0) setFeature(host, template, 'preload-dispvm', '')
}
