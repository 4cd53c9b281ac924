import { Failure, fire, firePre, type Host, type Qube } from '../host/index.ts'

/** Sets a feature. One that is there keeps its place in the list. */
export function setFeature(host: Host, qube: Qube, name: string, value: string): void {
  const old = qube.features.get(name)
  const fields = { feature: name, value, ...(old === undefined ? {} : { oldvalue: old }) }
  firePre(host, qube, `domain-feature-pre-set:${name}`, fields)
  qube.features.set(name, value)
  fire(host, qube, `domain-feature-set:${name}`, fields)
}

/** Removes a feature; the first event is sent even if there is nothing to remove. */
export function removeFeature(host: Host, qube: Qube, name: string): void {
  firePre(host, qube, `domain-feature-pre-delete:${name}`, { feature: name })
  if (!qube.features.delete(name)) throw featureNotFound(qube, name)
  fire(host, qube, `domain-feature-delete:${name}`, { feature: name })
}

export function featureNotFound(qube: Qube, name: string): Failure {
  return new Failure('QubesFeatureNotFoundError', `Feature not set for domain ${qube.name}: ${name}`)
}
