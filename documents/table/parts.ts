import * as Type from 'typebox'
import { type Static, type TSchema, type TUnsafe } from 'typebox'
import { type Code, type SourceRange } from '../../spec/diagnostics/index.ts'
import { QUBES_VERSIONS } from '../../reconciler/index.ts'
import { MODES, QUBE_NAME, RESTART_WORDS, WINDOW } from '../../spec/vocabulary/index.ts'

/** Parts that tables share. A key is described by `about`, which goes around the part and inside of `Type.Optional`. */
export const about = <S extends TSchema>(description: string, schema: S): S => ({ ...schema, description })

/** A part, or null: in one type where that can be, so that a fault inside of it is named as that. */
export function orNull<S extends TSchema>(schema: S): TUnsafe<Static<S> | null> {
  const { type, enum: list, anyOf, ...rest } = schema as S & Partial<Branches>
  if (anyOf !== undefined) return Type.Unsafe({ ...rest, anyOf: [...anyOf, { type: 'null' }] })
  const all = list === undefined ? {} : { enum: [...list, null] }
  return Type.Unsafe({ ...rest, type: [type, 'null'], ...all })
}

interface Branches {
  readonly type: string
  readonly enum: readonly string[]
  readonly anyOf: readonly object[]
}

export const words = <const W extends readonly string[]>(...list: W): TUnsafe<W[number]> =>
  Type.Unsafe({ type: 'string', enum: list })

/** A map whose keys are names. */
export const mapOf = <S extends TSchema>(values: S, names?: RegExp): TUnsafe<Record<string, Static<S>>> =>
  Type.Unsafe({
    type: 'object',
    ...(names === undefined ? {} : { propertyNames: { pattern: names.source } }),
    additionalProperties: values,
  })

/** For people: lines of text, in which nothing moves a cursor. */
export const text = Type.String({ pattern: '^[^\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f]*$' })

/** One line of it. */
export const line = Type.String({ pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]*$' })

/** ISO 8601 in UTC, as `Date` writes it. */
export const time = Type.String({
  pattern:
    '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?Z$',
})

export const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** In full. */
export const commit = Type.String({ pattern: '^[0-9a-f]{40,64}$' })

export const qubeName = Type.String({ pattern: QUBE_NAME.source })

export const texts = Type.Array(text)

/** A line of the spec. The texts in it are of one kind. */
export const rangeOf = (told: Type.TString): TUnsafe<SourceRange> => {
  const place = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
  return Type.Unsafe(Type.Object({ file: told, line: place, column: place, length: place }))
}

// To TypeBox an interface is no map of properties.
type ProblemProperties = {
  code: TUnsafe<Code>
  message: Type.TString
  hint: Type.TString
  at: Type.TOptional<TUnsafe<SourceRange>>
}

/** What went wrong, and what to do. A code that this version does not know has been replaced (`earlier.ts`). */
export const problemOf = (told: Type.TString): ProblemProperties => ({
  code: about('A stable word, as docs/troubleshooting.md explains it.', Type.Unsafe<Code>(Type.String())),
  message: told,
  hint: told,
  at: Type.Optional(about('The line of the spec that it stems from.', rangeOf(told))),
})

export const value = Type.Union([
  Type.String(),
  Type.Number(),
  Type.Boolean(),
  Type.Array(Type.String()),
  Type.Object({ mode: words(...MODES), options: Type.Optional(mapOf(Type.String())) }),
])

/** A setting that is absent is inherited, at its default, not assigned, or not tagged. */
export const valueOrAbsent = orNull(value)

export const restartPolicy = Type.Union([
  words(...RESTART_WORDS),
  Type.Object({
    window: about('Local times of the day, from and to.', Type.String({ pattern: WINDOW.source })),
  }),
])

export const qubesVersion = words(...QUBES_VERSIONS)
