/** A span of time: digits and a unit. */
export const DURATION = /^([0-9]{1,5})([smhd])$/

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `30m`; null of what is no span. */
export function durationMs(text: string): number | null {
  const [, digits, unit] = DURATION.exec(text) ?? []
  return digits === undefined ? null : Number(digits) * (UNIT_MS[unit ?? ''] ?? 0)
}
