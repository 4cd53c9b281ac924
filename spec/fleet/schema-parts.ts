import { mapOf, named, object, type Schema, text, union } from '../schema/index.ts'
import { HOST_NAME, OWN_NAME } from '../vocabulary/index.ts'

/** Part of the hosts meant, rounded so that it is the cautious one. */
export const PERCENT = /^(?:100|[1-9]?[0-9])%$/

export const count = (expected: string, minimum: number, description: string): Schema => ({
  type: 'integer',
  minimum,
  maximum: 1_000_000,
  'x-expected': expected,
  description,
})

/** A number of hosts, or a part of them. */
export const amount = (minimum: number, description: string): Schema =>
  union(
    'a number of hosts or a percentage such as 10%',
    [
      { type: 'integer', minimum, maximum: 1_000_000 },
      { type: 'string', pattern: PERCENT.source },
    ],
    { description },
  )

export const labels = named(
  'label',
  OWN_NAME,
  mapOf('a map of labels to their texts', text('a text', { minLength: 1, maxLength: 63 })),
)

export const match = object(
  'a map with at least one of labels, name, group',
  {
    labels: { ...labels, minProperties: 1, description: 'All of these labels.' },
    name: text('a name in which * stands for any text and ? for one character', {
      pattern: '^[A-Za-z0-9_*?-]{1,63}$',
    }),
    group: text('the name of a group', { pattern: OWN_NAME.source }),
  },
  { minProperties: 1, description: 'Which hosts are meant: all conditions given must hold.' },
)

export const hostNames = (description: string): Schema => ({
  type: 'array',
  minItems: 1,
  'x-expected': 'a list of host names',
  items: text('the name of a host', { pattern: HOST_NAME.source }),
  description,
})
