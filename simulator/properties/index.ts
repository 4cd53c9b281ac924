/**
 * The properties of qubes and of the host: definitions, defaults, setters.
 */
export { type Holder, type PropertyDefinition, restore, sanitize, validateName } from './definition.ts'
export { POOLS } from './host-properties.ts'
export { connected, setNetvm } from './network-properties.ts'
export {
  defaultOf,
  definition,
  definitions,
  describe,
  inheritedFeature,
  isDefault,
  read,
  readQube,
  resetProperty,
  setProperty,
  templateOf,
} from './properties.ts'
export { splitInterfaces } from './setters.ts'
