import { type Provider } from '../reconciler/index.ts'
import { type Area } from '../spec/index.ts'
import {
  decodeStored,
  featureOf,
  inheritedOf,
  normalizeStored,
  type Stored,
  storedAt,
  storedCalls,
} from './values.ts'

/** A provider whose settings are all one feature or one property each. Areas differ in effect and remarks. */
export function storedProvider(
  area: Area,
  differs: Pick<Provider, 'effect'> & Partial<Pick<Provider, 'demand' | 'remark' | 'haltedOnly'>>,
): Provider {
  const at = (path: string): Stored => {
    const stored = storedAt(path)
    if (stored === undefined) throw new Error(`${path} is no setting of ${area}`)
    return stored
  }
  return {
    area,
    need(path) {
      const { store, name } = at(path)
      return { kind: store, name }
    },
    decode: (path, reading) => decodeStored(at(path), reading),
    normalize: (path, value) => (typeof value === 'string' ? normalizeStored(at(path), value) : value),
    calls: (change) => storedCalls(at(change.path), change),
    inherited: (path, peek) => inheritedOf(at(path), peek),
    inheritedFeature: (path) => featureOf(at(path)),
    ...differs,
  }
}
