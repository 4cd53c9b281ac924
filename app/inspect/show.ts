import { providers } from '../../providers/index.ts'
import {
  diffOfTemplate,
  hasTemplate,
  type Host,
  type HostQube,
  isEdited,
  observeQube,
  pathOfDevice,
  type QubeFacts,
} from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { SETTINGS, SLIC_TABLES, type Value } from '../../spec/index.ts'
import { findQube, type ConnectedHost } from '../host/index.ts'
import {
  decode,
  isReserved,
  pathsIn,
  type QubeInventory,
  readAllSettings,
  readCandidate,
  unnameable,
} from '../import/index.ts'

export interface ShownSetting {
  readonly path: string
  readonly value: Value | null
  /** `set` on the qube itself, by a name that no spec can have (`unmanaged`), inherited from its `template`, or `unknown`. */
  readonly origin: 'set' | 'unmanaged' | 'template' | 'unknown'
  /** qstate has set it. */
  readonly owned: boolean
  /** Why it is not known, or not managed. */
  readonly problem?: Problem
  /** What someone has made of a text of qstate's behind it, against what qstate writes. */
  readonly diff?: readonly string[]
}

/** A qube as qstate sees it. */
export interface ShownQube {
  readonly qube: HostQube
  readonly settings: readonly ShownSetting[]
}

/** The state of the qubes named, or of all. Fails with `unknown-qube`. */
export async function showQubes(
  names: readonly string[],
  connected: ConnectedHost,
): Promise<readonly ShownQube[]> {
  const shown: ShownQube[] = []
  const qubes =
    names.length > 0
      ? names.map((name) => findQube(name, connected))
      : connected.qubes.filter(({ klass }) => klass !== 'AdminVM')
  for (const qube of qubes) {
    shown.push({ qube, settings: await settingsOf(qube, connected) })
  }
  return shown
}

/** Everything that is set on a qube, what it has from its template, and what could not be read. */
async function settingsOf(
  qube: HostQube,
  { host, version }: ConnectedHost,
): Promise<readonly ShownSetting[]> {
  const facts = { qube, version }
  const [seen, observed] = await Promise.all([
    readCandidate(qube, host).then((candidate) => readAllSettings(candidate, host)),
    observeQube(host, providers, facts, null),
  ])
  const owned =
    observed.record.kind === 'record' ? observed.record.record.set : new Map<string, Value | null>()
  const paths = pathsIn(seen).filter((path) => !isOwnBusiness(path))
  const set = paths.map((path) => setSetting(path, seen, facts, owned.has(path)))
  const unread = seen.unread.map(([path, list]) => unknown(path.replace(/\/$/, '/*'), list.problem, false))
  const edits = await Promise.all(set.flat().map((setting) => withEdit(setting, qube, owned, host)))
  const knowsOwn = seen.unread.every(([path]) => path !== 'qube/features')
  const template = hasTemplate(qube) && knowsOwn ? await fromTemplate(facts, seen, new Set(paths), host) : []
  return [...edits, ...unread, ...template].sort(byPlace)
}

/** In the order in which a person would write them; what has no name of its own, as the host lists it. */
function byPlace(a: ShownSetting, b: ShownSetting): number {
  const place = ({ path }: ShownSetting): number => {
    const at = SETTINGS.findIndex((setting) => setting.path === path)
    return at === -1 ? SETTINGS.length : at
  }
  return place(a) - place(b)
}

/** The record, and what Qubes works out. */
const isOwnBusiness = (path: string): boolean =>
  path.startsWith('qube/features/qstate.') || (path.startsWith('qube/properties/') && isReserved(path))

function setSetting(
  path: string,
  seen: QubeInventory,
  facts: QubeFacts,
  owned: boolean,
): readonly ShownSetting[] {
  const strange = unnameable(path)
  if (strange !== undefined) {
    return [{ path, value: valueBehind(path, seen), origin: 'unmanaged', owned, problem: strange.problem }]
  }
  const found = decode(path, seen.reading, facts)
  if (found.status === 'absent') return []
  if (found.status === 'unknown') return [unknown(path, found.problem, owned)]
  return [{ path, value: found.value, origin: 'set', owned }]
}

const unknown = (path: string, problem: Problem, owned: boolean): ShownSetting => ({
  path,
  value: null,
  origin: 'unknown',
  owned,
  problem,
})

/** Of what no spec can name: as it is stored. */
function valueBehind(path: string, { usb, reading }: QubeInventory): Value | null {
  const device = usb.find((one) => path === pathOfDevice(one))
  if (device !== undefined) return { mode: device.mode }
  if (!path.startsWith('qube/features/')) return true
  const text = reading.feature(path.slice('qube/features/'.length))
  return text.status === 'present' ? text.value : null
}

/** Features with a name of their own take effect even where unset: a template may set them. */
async function fromTemplate(
  facts: QubeFacts,
  seen: QubeInventory,
  set: ReadonlySet<string>,
  host: Host,
): Promise<readonly ShownSetting[]> {
  const unset = SETTINGS.filter((setting) => setting.store === 'feature' && !set.has(setting.path))
  const found = await Promise.all(
    unset.map(async ({ path, name }): Promise<readonly ShownSetting[]> => {
      const found = await host.inheritedFeature(facts.qube.name, name)
      if (found.status === 'absent') return []
      if (found.status === 'unknown') return [unknown(path, found.problem, false)]
      const meant = decode(path, { ...seen.reading, feature: () => found }, facts)
      const value = meant.status === 'present' ? meant.value : found.value
      return [{ path, value, origin: 'template', owned: false }]
    }),
  )
  return found.flat()
}

async function withEdit(
  setting: ShownSetting,
  qube: HostQube,
  owned: ReadonlyMap<string, Value | null>,
  host: Host,
): Promise<ShownSetting> {
  const diff = setting.value !== null && isEdited(setting.value) ? await editOf(qube, owned, host) : []
  return diff.length === 0 ? setting : { ...setting, diff }
}

/** Against the template for the tables that qstate set last, where it knows. */
function editOf(
  qube: HostQube,
  owned: ReadonlyMap<string, Value | null>,
  host: Host,
): Promise<readonly string[]> {
  const tables = owned.get(SLIC_TABLES)
  return diffOfTemplate(host, qube.name, Array.isArray(tables) ? (tables as readonly string[]) : [])
}
