import { type Provider, type Providers } from '../reconciler/index.ts'
import { type Area } from '../spec/index.ts'
import { audio } from './audio.ts'
import { qube } from './qube.ts'
import { slic } from './slic/index.ts'
import { stubdom } from './stubdom.ts'
import { tags } from './tags.ts'
import { usb } from './usb.ts'

/** One line an area. */
export const providers: Providers = new Map<Area, Provider>(
  [slic, audio, stubdom, usb, qube, tags].map((provider) => [provider.area, provider]),
)

export {
  EDITED,
  foreign,
  MAX_TEXT,
  missingTable,
  OUTDATED,
  PARENTS,
  readTemplate,
  renderTemplate,
  sha256,
  SLIC_GET,
  SLIC_LIST,
  SLIC_REMOVE,
  SLIC_SET,
  type SlicStore,
  type Tables,
  type Template,
  templateName,
  unavailableTable,
  unusableTable,
} from './slic/index.ts'
export { attachCall, detachCall } from './usb.ts'
