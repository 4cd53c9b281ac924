import { tagRemove, tagSet } from '../qubesd/index.ts'
import { type Provider } from '../reconciler/index.ts'

const nameOf = (path: string): string => path.slice('tags/'.length)

export const tags: Provider = {
  area: 'tags',
  need: (path) => ({ kind: 'tag', name: nameOf(path) }),
  decode: (path, reading) => reading.tag(nameOf(path)),
  normalize: (_, value) => value,
  calls: ({ qube, path, after }) => [
    after === null ? tagRemove(qube, nameOf(path)) : tagSet(qube, nameOf(path)),
  ],
  effect: () => 'now',
}
