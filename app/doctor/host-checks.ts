import { type Check, type CheckResults, locatedAt, ok, problem, unseen, warning } from './check.ts'
import { type CheckContext } from './context.ts'
import { policyCheck } from './policy-checks.ts'
import { slicChecks } from './slic-checks.ts'
import { usbChecks } from './usb-checks.ts'

/** What is looked at on the host: one entry, one check. */
export const HOST_CHECKS: readonly Check<CheckContext>[] = [
  policyCheck,
  { name: 'state-folder', look: stateFolder },
  { name: 'windows-qubes', look: windowsQubes },
  { name: 'stubdomain-image', look: stubdomainImage },
  ...slicChecks,
  ...usbChecks,
]

/** Without what is kept there, no record on a qube is proven. */
export function stateFolder({
  stateFolder: { path, stays },
}: Pick<CheckContext, 'stateFolder'>): CheckResults {
  if (stays) return ok(path)
  const hint =
    'in an app qube name a folder below /rw: `sudo install -d -o root -g qubes -m 2770 /rw/qstate`, and leave --state-dir and QSTATE_STATE_DIR out; in a disposable nothing stays'
  return problem('volatile-state-folder', `${path} is gone when this qube is shut down`, hint)
}

function windowsQubes({ windows, unasked, desired, qubes }: CheckContext): CheckResults {
  const missing = [...(desired?.qubes.values() ?? [])].filter(
    ({ name, ensure }) => ensure === undefined && !qubes.some((qube) => qube.name === name),
  )
  return [
    ...missing.map(({ name, position }) =>
      locatedAt(
        problem(
          'unknown-qube',
          `the spec names ${name}, and there is no such qube`,
          'create it, or correct its name in the spec',
        ),
        position,
      ),
    ),
    ...(unasked.length > 0
      ? [
          unseen(
            'windows-unknown',
            `${listOf(unasked)} would not say whether they are Windows`,
            'name the Windows qubes in a spec, and give it: `qstate doctor qstate.yaml`',
          ),
        ]
      : []),
    ...(windows.length === 0
      ? [
          warning(
            'no-windows-qube',
            'no Windows qube: none has the feature os=Windows or the tag windows',
            'tag it (`qvm-tags NAME add windows`), or name it in a spec',
          ),
        ]
      : [ok(windows.map(({ qube }) => qube.name).join(', '))]),
  ]
}

const IMAGES = 'usr/libexec/xen/boot'
const IMAGE = /^qemu-stubdom-linux-full-(kernel|rootfs)/
const INSTALL = 'in dom0: `sudo qubes-dom0-update xen-hvm-stubdom-linux-full`'

/** Sound and USB need the full image; a qube that asks for it does not start without. */
function stubdomainImage({ dom0, windows }: CheckContext): CheckResults {
  const listed = dom0.list(IMAGES)
  if (listed.status === 'unknown')
    return unseen(
      listed.problem.code,
      `whether dom0 has xen-hvm-stubdom-linux-full: ${listed.problem.message}`,
      `look in dom0: \`ls /${IMAGES}/qemu-stubdom-linux-full-*\`; if it is missing, ${INSTALL}`,
    )
  if (listed.status === 'absent' && dom0.root !== '/')
    return unseen(
      'file',
      `whether dom0 has xen-hvm-stubdom-linux-full: this stand-in for dom0 has no /${IMAGES}`,
      'nothing to do on a simulated host',
    )
  const files = listed.status === 'present' ? listed.value : []
  const parts = new Set(files.flatMap((name) => IMAGE.exec(name)?.[1] ?? []))
  if (parts.size === 2) return ok('xen-hvm-stubdom-linux-full is installed')
  const needing = windows.filter(({ feature }) =>
    (['audio-model', 'stubdom-qrexec'] as const).some((name) => {
      const seen = feature(name)
      return seen.status === 'present' && seen.value !== ''
    }),
  )
  const what = `dom0 lacks the full stubdomain image (/${IMAGES}/qemu-stubdom-linux-full-*)`
  return needing.length > 0
    ? problem(
        'no-stubdomain-image',
        `${what}: ${needing.map(({ qube }) => qube.name).join(', ')} will not start with sound or USB`,
        INSTALL,
      )
    : warning('no-stubdomain-image', `${what}: no qube can have sound or USB`, INSTALL)
}

const listOf = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
