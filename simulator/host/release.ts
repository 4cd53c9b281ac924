/** The releases of qubesd whose answers differ. 4.4 is its development version. */
export type Release = '4.2' | '4.3' | '4.4'

export const RELEASES: readonly Release[] = ['4.2', '4.3', '4.4']

export function isRelease(value: unknown): value is Release {
  return RELEASES.some((release) => release === value)
}

export function atLeast(release: Release, since: Release): boolean {
  return RELEASES.indexOf(release) >= RELEASES.indexOf(since)
}
