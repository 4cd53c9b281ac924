import { type Change } from './plan.ts'

/**
 * What makes a qube of use to values that name it. qubesd takes such a value (`netvm`, `default_dispvm`) only once the property
 * is on, and turns it off only once no value names the qube: so these are turned on first and off last, on one qube and between all.
 */
export const OFFERS: readonly string[] = [
  'qube/properties/provides_network',
  'qube/properties/template_for_dispvms',
]

type Named = Pick<Change, 'path' | 'after'>

export const makesOffer = ({ path, after }: Named): boolean => OFFERS.includes(path) && after === 'True'

export const withdrawsOffer = ({ path, after }: Named): boolean => OFFERS.includes(path) && after !== 'True'
