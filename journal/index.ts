/**
 * What a run keeps on this machine's disk: one lock a host, and a generation for every apply. Nothing here is needed
 * to know what qstate owns, since that stands on the qubes; it can be thrown away, and takes only the history with it.
 */
export { makeFolder, writeDurably } from './files.ts'
export {
  type Generation,
  generationJournal,
  isComplete,
  isFinished,
  numbers,
  readGeneration,
  type RunKind,
} from './generations.ts'
export { lockHolder, takeLock } from './lock.ts'
export { safeFolder } from './state-folder.ts'
