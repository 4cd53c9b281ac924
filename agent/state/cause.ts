import { RECORD_FEATURE, SETTING_BY_PATH } from '../../spec/index.ts'

/** How a setting of a qube came to be looked at. */
export type NoticedBy = (qube: string, path: string) => string

/**
 * How a changed setting came to be noticed: the event that tells of it among those that came, else all of them. Who did it
 * qubesd does not tell.
 */
export function noticedIn(events: ReadonlySet<string>, path: string): string {
  const all = [...events]
  const own = all.find((event) => tellsOf(event, path))
  // That a record was written is what every run does besides.
  const others = all.filter((event) => !event.endsWith(`:${RECORD_FEATURE}`))
  return own ?? (others.length > 0 ? others : all).slice(0, 3).join(', ')
}

function tellsOf(event: string, path: string): boolean {
  if (path.startsWith('usb/denied/')) return event.endsWith(':devices_denied')
  if (path.startsWith('usb/')) return event.startsWith('device-')
  const name = SETTING_BY_PATH.get(path)?.name ?? path.slice(path.lastIndexOf('/') + 1)
  return event.endsWith(`:${name}`)
}
