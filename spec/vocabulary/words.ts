/**
 * The words that stand for no text in a manifest, and texts that are easily taken for something else.
 */
export const OFF = 'off'
export const INHERIT = 'inherit'
/** Drops what a profile or a selector said: qstate leaves the path alone. */
export const UNMANAGED = 'unmanaged'

export const FORMS: readonly string[] = [OFF, INHERIT, UNMANAGED]

export const MODES = ['auto-attach', 'ask-to-attach', 'required'] as const

/** Printable ASCII, the one alphabet of feature and property values. */
export const PRINTABLE = /^[\x20-\x7e]*$/

export const MAX_TEXT = 4096

/** Plain text that YAML 1.1, or a person, takes for a truth value. */
export const TRUTH_LIKE = /^(?:y|n|yes|no|on|off|true|false)$/i

/** Plain text that YAML 1.1, or a person, takes for a number or a date: 1_000, 0b1, 12:30, 2024-01-31. */
export const NUMBER_LIKE =
  /^[-+]?(?:[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?|0b[01_]+|[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?)$/

/** A number that means the same to every reader: decimal, and nothing lost. */
export function isPlainNumber({
  value,
  source,
}: {
  readonly value: number
  readonly source: string
}): boolean {
  return String(value) === source && (!Number.isInteger(value) || Number.isSafeInteger(value))
}

export const RESTART_WORDS = ['never', 'ask', 'idle-halted', 'now'] as const

export const ABSENT = 'absent'

/** Classes of qubes that can be created from a spec. */
export const CREATABLE = ['StandaloneVM', 'AppVM', 'TemplateVM'] as const

/** A size of a volume; no more digits than keep its bytes exact. */
export const SIZE = /^([1-9][0-9]{0,5}) ?(MiB|GiB)$/

/** What qubesd takes for the name of a label. Digits alone are the number of one. */
export const LABEL = /^(?![0-9]+$)[A-Za-z0-9_.-]{1,255}$/

/** Local times of the day, from and to; over midnight if the second is the smaller. */
export const WINDOW = /^(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:[01][0-9]|2[0-3]):[0-5][0-9]$/
