import { type Host, type HostCall, type HostQube, type UsbAssignment } from '../../reconciler/ports/host.ts'
import { type Receipt, type Receipts } from '../../reconciler/ports/receipts.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { RECORD } from './snapshot.ts'

/**
 * A host and a state folder in memory, for laws over many histories: it keeps texts, and nothing else of what qubesd knows. Every
 * step that outlasts a run, a call that writes or a receipt, can be the last of that run, or be given to somebody else first.
 */
export interface MemoryHost {
  readonly host: Host
  readonly receipts: Receipts
  readonly qubes: readonly HostQube[]
  /** `QUBE feature NAME` and the like to its text; also the records. */
  readonly texts: Map<string, string>
  /** Writes of qstate, in order. */
  readonly log: { readonly key: string; readonly text: string | null }[]
  /** By clone and removal: another UUID. Others name it anew. */
  rename(from: string, to: string): void
  /** Told before each step that outlasts the run. May write, as others do, or throw `CUT_OFF`. */
  onStep: (step: Step) => void
}

interface Step {
  readonly kind: 'write' | 'receipt'
  readonly phase: 'before' | 'after'
  readonly key: string
}

/** What a run that is killed meets, whatever it tries from then on. */
export const cutOff = (): QstateError =>
  new QstateError(problem('daemon-unreachable', 'the run was cut off', 'run it again'))

export function memoryHost(names: readonly string[]): MemoryHost {
  const qubes = [...names, 'sys-usb'].map((name, index): HostQube => ({
    name,
    klass: 'StandaloneVM',
    state: 'Halted',
    uuid: `00000000-0000-4000-8000-00000000000${index}`,
  }))
  const texts = new Map<string, string>()
  const kept = new Map<string, Receipt>()
  const log: MemoryHost['log'] = []
  let uuids = qubes.length
  const memory: MemoryHost = {
    qubes,
    texts,
    log,
    onStep: () => undefined,
    rename(from, to) {
      const at = qubes.findIndex(({ name }) => name === from)
      const uuid = `00000000-0000-4000-8000-${String(uuids++).padStart(12, '0')}`
      qubes.splice(at, 1, { ...qubes[at]!, name: to, uuid })
      for (const [key, text] of [...texts]) {
        const [qube = '', kind = '', name = ''] = key.split(' ')
        const anew = kind === 'usb' && name.startsWith(`${from}+`) ? `${to}${name.slice(from.length)}` : name
        const next = `${qube === from ? to : qube} ${kind} ${anew}`
        if (next === key) continue
        texts.delete(key)
        texts.set(next, kind === 'usb' ? text.replace(`"backend":"${from}"`, `"backend":"${to}"`) : text)
      }
    },
    receipts: {
      read: (key) => Promise.resolve(kept.get(key)),
      async write(key, receipt) {
        await step('receipt', key, () => void kept.set(key, structuredClone(receipt)))
      },
      async remove(key) {
        await step('receipt', key, () => void kept.delete(key))
      },
      async move(from, to) {
        const receipt = kept.get(from)
        if (receipt === undefined) return
        await step('receipt', to, () => {
          kept.set(to, receipt)
          kept.delete(from)
        })
      },
      ofNames: (names) =>
        Promise.resolve(
          new Map([...kept].flatMap(([key, { qube = '' }]) => (names.has(qube) ? [[key, qube]] : []))),
        ),
      matched: () => Promise.resolve(null),
      setMatched: () => Promise.resolve(),
      open: () => Promise.resolve(new Set([...kept].flatMap(([key, { open }]) => (open ? [key] : [])))),
    },
    host: {
      where: 'memory',
      hasPolicy: false,
      ownQube: null,
      list: () => Promise.resolve(qubes),
      version: () => '4.3',
      read: (qube) => Promise.resolve(readingOf(qube, texts)),
      tableProblem: () => Promise.resolve(undefined),
      tableTemplates: () => Promise.resolve({ status: 'present', value: [] }),
      templateTexts: () => Promise.resolve(undefined),
      inheritedFeature: () => Promise.resolve({ status: 'absent' }),
      exactVersion: () => Promise.resolve('4.3'),
      labels: unused,
      kernels: unused,
      features: unused,
      tags: unused,
      properties: unused,
      availableDevices: unused,
      attachedDevices: unused,
      startObstacle: unused,
      state: unused,
      volumeSize: unused,
      async write(call) {
        const { key, text } = effectOf(call, texts)
        await step('write', key, () => {
          log.push({ key, text })
          setText(texts, key, text)
        })
      },
    },
  }
  async function step(kind: Step['kind'], key: string, work: () => void): Promise<void> {
    await Promise.resolve()
    memory.onStep({ kind, phase: 'before', key })
    work()
    memory.onStep({ kind, phase: 'after', key })
  }
  return memory
}

export function setText(texts: Map<string, string>, key: string, text: string | null): void {
  if (text === null) texts.delete(key)
  else texts.set(key, text)
}

const unused = (): Promise<never> => Promise.reject(new Error('no plan or apply asks for this'))

const ABSENT = { status: 'absent' } as const

function readingOf(qube: string, texts: ReadonlyMap<string, string>): Awaited<ReturnType<Host['read']>> {
  const at = (kind: string, name: string): { status: 'present'; value: string } | typeof ABSENT => {
    const value = texts.get(`${qube} ${kind} ${name}`)
    return value === undefined ? ABSENT : { status: 'present', value }
  }
  return {
    feature: (name) => at('feature', name),
    property: (name) => at('property', name),
    effective: (name) => at('property', name),
    peek: () => undefined,
    tag: (name) => (at('tag', name) === ABSENT ? ABSENT : { status: 'present', value: true }),
    usb: () => ({
      status: 'present',
      value: [...texts].flatMap(([key, text]) =>
        key.startsWith(`${qube} usb `) ? [JSON.parse(text) as UsbAssignment] : [],
      ),
    }),
    denied: () => ({ status: 'present', value: [] }),
    slic: () => ABSENT,
  }
}

/** The text that a call leaves, and where. */
function effectOf(
  { dest, method, arg, payload }: HostCall,
  texts: ReadonlyMap<string, string>,
): { readonly key: string; readonly text: string | null } {
  const [, kind = '', verb = ''] =
    /^admin\.vm\.(?:device\.)?(feature|property|tag|usb)\.(.+)$/.exec(method) ?? []
  const key = `${dest} ${kind} ${arg}`
  switch (verb) {
    case 'Set':
      return { key, text: payload }
    case 'Assign': {
      const fields = [...payload.matchAll(/(\S+?)='([^']*)'/g)].map(([, name = '', value = '']) => [
        name,
        value,
      ])
      return { key, text: assignmentText(Object.fromEntries(fields) as Record<string, string>) }
    }
    case 'Set.assignment':
      return {
        key,
        text: JSON.stringify({ ...(JSON.parse(texts.get(key) ?? '{}') as object), mode: payload }),
      }
    case 'Remove':
    case 'Reset':
    case 'Unassign':
      return { key, text: null }
    default:
      throw new Error(`no plan asks for ${method}`)
  }
}

export function assignmentText(fields: Readonly<Record<string, string>>): string {
  const { backend_domain: backend, port_id: port, device_id: identity, mode } = fields
  const options = Object.entries(fields).flatMap(([key, value]) =>
    key.startsWith('_') ? [[key.slice(1), value]] : [],
  )
  const more = options.length === 0 ? {} : { options: Object.fromEntries(options) as Record<string, string> }
  return JSON.stringify({ backend, port, identity, mode, ...more })
}

export const recordKey = (qube: string): string => `${qube} feature ${RECORD}`
