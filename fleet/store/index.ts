/**
 * The store of a fleet: compare-and-set documents by key, in a folder or on servers.
 */
export { type Key, makeKey, readKey } from './keys.ts'
export { localStore } from './local-store.ts'
export { documentIn, maxBytesOf, parsedValue, readEntry, readReport, reportIn } from './read.ts'
export { type Entry, hostOf, KEYS, type MemberStore, type Store } from './store.ts'
export { type Clock, makeWaker } from './waker.ts'
