import {
  type Diagnostic,
  errorAt,
  formatRange,
  NOWHERE,
  oneOf,
  problem,
  type SourceRange,
  warningAt,
} from '../diagnostics/index.ts'
import { type Composed, HOST_SLIC } from '../read/index.ts'
import {
  ABSENT,
  deniedInterfaces,
  isBalanced,
  LABEL,
  LARGE_MEMORY,
  parseUsbKey,
  STUBDOM_FOR_LARGE,
  type UsbDevice,
  type Value,
  WINDOWS_NEEDS,
} from '../vocabulary/index.ts'

/** Takes what has been found, and the setting that it is about; null: the qube as a whole. */
export type ReportOn = (path: string | null, diagnostic: Diagnostic) => void

export interface Assignment {
  readonly device: UsbDevice
  readonly path: string
  readonly key: string
  readonly mode: string
  readonly position: SourceRange
}

/** Whose settings they are: a qube's, or (null) those of a selector; and whether nothing can be added to them. */
export interface Subject {
  readonly name: string | null
  readonly isWhole: boolean
}

/** What one qube says, laid together, and what is impossible or unwise about it as a whole. */
export function checkQube({ name, isWhole }: Subject, qube: View, report: ReportOn): void {
  const { composed } = qube
  checkVirtMode(qube, report)
  checkStubdom(qube, report)
  checkSlic(qube, report)
  checkMemory(qube, report)
  checkDenied(qube, report)
  if (name !== null) checkItself(name, qube, report)
  checkNetwork(qube, report)
  checkEnsure(name, composed, report)
  if (composed.complete && name !== null) adviseOnQube(qube, report)
  if (composed.complete && isWhole) adviseOnMissing(qube, report)
}

/** The devices that a qube wants assigned. */
function assignments({ statements }: Composed): readonly Assignment[] {
  const found: Assignment[] = []
  for (const { area, path, position, value } of statements.values()) {
    if (area !== 'usb' || typeof value !== 'object' || value === null || !('mode' in value)) continue
    const key = path.slice('usb/'.length)
    const device = parseUsbKey(key)
    if (!('problem' in device)) found.push({ device, path, key, mode: value.mode, position })
  }
  return found
}

/** A qube as its checks look at it. */
export class View {
  readonly composed: Composed
  readonly usb: readonly Assignment[]

  constructor(composed: Composed) {
    this.composed = composed
    this.usb = assignments(composed)
  }

  value(path: string): Value | null | undefined {
    return this.composed.statements.get(path)?.value
  }

  place(path: string): SourceRange {
    return this.composed.statements.get(path)?.position ?? NOWHERE
  }

  get model(): boolean {
    const model = this.value('audio/model')
    return model !== undefined && model !== null && model !== ''
  }

  get tables(): readonly string[] {
    const tables = this.value('slic/tables')
    return Array.isArray(tables) ? (tables as readonly string[]) : []
  }
}

/** What only works with a stubdomain, and where each is said. */
function needs(
  qube: View,
  what: { slic?: boolean; qrexec?: boolean },
): { noun: string; path: string; position: SourceRange }[] {
  const said = (path: string, noun: string): ReturnType<typeof needs>[number] => ({
    noun,
    path,
    position: qube.place(path),
  })
  return [
    ...(qube.model ? [said('audio/model', 'an audio model')] : []),
    ...(what.qrexec && qube.value('stubdom/qrexec') === true
      ? [said('stubdom/qrexec', 'stubdom.qrexec')]
      : []),
    ...qube.usb.map(({ path }) => said(path, 'a USB device through the stubdomain')),
    ...(what.slic && qube.tables.length > 0 ? [said('slic/tables', 'slic')] : []),
  ]
}

function checkVirtMode(qube: View, report: ReportOn): void {
  const mode = qube.value('qube/virtMode')
  if (typeof mode !== 'string' || mode === 'hvm') return
  const hint = `virtMode is ${mode} at ${formatRange(qube.place('qube/virtMode'))}; such a qube has no stubdomain and no emulated machine`
  for (const { noun, path, position } of needs(qube, { slic: true, qrexec: true })) {
    report(path, errorAt(position, problem('needs-hvm', `${noun} needs virtMode hvm`, hint)))
  }
}

function checkStubdom(qube: View, report: ReportOn): void {
  if (qube.value('stubdom/linux') === false) {
    const hint = `stubdom.linux is off at ${formatRange(qube.place('stubdom/linux'))}: the old MiniOS stubdomain has neither audio nor qrexec`
    for (const { noun, path, position } of needs(qube, { qrexec: true })) {
      report(
        path,
        errorAt(position, problem('needs-linux-stubdom', `${noun} needs the Linux stubdomain`, hint)),
      )
    }
  }
  if (qube.value('stubdom/qrexec') !== false) return
  const hint = `stubdom.qrexec is off at ${formatRange(qube.place('stubdom/qrexec'))}; USB devices reach the guest through it`
  const what = problem('needs-stubdom-qrexec', 'a USB device needs stubdom.qrexec', hint)
  for (const { path, position } of qube.usb) report(path, errorAt(position, what))
}

function checkSlic(qube: View, report: ReportOn): void {
  if (qube.tables.length === 0) return
  const position = qube.place('slic/tables')
  if (qube.value('qube/features/uefi') === '1') {
    const hint = `uefi is on at ${formatRange(qube.place('qube/features/uefi'))}; there are reports that UEFI firmware does not hand the tables on as activation needs`
    report(
      'slic/tables',
      warningAt(position, problem('slic-uefi', 'slic may not work with UEFI firmware', hint)),
    )
  }
  const later = ['windows-10', 'windows-11'].find((profile) => qube.composed.builtIns.has(profile))
  if (later !== undefined && qube.tables.includes(HOST_SLIC)) {
    const hint = 'Windows 8 and later look for MSDM, which holds a product key: tables: [host:MSDM]'
    report(
      'slic/tables',
      warningAt(position, problem('slic-unused', `${later} does not activate with SLIC`, hint)),
    )
  }
}

function checkMemory(qube: View, report: ReportOn): void {
  const memory = qube.value('qube/memory')
  const maxmem = qube.value('qube/maxmem')
  if (typeof memory !== 'number' || typeof maxmem !== 'number' || maxmem === 0 || memory <= maxmem) return
  const hint = `maxmem is ${maxmem} at ${formatRange(qube.place('qube/maxmem'))}; 0 turns balancing off, as Windows needs`
  report(
    'qube/memory',
    errorAt(
      qube.place('qube/memory'),
      problem('memory-over-maxmem', `memory ${memory} is more than maxmem`, hint),
    ),
  )
}

/** Windows does not survive memory that is taken from it, and neither does any guest without Xen's balloon. */
function adviseOnMemory(qube: View, report: ReportOn): void {
  const memory = qube.value('qube/memory')
  const maxmem = qube.value('qube/maxmem')
  const stubdom = qube.value('stubdom/memory')
  const warn = (path: string, ...what: Parameters<typeof problem>): void => {
    report(path, warningAt(qube.place(path), problem(...what)))
  }
  if (typeof memory !== 'number') return
  const isHvm = qube.value('qube/virtMode') === 'hvm'
  if (isHvm && typeof maxmem === 'number' && memory < maxmem && isBalanced(memory, maxmem)) {
    const message = `memory is balanced between ${memory} and ${maxmem} MiB: Windows crashes when memory is taken from it`
    warn('qube/maxmem', 'memory-balanced', message, 'write maxmem: 0')
  }
  if (typeof stubdom === 'number' && memory >= LARGE_MEMORY && stubdom < STUBDOM_FOR_LARGE) {
    const message = `${stubdom} MiB for the stubdomain of a qube with ${memory} MiB: its QEMU may run out of memory`
    const hint = 'leave it out, or write stubdom: { memory: 500 } (QubesOS/qubes-issues#3821)'
    warn('stubdom/memory', 'little-stubdom-memory', message, hint)
  }
}

/** What the version of Windows that a qube extends needs at least. */
function adviseOnWindows(profile: string, qube: View, report: ReportOn): void {
  const needs = WINDOWS_NEEDS[profile]
  if (needs === undefined) return
  const memory = qube.value('qube/memory')
  if (typeof memory === 'number' && memory < needs.memory) {
    const message = `${memory} MiB of memory, and ${profile} needs ${needs.memory}`
    const hint = 'the documentation gives Windows 4096 to 8192'
    report('qube/memory', warningAt(qube.place('qube/memory'), problem('little-memory', message, hint)))
  }
  const { ensure } = qube.composed
  const root = ensure === null || ensure.creates === ABSENT ? undefined : ensure.creates.volumes.root
  if (ensure !== null && root !== undefined && root < needs.root * GIB) {
    const message = `a root volume of ${Math.floor(root / MIB)} MiB, and ${profile} needs ${needs.root} GiB`
    const hint = `write ensure: { root: ${needs.root}GiB }, or more`
    report(null, warningAt(ensure.position, problem('small-root', message, hint)))
  }
}

const MIB = 1024 * 1024
const GIB = 1024 * MIB

function checkDenied({ usb, composed }: View, report: ReportOn): void {
  if (usb.length === 0) return
  for (const { area, path, position, value } of composed.statements.values()) {
    if (area !== 'usb' || value !== true || !path.startsWith('usb/denied/')) continue
    for (const { device, key, position: place } of usb) {
      const met = deniedInterfaces(device, path.slice('usb/denied/'.length))
      if (met.length === 0) continue
      const hint = `${key} at ${formatRange(place)} has ${oneOf([...new Set(met)])}; give up one of the two`
      report(
        path,
        errorAt(position, problem('denied-device', 'this denies an interface of an assigned device', hint)),
      )
    }
  }
}

/** Its own audio qube a qube may be. */
function checkItself(name: string, qube: View, report: ReportOn): void {
  if (qube.value('qube/netvm') !== name) return
  const what = problem('itself', `${name} cannot be its own netvm`, 'name another qube, or write off')
  report('qube/netvm', errorAt(qube.place('qube/netvm'), what))
}

/** qubesd fails inside over it, and closes without an answer. */
function checkNetwork(qube: View, report: ReportOn): void {
  if (qube.value('qube/netvm') !== 'dom0') return
  const found = problem('no-network', 'dom0 gives no network', 'name another qube, or write off')
  report('qube/netvm', errorAt(qube.place('qube/netvm'), found))
}

/** A label that makes do: the one that is said with `ensure`, else the setting. */
export function ensureLabel({ ensure, statements }: Composed): string | null {
  const setting = statements.get('qube/label')?.value
  const said = ensure === null || ensure.creates === ABSENT ? null : ensure.creates.label
  return said ?? (typeof setting === 'string' && LABEL.test(setting) ? setting : null)
}

function checkEnsure(name: string | null, composed: Composed, report: ReportOn): void {
  const { ensure, complete } = composed
  if (ensure === null) return
  const { position, creates } = ensure
  if (name === null) {
    const hint = 'write it for the qube itself, under qubes'
    const message = 'a selector matches qubes that are there: it creates none, and removes none'
    report(null, errorAt(position, problem('ensure-select', message, hint)))
  } else if (creates !== ABSENT && creates.template === name) {
    report(
      null,
      errorAt(position, problem('itself', `${name} cannot be its own template`, 'name another qube')),
    )
  } else if (creates !== ABSENT && complete && ensureLabel(composed) === null) {
    const hint = 'write label: COLOUR, in ensure or under qube'
    report(null, errorAt(position, problem('ensure-label', 'a qube is created with a label', hint)))
  }
}

function adviseOnMissing(qube: View, report: ReportOn): void {
  const first = qube.usb[0]
  if (first === undefined || typeof qube.value('stubdom/qrexec') === 'boolean') return
  const hint = 'write stubdom: { qrexec: true }, unless the guest has USB support of its own'
  report(
    first.path,
    warningAt(
      first.position,
      problem('usb-without-qrexec', 'nothing here says that the stubdomain has qrexec', hint),
    ),
  )
}

function adviseOnQube(qube: View, report: ReportOn): void {
  if (qube.value('qube/features/gui') === '1' && qube.value('qube/features/gui-emulated') === '1') {
    const hint = `gui is on at ${formatRange(qube.place('qube/features/gui'))}; seamless mode and the emulated screen exclude each other`
    report(
      'qube/features/gui-emulated',
      warningAt(
        qube.place('qube/features/gui-emulated'),
        problem('two-guis', 'gui and guiEmulated are both on', hint),
      ),
    )
  }
  adviseOnMemory(qube, report)
  const windows = [...qube.composed.builtIns].find((profile) => profile.startsWith('windows-'))
  if (windows === undefined) return
  adviseOnWindows(windows, qube, report)
  for (const [path, byTools] of [
    ['qube/qrexecTimeout', 6000],
    ['qube/maxmem', 0],
  ] as const) {
    const value = qube.value(path)
    if (value === undefined || value === byTools) continue
    const hint = `a qube without a template gets ${byTools} from them after each logon; write ${byTools}, or unmanaged`
    report(
      path,
      warningAt(
        qube.place(path),
        problem('set-by-tools', `Windows Tools set ${path.slice(5)} at every boot`, hint),
      ),
    )
  }
}
