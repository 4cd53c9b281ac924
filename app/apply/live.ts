import { fold, type Style } from '../../cli/views/style.ts'
import { showPath } from '../../cli/views/value.ts'
import {
  featureRemove,
  featureSet,
  getFeature,
  listAvailable,
  QubesdError,
  usbAttach,
  usbDetach,
} from '../../qubesd/index.ts'
import {
  countingNow,
  isMeant,
  isWanted,
  type LiveAction,
  liveActions,
  type LiveWish,
  liveWishes,
  pathOfDevice,
  type Plan,
  type PresentDevice,
  type Report,
} from '../../reconciler/index.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { RECORD_FEATURE } from '../../spec/index.ts'
import { type ManagedSession } from '../host/index.ts'

/** What became of one device, or why nothing did. */
export interface LiveReport {
  readonly qube: string
  readonly path: string
  readonly status: 'attached' | 'detached' | 'left' | 'failed'
  readonly text: string
  readonly hint: string
}

/** Attaches and detaches now what the assignments of running qubes say, as far as it is plugged in and free. */
export async function attachNow(
  plan: Plan,
  report: Report | null,
  session: ManagedSession,
): Promise<readonly LiveReport[]> {
  const wishes = liveWishes(plan, report)
  if (wishes.length === 0) return []
  const backends = [...new Set(wishes.map(({ path }) => backendOf(path)))].sort()
  const present: PresentDevice[] = []
  const reports: LiveReport[] = []
  for (const backend of backends) {
    try {
      present.push(...(await listAvailable(session.client, session.version, backend)))
    } catch (error) {
      if (!(error instanceof QubesdError)) throw error
      const affected = wishes.filter(({ path }) => backendOf(path) === backend)
      reports.push(...affected.map(({ qube, path }) => failed(qube, path, error.message, error.hint)))
    }
  }
  const reachable = wishes.filter(({ path }) => !reports.some((told) => told.path === path))
  const { actions, remarks } = liveActions(reachable, present)
  for (const { qube, path, text } of remarks) reports.push({ qube, path, status: 'left', text, hint: '' })
  for (const action of actions) reports.push(await act(action, plan, report, session))
  const met = wishesMet(reachable, present, reports)
  const counting = met.filter(({ qube, path }) => waitingOf(qube, plan, report).includes(path))
  await tellCounting(plan, counting, session)
  return reports
}

/** What is attached and wanted, or neither, is as it would be after a restart. */
function wishesMet(
  wishes: readonly LiveWish[],
  present: readonly PresentDevice[],
  reports: readonly LiveReport[],
): readonly LiveWish[] {
  return wishes.filter(({ qube, path, wanted }) => {
    const meant = present.filter(
      (device) => isMeant(path, device) && (wanted || !isWanted(qube, device, wishes)),
    )
    const has = meant.some((device) => {
      const done = reports.find((one) => one.qube === qube && one.path === pathOfDevice(device))?.status
      return done === 'attached' || (device.attachedTo === qube && done !== 'detached')
    })
    return has === wanted
  })
}

/** Nothing of it waits for a restart any more. Where that cannot be written it goes on waiting, which harms nobody. */
async function tellCounting(
  plan: Plan,
  counting: readonly LiveWish[],
  session: ManagedSession,
): Promise<void> {
  const { client, host } = session
  for (const dest of new Set(counting.map(({ qube }) => qube))) {
    const paths = counting.filter(({ qube }) => qube === dest).map(({ path }) => path)
    const planned = plan.qubes.find(({ qube }) => qube === dest)
    const of = { name: dest, uuid: planned?.uuid ?? null, isMade: planned?.made === true }
    try {
      const text = (await getFeature(client, dest, RECORD_FEATURE)) ?? null
      const told = countingNow(text, of, paths)
      if (told === undefined) continue
      await host.write(
        told === null ? featureRemove(dest, RECORD_FEATURE) : featureSet(dest, RECORD_FEATURE, told),
      )
    } catch (error) {
      if (!(error instanceof QstateError) && !(error instanceof QubesdError)) throw error
    }
  }
}

const waitingOf = (qube: string, plan: Plan, report: Report | null): readonly string[] =>
  report?.qubes.find((done) => done.qube === qube)?.waiting ??
  plan.qubes.find((planned) => planned.qube === qube)?.waiting ??
  []

async function act(
  action: LiveAction,
  plan: Plan,
  report: Report | null,
  session: ManagedSession,
): Promise<LiveReport> {
  const { qube, kind, device } = action
  const path = pathOfDevice(device)
  if (kind === 'attach' && waitingOf(qube, plan, report).includes('stubdom/qrexec')) {
    return failed(
      qube,
      path,
      'the stubdomain that runs has no qrexec yet',
      'restart the qube: from then on devices are attached live',
    )
  }
  try {
    await session.host.write(kind === 'attach' ? usbAttach(qube, device) : usbDetach(qube, device))
    return { qube, path, status: kind === 'attach' ? 'attached' : 'detached', text: '', hint: '' }
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    return failed(qube, path, error.message, error.hint)
  }
}

const failed = (qube: string, path: string, text: string, hint: string): LiveReport => ({
  qube,
  path,
  status: 'failed',
  text,
  hint,
})

const backendOf = (path: string): string => path.slice('usb/'.length, path.indexOf('+'))

export function liveLines(reports: readonly LiveReport[], style: Style): string {
  return reports
    .map(({ qube, path, status, text, hint }) => {
      const sign =
        status === 'failed' ? style.red('✗') : status === 'left' ? style.dim('·') : style.green('✓')
      const what = `${style.bold(qube)}  ${showPath(path)} ${status === 'left' ? text : status}`
      const why =
        status === 'failed'
          ? [style.red(fold(text, style.width, '    ')), style.dim(fold(hint, style.width, '      '))]
          : []
      return [`${sign} ${what}`, ...why].map((line) => `${line}\n`).join('')
    })
    .join('')
}
