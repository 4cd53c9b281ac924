/** What the agent makes of an event of the host: the qubes to look at again, all of them, or nothing. */
export type Concern = { readonly kind: 'qube'; readonly qube: string } | { readonly kind: 'all' } | null

/** An event of `admin.Events`, as far as it matters here. */
export interface HostEvent {
  readonly subject: string
  readonly name: string
  readonly fields: Readonly<Record<string, string>>
}

/** Which qubes a configuration is about. */
export interface Scope {
  /** Named by it, found by its selectors, or holding something of it. */
  readonly known: ReadonlySet<string>
  /** Whether any qube may be one of them, until a comparison has told. */
  readonly any: boolean
  /** Whether a qube that is not known yet may come to be meant: by a selector, or by the configuration's name. */
  readonly open: boolean
}

/** A value was set, on any release. `pre` events announce what may yet be refused, and are not news. */
const VALUE =
  /^(?:domain-feature-(?:set|delete)|property-(?:set|reset|del)|domain-tag-(?:add|delete)|device-(?:assign|unassign|assignment-changed|attach|detach)):/

/** What waits for a restart may count now. */
const LIFE = /^domain-(?:start|shutdown)$/

const OTHER_DEVICE = /^device-[a-z-]+:(?!usb$)/

/** Looks at names only: what is there now is read, never taken from an event. */
export function concernOf(event: HostEvent, { known, any, open }: Scope): Concern {
  const { subject, name, fields } = event
  if (name === 'domain-add' || name === 'domain-delete')
    return open || known.has(fields['vm'] ?? '') ? { kind: 'all' } : null
  if (subject === '' || OTHER_DEVICE.test(name)) return null
  if (any || known.has(subject))
    return VALUE.test(name) || LIFE.test(name) ? { kind: 'qube', qube: subject } : null
  // A tag, or the record of a restored qube, may make it one of ours.
  const joins = name.startsWith('domain-tag-') || name === 'domain-feature-set:qstate.applied'
  return open && joins ? { kind: 'all' } : null
}
