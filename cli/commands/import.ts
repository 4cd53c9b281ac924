import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { openSession, type Session } from '../../app/host/index.ts'
import {
  type Candidate,
  type ImportedQube,
  modeOf,
  nameDevices,
  readCandidate,
  readQube,
} from '../../app/import/index.ts'
import { providers } from '../../providers/index.ts'
import { mapLimited, observeQube } from '../../reconciler/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { writeManifest, type WrittenManifest } from '../../spec/export/index.ts'
import { comesAndGoes } from '../../spec/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'
import { plural } from '../views/style.ts'
import { writeOut } from '../write-out.ts'
import { findQube } from './show.ts'

export interface ImportOptions extends GlobalOptions {
  /** Also what guest and host keep for themselves. */
  readonly all?: boolean
  readonly out?: string
  readonly force?: boolean
}

const HEADER = [
  'yaml-language-server: $schema=qstate.schema.json',
  'Written by `qstate import`. The schema, for editors: qstate schema > qstate.schema.json',
]

/** Writes what is set on qubes as a spec. Changes nothing on the host. */
export async function importQubes(names: readonly string[], options: ImportOptions, io: Io): Promise<number> {
  const { out } = options
  if (out !== undefined && options.force !== true && existsSync(resolve(io.cwd, out))) throw alreadyThere(out)
  const session = await openSession(options, io)
  const { candidates, unclear } = await choose(names, session, io)
  const qubes = await mapLimited(candidates, 4, (candidate) =>
    readQube(candidate, session, options.all === true),
  )
  const owner = await ownerOf(qubes, session)
  const { yaml, leftOut } = writeManifest({
    header: [...HEADER, ...owner.remarks, ...unclear.map(unclearRemark)],
    name: owner.name,
    qubes,
    devices: await nameDevices(qubes, session, io),
  })
  if (out !== undefined && !writeOut(out, yaml, io, { isNew: options.force !== true }))
    throw alreadyThere(out)
  const all = [...unclear, ...leftOut]
  if (options.json === true) {
    const left_out = all.map(({ qube, path, why }) => ({ qube, path, why }))
    io.out(`${JSON.stringify({ yaml, qubes: qubes.map(({ name }) => name), left_out }, null, 2)}\n`)
  } else if (out === undefined) io.out(yaml)
  tellAbout(qubes, all, options, io)
  return EXIT.done
}

type Left = WrittenManifest['leftOut'][number]

/** The qubes named, or all that run as HVM. Disposables for one use come and go: they are not imported unless named. */
async function choose(
  names: readonly string[],
  session: Session,
  io: Io,
): Promise<{ readonly candidates: readonly Candidate[]; readonly unclear: readonly Left[] }> {
  if (names.length > 0) {
    const qubes = [...new Set(names)].map((name) => findQube(name, session))
    return { candidates: await mapLimited(qubes, 8, (qube) => readCandidate(qube, session)), unclear: [] }
  }
  const qubes = session.qubes.filter(
    ({ klass, name }) => klass !== 'AdminVM' && !comesAndGoes({ klass, name }),
  )
  const all = await mapLimited(qubes, 8, (qube) => readCandidate(qube, session))
  const modes = all.map((candidate) => ({ candidate, mode: modeOf(candidate) }))
  const candidates = modes.flatMap(({ candidate, mode }) =>
    mode.status === 'present' && mode.value === 'hvm' ? [candidate] : [],
  )
  const unclear = modes.flatMap(({ candidate: { qube }, mode }) =>
    mode.status === 'unknown'
      ? [{ qube: qube.name, path: null, value: null, why: `${mode.why} (${mode.hint})` }]
      : [],
  )
  const are = candidates.length === 1 ? 'is' : 'are'
  io.err(`${candidates.length} of ${plural(qubes.length, 'qube')} ${are} HVM\n`)
  return { candidates, unclear }
}

const unclearRemark = ({ qube, why }: Left): string =>
  `${qube} is not here: whether it is HVM cannot be read: ${why}`

/**
 * The configuration that owns something on the qubes already. Under its name a plan would prune that configuration's
 * other qubes, so the name is taken over only where all of them are here.
 */
async function ownerOf(
  qubes: readonly ImportedQube[],
  session: Session,
): Promise<{ readonly name: string | null; readonly remarks: readonly string[] }> {
  const names = [...new Set(qubes.flatMap(({ owner }) => (owner === null ? [] : [owner])))].sort()
  const [name] = names
  if (name === undefined) return { name: null, remarks: [] }
  const here = new Set(qubes.map((qube) => qube.name))
  const others = session.qubes.filter((qube) => qube.klass !== 'AdminVM' && !here.has(qube.name))
  const theirs = await mapLimited(others, 8, async (qube) => {
    const facts = { qube, version: session.version }
    const { record } = await observeQube(session.host, providers, facts, null)
    return record.kind === 'record' && record.record.name === name ? [qube.name] : []
  })
  if (names.length === 1 && theirs.flat().length === 0) return { name, remarks: [] }
  const owned = qubes.flatMap((qube) => (qube.owner === null ? [] : [`${qube.name} (${qube.owner})`]))
  const remark = `Owned by other configurations: ${owned.join(', ')}. Import all qubes of one, or take these over with \`qstate adopt\`.`
  return { name: null, remarks: [remark] }
}

const alreadyThere = (file: string): QstateError =>
  new QstateError(problem('file-exists', `${file} is there already`, 'name another file, or add --force'))

function tellAbout(
  qubes: readonly ImportedQube[],
  left: readonly Left[],
  options: ImportOptions,
  io: Io,
): void {
  const noise = qubes.reduce((sum, qube) => sum + qube.noise, 0)
  if (noise > 0)
    io.err(`${plural(noise, 'setting')} of guest and host for their own use left out; --all writes them\n`)
  if (left.length > 0)
    io.err(`${plural(left.length, 'thing')} could not be read or said: comments give the reasons\n`)
  for (const { qube, path } of left) {
    if (path === null || qubes.find(({ name }) => name === qube)?.owned.has(path) !== true) continue
    io.err(`warning: qstate owns ${path} of ${qube}, and without it here a plan would remove it\n`)
  }
  if (options.out !== undefined) io.err(`Written: qstate plan ${options.out} shows no change of a value\n`)
}
