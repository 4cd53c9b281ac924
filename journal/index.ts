/**
 * What a run keeps on this machine's disk: one lock a host, a generation for every apply, the mark of one that is not confirmed, and a
 * receipt for every qube. What qstate
 * owns stands on the qubes; receipts prove that it was written from here, and without them each qube waits for `adopt`.
 * Generations can be thrown away, and take only the history with them.
 */
export { readBaseline, writeBaseline } from './baseline.ts'
export { bootId, secondsSinceBoot } from './boot.ts'
export { makeFolder, writeDurably } from './files.ts'
export {
  type Generation,
  generationJournal,
  isFinished,
  numbers,
  readGeneration,
  type RunKind,
} from './generations.ts'
export { lockHolder, takeLock } from './lock.ts'
export { fileReceipts, hasReceipt } from './receipts.ts'
export { safeFolder } from './state-folder.ts'
export {
  claimMark,
  finishRevert,
  forgetReverted,
  type Mark,
  type MarkContent,
  readMark,
  readReverted,
  writeMark,
} from './unconfirmed.ts'
