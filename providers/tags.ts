import { tagRemove, tagSet } from '../qubesd/calls.ts'
import { type Provider } from '../reconciler/index.ts'

const nameOf = (path: string): string => path.slice('tags/'.length)

export const tags: Provider = {
  area: 'tags',
  needs: (paths) => ({
    features: [],
    properties: [],
    tags: paths.map(nameOf),
    usb: false,
    denied: false,
    slic: false,
  }),
  decode: (path, reading) => reading.tag(nameOf(path)),
  normalize: (_, value) => value,
  calls: ({ qube, path, after }) => [
    after === null ? tagRemove(qube, nameOf(path)) : tagSet(qube, nameOf(path)),
  ],
  effect: () => 'now',
}
