import {
  askDocument,
  hostPlanDocument,
  type HostReport,
  hostReportDocument,
  leaseDocument,
  orderDocument,
  rolloutConsentDocument,
  rolloutStateDocument,
} from '../../documents/fleet/index.ts'
import { checkDocument, damagedDocument, type Document, type Parsed } from '../../documents/read/index.ts'
import { type Result } from '../../spec/diagnostics/index.ts'
import { type Entry, hostOf, KEYS } from './store.ts'

/** How much is read of a key at most: whoever may write one of them is not trusted with the memory of all. */
export function maxBytesOf(key: string): number {
  const document = DOCUMENTS[key.slice(0, key.indexOf('/') + 1) || key]
  return (document ?? rolloutStateDocument).maxBytes
}

const DOCUMENTS: Readonly<Record<string, Document<unknown>>> = {
  [KEYS.leader]: leaseDocument,
  [KEYS.rollout]: rolloutStateDocument,
  [KEYS.history]: rolloutStateDocument,
  [KEYS.orders]: orderDocument,
  [KEYS.reports]: hostReportDocument,
  [KEYS.asks]: askDocument,
  [KEYS.plans]: hostPlanDocument,
  [KEYS.consents]: rolloutConsentDocument,
}

/** The document of an entry, or why it cannot be read. */
export const readEntry = <T>(document: Document<T>, { key, value, fault }: Entry): Result<T> =>
  fault === undefined ? checkDocument(document, value, key) : damagedDocument(document, key, fault)

/** What was parsed, as an entry has it. */
export const parsedValue = (parsed: Parsed): Pick<Entry, 'value' | 'fault'> =>
  'fault' in parsed ? { value: null, fault: parsed.fault } : { value: parsed.json }

/** The report of an entry, if it is that host’s own. Hosts are not believed more than their reports’ shape. */
export function readReport(entry: Entry): Result<HostReport> {
  const read = readEntry(hostReportDocument, entry)
  if (!read.ok) return read
  const { host, unseenSince = null } = read.value
  return host === hostOf(entry.key)
    ? { ok: true, value: { ...read.value, unseenSince } }
    : damagedDocument(hostReportDocument, entry.key, 'it is of another host')
}

/** The document of an entry; null: there is none, or none that can be read. */
export const documentIn = <T>(document: Document<T>, entry: Entry | null | undefined): T | null =>
  valueOf(entry, (there) => readEntry(document, there))

export const reportIn = (entry: Entry | null | undefined): HostReport | null => valueOf(entry, readReport)

function valueOf<T>(entry: Entry | null | undefined, read: (entry: Entry) => Result<T>): T | null {
  if (entry === null || entry === undefined) return null
  const result = read(entry)
  return result.ok ? result.value : null
}
