import * as Type from 'typebox'
import { type Static, type TProperties, type TSchema } from 'typebox'

/**
 * How a document is written down: one table, of which its JSON Schema, its parser and its TypeScript type are made. Tables are
 * run when the checkout is made ready (scripts/generate-validator.mjs) and by `qstate schema`; what reads a document loads none.
 */
export interface Table<S extends TSchema> extends About {
  /** What the document says in its key `schema`. */
  readonly id: string
  readonly version: number
  readonly schema: S
}

interface About {
  /** As messages name it: `no saved plan`. */
  readonly title: string
  /** No larger text is read as one. */
  readonly maxBytes: number
  /** What to do about one that cannot be read. */
  readonly hint: string
}

/** A type of plain JSON, of which nothing is changed in place. */
export type Frozen<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer I)[]
    ? readonly Frozen<I>[]
    : { readonly [K in keyof T]: Frozen<T[K]> }

export type DocumentOf<T extends Table<TSchema>> = Frozen<Static<T['schema']>>

/** Whether a type of the core, and a document that is written down here once more, are one. */
export type Same<A, B> = Equal<Frozen<A>, Frozen<B>>

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the one way to tell optional keys, too
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Does not compile where it does not hold. */
export type Holds<T extends true> = T

export const KIB = 1024
export const MIB = 1024 * KIB

// To TypeBox an interface is no map of properties.
type Header<Id extends string, V extends number> = { schema: Type.TLiteral<Id>; version: Type.TLiteral<V> }

const header = <Id extends string, V extends number>(id: Id, version: V): Header<Id, V> => ({
  schema: Type.Literal(id, { description: 'What this document is.' }),
  version: Type.Literal(version, {
    description: 'Versions that are not read by each other have other numbers.',
  }),
})

/** A document that says what it is, and of which version. Keys that are not in the table are left alone: later qstates add some. */
export function table<Id extends string, P extends TProperties, V extends number = 1>(
  id: Id,
  description: string,
  about: About,
  properties: P,
  version: V = 1 as V,
): Table<Type.TObject<Header<Id, V> & P>> {
  return made(id, version, description, about, Type.Object({ ...header(id, version), ...properties }))
}

/** One that did not say so in earlier versions, and may lie on hosts. */
export function unmarkedTable<Id extends string, P extends TProperties>(
  id: Id,
  description: string,
  about: About,
  properties: P,
): Table<
  Type.TObject<
    { schema: Type.TOptional<Header<Id, 1>['schema']>; version: Type.TOptional<Header<Id, 1>['version']> } & P
  >
> {
  const { schema, version } = header(id, 1)
  const marks = { schema: Type.Optional(schema), version: Type.Optional(version) }
  return made(id, 1, description, about, Type.Object({ ...marks, ...properties }))
}

const made = <S extends TSchema>(
  id: string,
  version: number,
  description: string,
  about: About,
  schema: S,
): Table<S> => ({
  id,
  version,
  ...about,
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:${id.replace('.', ':document:')}:v${version}`,
    title: about.title,
    description,
    ...schema,
  },
})

/** A document inside another. */
export const embedded = <S extends TSchema>({ schema }: Table<S>): Type.TUnsafe<Static<S>> =>
  Type.Unsafe(Object.fromEntries(Object.entries(schema).filter(([key]) => !OF_A_WHOLE.has(key))))

const OF_A_WHOLE: ReadonlySet<string> = new Set(['$schema', '$id', 'title'])
