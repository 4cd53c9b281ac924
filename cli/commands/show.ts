import { isPlanFile, readPlanFile } from '../../app/apply/index.ts'
import { nearestQube, openSession, type Session } from '../../app/host/index.ts'
import {
  decode,
  isReserved,
  look,
  pathsIn,
  readCandidate,
  type Seen,
  unnameable,
} from '../../app/import/index.ts'
import { providers } from '../../providers/index.ts'
import {
  diffOfTemplate,
  hasTemplate,
  type HostQube,
  isEdited,
  observeQube,
  pathOfDevice,
  type QubeFacts,
} from '../../reconciler/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { SETTINGS, SLIC_TABLES, type Value } from '../../spec/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { type ShownSetting, showView } from '../views/show.ts'
import { makeStyle } from '../views/style.ts'
import { printPlan } from './plan.ts'

/** The state of qubes as qstate sees it, or a saved plan. */
export async function show(what: readonly string[], options: GlobalOptions, io: Io): Promise<number> {
  const [first] = what
  if (what.length === 1 && first !== undefined && isPlanFile(first, io)) {
    printPlan(readPlanFile(first, io).plan, options, io)
    return EXIT.done
  }
  const session = await openSession(options, io)
  const shown = []
  for (const name of what) {
    const qube = findQube(name, session)
    shown.push({ qube, settings: await settingsOf(qube, session) })
  }
  if (options.json === true) {
    const json = shown.map(({ qube, settings }) => ({ ...qube, settings }))
    io.out(`${JSON.stringify(json, null, 2)}\n`)
  } else {
    const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
    io.out(shown.map(({ qube, settings }) => showView(qube, settings, style)).join('\n'))
  }
  return EXIT.done
}

export function findQube(name: string, session: Session): HostQube {
  const qube = session.qubes.find((candidate) => candidate.name === name)
  if (qube !== undefined && qube.klass !== 'AdminVM') return qube
  const hint = nearestQube(name, session)
  throw new QstateError(problem('unknown-qube', `there is no qube ${name} that qstate could manage`, hint))
}

/** Everything that is set on a qube, what it has from its template, and what could not be read. */
async function settingsOf(qube: HostQube, session: Session): Promise<readonly ShownSetting[]> {
  const facts = { qube, version: session.version }
  const [seen, observed] = await Promise.all([
    readCandidate(qube, session).then((candidate) => look(candidate, session)),
    observeQube(session.host, providers, facts, null),
  ])
  const owned =
    observed.record.kind === 'record' ? observed.record.record.set : new Map<string, Value | null>()
  const paths = pathsIn(seen).filter((path) => !isOwnBusiness(path))
  const set = paths.map((path) => setSetting(path, seen, facts, owned.has(path)))
  const unread = seen.unread.map(([path, { why }]) => unknown(path.replace(/\/$/, '/*'), why, false))
  const edits = await Promise.all(set.flat().map((setting) => withEdit(setting, qube, owned, session)))
  const knowsOwn = seen.unread.every(([path]) => path !== 'qube/features')
  const template =
    hasTemplate(qube) && knowsOwn ? await fromTemplate(facts, seen, new Set(paths), session) : []
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

function setSetting(path: string, seen: Seen, facts: QubeFacts, owned: boolean): readonly ShownSetting[] {
  const strange = unnameable(path)
  if (strange !== undefined) {
    const why = strange.hint === '' ? strange.why : `${strange.why} (${strange.hint})`
    return [{ path, value: valueBehind(path, seen), origin: 'unmanaged', owned, why }]
  }
  const found = decode(path, seen.reading, facts)
  if (found.status === 'absent') return []
  if (found.status === 'unknown') return [unknown(path, found.why, owned)]
  return [{ path, value: found.value, origin: 'set', owned }]
}

const unknown = (path: string, why: string, owned: boolean): ShownSetting => ({
  path,
  value: null,
  origin: 'unknown',
  owned,
  why,
})

/** Of what no spec can name: as it is stored. */
function valueBehind(path: string, { usb, reading }: Seen): Value | null {
  const device = usb.find((one) => path === pathOfDevice(one))
  if (device !== undefined) return { mode: device.mode }
  if (!path.startsWith('qube/features/')) return true
  const text = reading.feature(path.slice('qube/features/'.length))
  return text.status === 'present' ? text.value : null
}

/** Features with a name of their own count even where unset: a template may set them. */
async function fromTemplate(
  facts: QubeFacts,
  seen: Seen,
  set: ReadonlySet<string>,
  { host }: Session,
): Promise<readonly ShownSetting[]> {
  const unset = SETTINGS.filter((setting) => setting.store === 'feature' && !set.has(setting.path))
  const found = await Promise.all(
    unset.map(async ({ path, name }): Promise<readonly ShownSetting[]> => {
      const found = await host.inheritedFeature(facts.qube.name, name)
      if (found.status === 'absent') return []
      if (found.status === 'unknown') return [unknown(path, found.why, false)]
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
  session: Session,
): Promise<ShownSetting> {
  const diff = setting.value !== null && isEdited(setting.value) ? await editOf(qube, owned, session) : []
  return diff.length === 0 ? setting : { ...setting, diff }
}

/** Against the template for the tables that qstate set last, where it knows. */
function editOf(
  qube: HostQube,
  owned: ReadonlyMap<string, Value | null>,
  { host }: Session,
): Promise<readonly string[]> {
  const tables = owned.get(SLIC_TABLES)
  return diffOfTemplate(host, qube.name, Array.isArray(tables) ? (tables as readonly string[]) : [])
}
