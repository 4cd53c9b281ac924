import { durationMs } from '../vocabulary/index.ts'
import { type Written } from '../yaml/index.ts'

/** Readers of what the schema has seen already: what it refused reads as if it were not there. */
export const textOf = (written: Written | undefined): string | null =>
  written?.kind === 'text' ? written.value : null

export const numberOf = (written: Written | undefined): number | null =>
  written?.kind === 'number' && Number.isSafeInteger(written.value) ? written.value : null

export const itemsOf = (written: Written | undefined): readonly Written[] =>
  written?.kind === 'list' ? written.items : []

export const textsOf = (written: Written | undefined): readonly string[] =>
  itemsOf(written).flatMap((item) => textOf(item) ?? [])

export function entriesOf(written: Written | undefined): ReadonlyMap<string, Written> {
  const entries = written?.kind === 'map' ? [...written.entries] : []
  return new Map(entries.map(([key, { value }]) => [key, value]))
}

/** Milliseconds of `30m`. */
export const durationOf = (written: Written | undefined): number | null => durationMs(textOf(written) ?? '')
