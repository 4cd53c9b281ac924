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

export { asHostError } from './failures.ts'
export { qubesHost } from './host.ts'
export { readAllProperties, readProperties, type ToldProperty } from './properties.ts'
export { readHostState, recordedHost, recordHost } from './recorded/index.ts'
export {
  readTemplate,
  SLIC_GET,
  SLIC_LIST,
  slicFiles,
  slicService,
  type SlicStore,
  tableProblem,
} from './slic/index.ts'
