import { providers } from '../../providers/index.ts'
import { mapLimited, observeQube } from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import {
  type KeptParts,
  NOTHING_KEPT,
  reasonOf,
  writeManifest,
  type WrittenManifest,
} from '../../spec/export/index.ts'
import { comesAndGoes } from '../../spec/index.ts'
import { type Context } from '../context.ts'
import { findQube, type ConnectedHost } from '../host/index.ts'
import { nameDevices } from './devices.ts'
import { type ImportCandidate, modeOf, readCandidate } from './inventory.ts'
import { type ImportedQube, readQube } from './read.ts'

const HEADER = [
  'yaml-language-server: $schema=qstate.schema.json',
  'Written by `qstate import`. The schema, for editors: qstate schema > qstate.schema.json',
]

export interface ImportOptions {
  /** Also what guest and host keep for themselves. */
  readonly all: boolean
  /** What is kept of the file that this is written over. */
  readonly kept?: KeptParts
}

/** Qubes as a spec that describes them. */
export interface ImportedSpec {
  readonly yaml: string
  readonly qubes: readonly string[]
  /** What could not be read, or cannot be said in a spec. */
  readonly leftOut: readonly LeftOut[]
  /** Settings left out as bookkeeping of guest and host. */
  readonly noise: number
  /** Where no qube was named: how many there are to choose from. */
  readonly chosenFrom: number | null
}

interface LeftOut {
  readonly qube: string
  /** Null: the qube as a whole. */
  readonly path: string | null
  /** Why, and what to do. */
  readonly problem: Problem
  /** qstate has set it: a plan for the imported spec would withdraw it. */
  readonly owned: boolean
}

/** The qubes named, or all that are HVM, as a spec. Reads only. */
export async function importQubes(
  names: readonly string[],
  { all, kept = NOTHING_KEPT }: ImportOptions,
  connected: ConnectedHost,
  context: Context,
): Promise<ImportedSpec> {
  const { candidates, unclear, chosenFrom } = await choose(names, connected)
  const qubes = await mapLimited(candidates, 4, (candidate) => readQube(candidate, connected, all))
  const owner = await ownerOf(qubes, kept.name, connected)
  const { yaml, leftOut } = writeManifest({
    header: [...HEADER, ...owner.remarks, ...qubes.flatMap(fromRecordRemark), ...unclear.map(unclearRemark)],
    name: owner.name,
    kept,
    qubes,
    devices: await nameDevices(qubes, connected, context),
  })
  const owned = new Map(qubes.map((qube) => [qube.name, qube.owned]))
  return {
    yaml,
    qubes: qubes.map(({ name }) => name),
    leftOut: [...unclear, ...leftOut].map(({ qube, path, problem }) => ({
      qube,
      path,
      problem,
      owned: path !== null && owned.get(qube)?.has(path) === true,
    })),
    noise: qubes.reduce((sum, qube) => sum + qube.noise, 0),
    chosenFrom,
  }
}

type Unclear = WrittenManifest['leftOut'][number]

interface Choice {
  readonly candidates: readonly ImportCandidate[]
  readonly unclear: readonly Unclear[]
  readonly chosenFrom: number | null
}

/** The qubes named, or all that are HVM. Disposables for one use come and go: they are not imported unless named. */
async function choose(names: readonly string[], connected: ConnectedHost): Promise<Choice> {
  const { host } = connected
  if (names.length > 0) {
    const qubes = [...new Set(names)].map((name) => findQube(name, connected))
    const candidates = await mapLimited(qubes, 8, (qube) => readCandidate(qube, host))
    return { candidates, unclear: [], chosenFrom: null }
  }
  const qubes = connected.qubes.filter(
    ({ klass, name }) => klass !== 'AdminVM' && !comesAndGoes({ klass, name }),
  )
  const all = await mapLimited(qubes, 8, (qube) => readCandidate(qube, host))
  const modes = all.map((candidate) => ({ candidate, mode: modeOf(candidate) }))
  return {
    candidates: modes.flatMap(({ candidate, mode }) =>
      mode.status === 'present' && mode.value === 'hvm' ? [candidate] : [],
    ),
    unclear: modes.flatMap(({ candidate: { qube }, mode }) =>
      mode.status === 'unknown' ? [{ qube: qube.name, path: null, value: null, problem: mode.problem }] : [],
    ),
    chosenFrom: qubes.length,
  }
}

const unclearRemark = ({ qube, problem }: Unclear): string =>
  `${qube} is not here: whether it is HVM cannot be read: ${reasonOf(problem)}`

const fromRecordRemark = ({ name, fromRecord }: ImportedQube): readonly string[] =>
  fromRecord.length === 0
    ? []
    : [`${name}: cannot be read now, and written as qstate last set it: ${fromRecord.join(', ')}`]

/**
 * The configuration that owns something on the qubes already. Under its name a plan would withdraw what that configuration has set
 * on other qubes, so the name is taken over only where all of them are here; one that the file has already stays, and that is said.
 */
async function ownerOf(
  qubes: readonly ImportedQube[],
  kept: string | null,
  connected: ConnectedHost,
): Promise<{ readonly name: string | null; readonly remarks: readonly string[] }> {
  const names = [...new Set(qubes.flatMap(({ owner }) => (owner === null ? [] : [owner])))].sort()
  const name = kept ?? names[0]
  if (name === undefined) return { name: null, remarks: [] }
  const here = new Set(qubes.map((qube) => qube.name))
  const others = connected.qubes.filter((qube) => qube.klass !== 'AdminVM' && !here.has(qube.name))
  const theirs = await mapLimited(others, 8, async (qube) => {
    const facts = { qube, version: connected.version }
    const { record } = await observeQube(connected.host, providers, facts, null)
    return record.kind === 'record' && record.record.name === name ? [qube.name] : []
  })
  const missing = theirs.flat()
  const isOthers = names.some((one) => one !== name)
  const owned = qubes.flatMap((qube) => (qube.owner === null ? [] : [`${qube.name} (${qube.owner})`]))
  const taken = `Owned by other configurations: ${owned.join(', ')}. Import all qubes of one, or take these over with \`qstate adopt\`.`
  if (kept === null)
    return isOthers || missing.length > 0 ? { name: null, remarks: [taken] } : { name, remarks: [] }
  const withdrawn = `The configuration "${kept}" also owns settings of ${missing.join(', ')}: a plan without these qubes withdraws them.`
  return { name, remarks: [...(isOthers ? [taken] : []), ...(missing.length > 0 ? [withdrawn] : [])] }
}
