import { pathOfDevice, unattached, type UsbAssignment } from '../../reconciler/index.ts'
import { type SourceRange } from '../../spec/diagnostics/index.ts'
import { overlap, USB_DEVICE } from '../../spec/index.ts'
import {
  type Check,
  type CheckResult,
  type CheckResults,
  locatedAt,
  notSeen,
  ok,
  problem,
  quote,
  warning,
} from './check.ts'
import { type CheckContext } from './context.ts'

/** USB: the qubes that have controllers, and what is assigned from them: one entry, one check. */
export const usbChecks: readonly Check<CheckContext>[] = [
  { name: 'usb-backends', look: backends },
  { name: 'contested-devices', look: contested },
  { name: 'attached-devices', look: attached },
]

const nameOf = ({ backend, port, identity }: UsbAssignment): string =>
  `${backend}+${quote(`${port}:${identity}`).slice(1, -1)}`

function backends({ qubes, windows, plugged, desired }: CheckContext): CheckResults {
  const inSpec = backendsOf(desired)
  const named = new Set([
    ...windows.flatMap(({ assigned }) =>
      assigned.status === 'present' ? assigned.value.map(({ backend }) => backend) : [],
    ),
    ...inSpec.keys(),
  ])
  named.delete(ANY)
  const judged = [...named].sort().map((name): CheckResult => locatedAt(judge(name), inSpec.get(name)))
  function judge(name: string): CheckResult {
    const qube = qubes.find((candidate) => candidate.name === name)
    if (qube === undefined)
      return problem(
        'unknown-qube',
        `devices of ${name} are assigned, and there is no such qube`,
        'correct the backend in the spec; `qstate devices` lists what is plugged in',
      )
    if (qube.state !== 'Running')
      return warning(
        'not-running',
        `${name} is not running: its devices do not attach`,
        `\`qvm-start ${name}\``,
      )
    const found = plugged.get(name)
    if (found?.status === 'unknown') return notSeen(found, `${name}: `)
    if (found?.status === 'present' && found.value.length > 0)
      return ok(`${name}: ${found.value.length} devices`)
    return warning(
      'no-usb-device',
      `${name} shows no USB device`,
      `is one plugged in? ${name} needs the package qubes-usb-proxy in its template, and the USB controllers`,
    )
  }
  const homeless = windows.flatMap(({ qube, assigned }) =>
    assigned.status === 'present'
      ? assigned.value
          .filter(({ backend }) => backend === ANY)
          .map((device) => fromNowhere(qube.name, device))
      : [],
  )
  if (judged.length + homeless.length > 0) return [...judged, ...homeless]
  const having = [...plugged].flatMap(([name, seen]) =>
    seen.status === 'present' && seen.value.length > 0 ? [`${name}: ${seen.value.length} devices`] : [],
  )
  return ok(having.length === 0 ? 'no USB device is plugged in, and none is assigned' : having.join(', '))
}

/** Qubes that devices of the spec are from, each with a line that says so. */
const backendsOf = (desired: CheckContext['desired']): ReadonlyMap<string, SourceRange> =>
  new Map(
    [...(desired?.qubes.values() ?? [])].flatMap(({ settings }) =>
      [...settings].flatMap(([path, { position }]) => {
        const backend = USB_DEVICE.exec(path.slice(4))?.groups?.['backend']
        return backend === undefined ? [] : [[backend, position] as const]
      }),
    ),
  )

/** Assigned from any qube: qubesd takes that, and looks for such a device nowhere. */
const ANY = '*'

const fromNowhere = (qube: string, device: UsbAssignment): CheckResult =>
  warning(
    'no-backend',
    `${nameOf(device)} is assigned to ${qube} from no qube: Qubes never finds it`,
    `unassign it in dom0, and assign it from the qube with the USB controller, such as sys-usb; \`qstate devices\` lists them`,
  )

/** Devices that attach by themselves, and that their running qubes do not have. The check of a qube's start looks for required ones. */
function attached({ windows, plugged }: CheckContext): CheckResults {
  const gaps = windows.flatMap(({ qube, assigned, wanted }) => {
    if (qube.state !== 'Running' || assigned.status !== 'present') return []
    return assigned.value.flatMap((device): readonly CheckResult[] => {
      const seen = plugged.get(device.backend)
      if (device.mode === 'ask-to-attach' || seen?.status !== 'present') return []
      const path = pathOfDevice(device)
      const why = unattached(qube.name, path, seen.value)
      if (
        why === undefined ||
        (why.code === 'device-absent' && (why.hint === '' || device.mode === 'required'))
      )
        return []
      const told = warning(why.code, `${nameOf(device)} of ${qube.name} ${why.message}`, why.hint)
      return [locatedAt(told, wanted?.settings.get(path)?.position)]
    })
  })
  return gaps.length > 0
    ? gaps
    : ok('running qubes have what is assigned to them, as far as it is plugged in')
}

/** qubesd lets one device be assigned to two qubes: whichever starts first has it. */
function contested({ windows }: CheckContext): CheckResults {
  const claims = windows.flatMap(({ qube, assigned }) =>
    assigned.status === 'present'
      ? assigned.value
          .filter(({ mode }) => mode !== 'ask-to-attach')
          .map((device) => ({ name: qube.name, device }))
      : [],
  )
  const conflicts = claims.flatMap((a, index) =>
    claims
      .slice(index + 1)
      .flatMap((b) => (a.name !== b.name && overlap(a.device, b.device) ? [[a, b] as const] : [])),
  )
  if (conflicts.length === 0) return ok('no device is assigned to two Windows qubes')
  return conflicts.map(([a, b]) =>
    warning(
      'contested-device',
      `${nameOf(a.device)} is attached by itself to ${a.name} and to ${b.name}: whichever starts first has it`,
      'take it from one of them, or let one ask first (`ask-to-attach`, Qubes 4.3 and later)',
    ),
  )
}
