import * as Type from 'typebox'
import { type TSchema } from 'typebox'
import { MODES } from '../../spec/vocabulary/index.ts'
import {
  about,
  count,
  type DocumentOf,
  mapOf,
  MIB,
  orNull,
  problemOf,
  qubesVersion,
  table,
  time,
  words,
} from '../table/index.ts'

const problem = Type.Object(problemOf(Type.String()))

const unknown = Type.Object({ status: words('unknown'), problem })

/** What looking found. */
const observed = <S extends TSchema>(
  value: S,
): Type.TUnion<[Type.TObject<Present<S>>, typeof ABSENT, typeof unknown]> =>
  Type.Union([Type.Object({ status: words('present'), value }), ABSENT, unknown])

const ABSENT = Type.Object({ status: words('absent') })

// To TypeBox an interface is no map of properties.
type Present<S> = { status: Type.TUnsafe<'present'>; value: S }

const names = Type.Array(Type.String())

const property = Type.Union([Type.Object({ value: Type.String(), isDefault: Type.Boolean() }), unknown])

const assignment = Type.Object({
  backend: Type.String(),
  port: Type.String(),
  identity: Type.String(),
  mode: words(...MODES),
  options: Type.Optional(mapOf(Type.String())),
})

const orphan = Type.Object({ qube: Type.String(), path: Type.String() })

const qube = Type.Object({
  name: Type.String(),
  klass: Type.String(),
  state: Type.String(),
  uuid: orNull(Type.String()),
  features: observed(mapOf(Type.Union([Type.String(), unknown]))),
  properties: observed(mapOf(property)),
  tags: observed(names),
  usb: observed(Type.Array(assignment)),
  denied: observed(names),
  slic: observed(names),
  volumes: about('Bytes, where they could be read.', mapOf(count)),
})

export const snapshotTable = table(
  'qstate.host-state',
  'A host as it was at one time: all that a spec could ask about, so that plans can be made where the host is not.',
  { title: 'recorded host', maxBytes: 64 * MIB, hint: 'make one with `qstate record -o FILE`' },
  {
    recordedAt: time,
    where: Type.String(),
    release: qubesVersion,
    exactRelease: about('The version with 4.3 and 4.4 told apart, as far as it could be.', qubesVersion),
    qubes: Type.Array(qube),
    tables: about(
      'Tables of the host that cannot be given to a qube, and why; null for those that can.',
      mapOf(orNull(problem)),
    ),
    templates: about('Files of qstate in dom0.', observed(Type.Array(orphan))),
    labels: Type.Optional(about('Names of labels. Earlier versions did not record them.', observed(names))),
    kernels: Type.Optional(about('Names of kernels. Earlier versions did not record them.', observed(names))),
  },
)

export type HostSnapshot = DocumentOf<typeof snapshotTable>
