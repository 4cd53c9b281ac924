/**
 * YAML text → nodes with their places. A fast reader for sound files, a full one that finds every fault.
 * It does not know what the nodes mean.
 */
export { readYaml } from './documents.ts'
export {
  describe,
  type Entry,
  follow,
  get,
  partOf,
  plainValue,
  type Written,
  writtenFrom,
  type WrittenMap,
  type WrittenNumber,
  type WrittenText,
} from './node.ts'
