import { providers } from '../../providers/index.ts'
import { getInheritedFeature, listFeatures, listTags } from '../../qubesd/admin.ts'
import {
  diffOfTemplate,
  EXIT,
  type HostQube,
  isEdited,
  observeQube,
  type ObservedQube,
} from '../../reconciler/index.ts'
import {
  AREAS,
  type DesiredQube,
  parsePath,
  RECORD_FEATURE,
  SETTING_BY_PATH,
  settingOf,
  SETTINGS,
  SLIC_TABLES,
  type Value,
} from '../../spec/index.ts'
import { type Io, UserError } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { isPlanFile, readPlanFile } from '../plan-file.ts'
import { nearestQube, openSession, type Session } from '../session.ts'
import { makeStyle } from '../views/style.ts'
import { printPlan } from './plan.ts'
import { type ShownSetting, showView } from '../views/show.ts'

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
    const { observed, settings } = await lookAt(qube, session)
    const owned =
      observed.record.kind === 'record' ? observed.record.record.set : new Map<string, Value | null>()
    shown.push({
      qube,
      settings: await Promise.all(settings.map((path) => shownSetting(path, qube, observed, owned, session))),
    })
  }
  if (options.json === true) {
    const json = shown.map(({ qube, settings }) => ({ ...qube, settings: settings.filter(isTold) }))
    io.out(`${JSON.stringify(json, null, 2)}\n`)
  } else {
    const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
    io.out(shown.map(({ qube, settings }) => showView(qube, settings.filter(isTold), style)).join('\n'))
  }
  return EXIT.done
}

const isTold = (setting: ShownSetting): boolean => setting.origin !== 'unset'

export function findQube(name: string, session: Session): HostQube {
  const qube = session.qubes.find((candidate) => candidate.name === name)
  if (qube !== undefined && qube.klass !== 'AdminVM') return qube
  const hint = nearestQube(name, session)
  throw new UserError(EXIT.error, 'unknown-qube', `there is no qube ${name} that qstate could manage`, hint)
}

/** Everything that qstate can manage on a qube and that is set there. */
export async function lookAt(
  qube: HostQube,
  session: Session,
): Promise<{ readonly observed: ObservedQube; readonly settings: readonly string[] }> {
  const [features, tags, assigned] = await Promise.all([
    listFeatures(session.client, qube.name),
    listTags(session.client, qube.name),
    session.host.read(qube.name, {
      features: [],
      properties: [],
      tags: [],
      usb: true,
      denied: true,
      slic: false,
    }),
  ])
  const usb = assigned.usb()
  const denied = assigned.denied()
  const paths = [
    SLIC_TABLES,
    ...SETTINGS.filter((setting) => setting.store === 'property').map((setting) => setting.path),
    ...features
      .filter((name) => name !== RECORD_FEATURE)
      .map((name) => settingOf('feature', name)?.path ?? `qube/features/${name}`),
    ...(usb.status === 'present' ? usb.value.map((a) => `usb/${a.backend}+${a.port}:${a.identity}`) : []),
    ...(denied.status === 'present' ? denied.value.map((pattern) => `usb/denied/${pattern}`) : []),
    ...tags.map((name) => `tags/${name}`),
    // Features with a name of their own are looked at even where unset: a template may set them.
    ...SETTINGS.filter((setting) => setting.store === 'feature').map((setting) => setting.path),
  ]
  const settings = [...new Set(paths)].filter((path) => parsePath(path) !== undefined)
  const position = { file: '', line: 1, column: 1, length: 1 }
  const everything: DesiredQube = {
    name: qube.name,
    position,
    settings: new Map(
      settings.map((path) => [
        path,
        { area: AREAS.find((a) => path.startsWith(`${a}/`)) ?? 'qube', path, value: null, position },
      ]),
    ),
  }
  const observed = await observeQube(session.host, providers, { qube, release: session.release }, everything)
  return { observed, settings }
}

async function shownSetting(
  path: string,
  qube: HostQube,
  observed: ObservedQube,
  owned: ReadonlyMap<string, Value | null>,
  session: Session,
): Promise<ShownSetting> {
  const seen = observed.values.get(path)
  const isOwned = owned.has(path)
  if (seen?.status === 'present') {
    const diff = isEdited(seen.value) ? await editOf(qube, owned, session) : []
    const shown = { path, value: seen.value, origin: 'set' as const, owned: isOwned }
    return diff.length === 0 ? shown : { ...shown, diff }
  }
  if (seen?.status === 'unknown')
    return { path, value: null, origin: 'unknown', owned: isOwned, why: seen.why }
  const setting = SETTING_BY_PATH.get(path)
  if (setting?.store === 'feature' && (qube.klass === 'AppVM' || qube.klass === 'DispVM')) {
    const inherited = await getInheritedFeature(session.client, qube.name, setting.name)
    if (inherited !== undefined) return { path, value: inherited, origin: 'template', owned: isOwned }
  }
  return { path, value: null, origin: 'unset', owned: isOwned }
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
