import { type Area } from '../spec/index.ts'
import { type Provider, type Providers } from '../reconciler/index.ts'
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

export { qubesHost, type QubesHostOptions } from './host.ts'
export { recordedHost } from './recorded/host.ts'
export { type HostState, readHostState } from './recorded/model.ts'
export { recordHost } from './recorded/record.ts'
export { slicFiles } from './slic/files.ts'
export { slicService } from './slic/service.ts'
export { type SlicStore } from './slic/store.ts'
