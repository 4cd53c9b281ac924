import { type Code, problem, type Problem, quote } from '../../spec/diagnostics/index.ts'
import { SOUND_MODELS } from '../../spec/index.ts'
import { type Observation } from '../ports/index.ts'
import { type HarmFacts } from './facts.ts'
import { absentDevice } from './required.ts'

/**
 * What is harmed. `start`: it would not start (again). `shutdown`: it is not shut down, or not to be. `others`: its shutdown takes
 * something from qubes that run, to which a person may agree.
 */
type HarmKind = 'start' | 'shutdown' | 'others'

export interface Harm {
  readonly kind: HarmKind
  readonly problem: Problem
}

/** What is known to be harmful, and of what it is not known whether it is. Harmless: neither. */
export interface HarmAnswer {
  readonly hindered: readonly Harm[]
  readonly unknown: readonly Harm[]
}

/** Absent: it does no harm. */
type Look = (facts: HarmFacts) => readonly Observation<Problem>[]

interface Hindrance {
  readonly kind: HarmKind
  readonly look: Look
}

/** Everything that keeps a qube from starting, or makes its shutdown harmful: one row each, the surest first. */
const HINDRANCES = {
  ownQube: {
    kind: 'shutdown',
    look: ({ qube: { name }, ownQube }) =>
      name !== ownQube
        ? []
        : found(
            'own-qube',
            'it is the qube that qstate runs in: nobody would be left to start it again',
            `restart it from dom0: \`qvm-shutdown --wait ${name} && qvm-start ${name}\``,
          ),
  },
  state: { kind: 'shutdown', look: inState },
  disposable: { kind: 'shutdown', look: removedByShutdown },
  prohibited: {
    kind: 'start',
    look: ({ qube, prohibited }) =>
      given(prohibited, (why) =>
        found(
          'start-prohibited',
          `its feature prohibit-start is set: ${quote(why)}`,
          `if it may start again: \`qvm-features --unset ${qube.name} prohibit-start\``,
        ),
      ),
  },
  model: { kind: 'start', look: refusedModel },
  audioQube: { kind: 'start', look: silentAudioQube },
  devices: {
    kind: 'start',
    look: (facts) =>
      facts.assigned.status === 'unknown'
        ? [facts.assigned]
        : (facts.assigned.status === 'present' ? facts.assigned.value : [])
            .filter(({ mode }) => mode === 'required')
            .flatMap((device) => absentDevice(device, facts) ?? []),
  },
  files: { kind: 'start', look: ({ files, property }) => (isHvm(property) ? [files] : []) },
  network: { kind: 'start', look: stoppedNetwork },
  lent: {
    kind: 'others',
    look: ({ lent, qube }) => {
      if (lent.status === 'unknown') return [lent]
      const devices = lent.status === 'present' ? lent.value : []
      if (devices.length === 0) return []
      const list = devices.map(
        ({ port, description, to }) =>
          `${to} has ${qube.name}+${port}${description === '' ? '' : ` (${description})`}`,
      )
      return found(
        'devices-in-use',
        `other qubes would lose devices of it: ${list.join(', ')}`,
        'detach them or shut these qubes down, or agree to it: `qstate apply --restart ask`',
      )
    },
  },
} satisfies Readonly<Record<string, Hindrance>>

const found = (code: Code, message: string, hint: string): readonly Observation<Problem>[] => [
  { status: 'present', value: problem(code, message, hint) },
]

/** What a text that is set says; nothing where it is empty or absent. */
function given(seen: Observation<string>, look: (text: string) => ReturnType<Look>): ReturnType<Look> {
  if (seen.status === 'unknown') return [seen]
  return seen.status === 'present' && seen.value !== '' ? look(seen.value) : []
}

/** Where the mode is not known, the qube may be one. */
function isHvm(property: HarmFacts['property']): boolean {
  const mode = property('virt_mode')
  return mode.status !== 'present' || mode.value === 'hvm'
}

/** What can be done in each state but the two that all know. */
export function inState({ qube: { name, state } }: Pick<HarmFacts, 'qube'>): ReturnType<Look> {
  switch (state) {
    case 'Paused':
      return found(
        'asleep',
        'it is paused, and does not shut down while it is',
        `unpause it (\`qvm-unpause ${name}\`), then run this again`,
      )
    case 'Suspended':
      return found(
        'asleep',
        'it is suspended, and does not shut down while it is',
        `it wakes up with the host; if it does not, end it (\`qvm-kill ${name}\`)`,
      )
    case 'Crashed':
      return found(
        'crashed',
        'it has crashed: it does not shut down, and takes nothing in',
        `end it (\`qvm-kill ${name}\`): what waits takes effect when it is started`,
      )
    case 'Halting':
    case 'Dying':
      return found('ending', 'it is being shut down', 'start it once it is halted')
    default:
      return []
  }
}

/** A disposable that qubesd removes, with all its data, once it has been shut down. Where that is not known it may be one. */
function removedByShutdown({ qube, property }: HarmFacts): ReturnType<Look> {
  if (qube.klass !== 'DispVM') return []
  const cleanup = property('auto_cleanup')
  if (cleanup.status === 'unknown') {
    const { message, hint } = cleanup.problem
    return found('disposable', `whether it is removed when it is shut down is not known: ${message}`, hint)
  }
  if (cleanup.status === 'absent' || cleanup.value !== 'True') return []
  return found(
    'disposable',
    'it is a disposable, and is removed with all its data when it is shut down',
    'set this on its template, for the disposables to come',
  )
}

function refusedModel({ qube: { name }, model, property }: HarmFacts): ReturnType<Look> {
  if (!isHvm(property)) return []
  return given(model, (value) => {
    if (SOUND_MODELS.some((model) => model === value)) return []
    const text = `audio-model is ${quote(value)}, which libvirt of Qubes refuses`
    return value === '0'
      ? found(
          'unknown-model',
          `${text}; 0 is not off`,
          `audio: off, or \`qvm-features ${name} audio-model ''\``,
        )
      : found('unknown-model', text, `audio: ich6, or \`qvm-features ${name} audio-model ich6\``)
  })
}

/** The stubdomain connects to it at the start, and QEMU may end where nothing answers (QubesOS/qubes-issues#9540). */
function silentAudioQube({ qube, model, property, listed }: HarmFacts): ReturnType<Look> {
  if (!isHvm(property)) return []
  return given(model, () =>
    given(property('audiovm'), (audiovm) => {
      const player = listed(audiovm)
      if (player === undefined || audiovm === qube.name || player.klass === 'AdminVM') return []
      if (player.state === 'Running') return []
      return found(
        'not-running',
        `its audio qube ${audiovm} is not running, and has to be when it starts`,
        `\`qvm-start ${audiovm}\` before this qube is started, and let it start with the host: \`qvm-prefs ${audiovm} autostart True\``,
      )
    }),
  )
}

/** A qube starts its network qube first. */
function stoppedNetwork({ network }: HarmFacts): ReturnType<Look> {
  if (network === null) return []
  return harmOf(network, ['start']).hindered.flatMap(({ problem: { code, message, hint } }) =>
    found(code, `its network qube ${network.qube.name} does not start: ${message}`, hint),
  )
}

/** The one answer to whether a qube starts again, and whom its shutdown harms. Pure. */
export const harmOf = (facts: HarmFacts, kinds: readonly HarmKind[]): HarmAnswer =>
  answer(
    Object.values(HINDRANCES).filter(({ kind }) => kinds.includes(kind)),
    facts,
  )

/** The answer of some rows alone, for callers that tell them apart. */
export const harmOfRows = (facts: HarmFacts, names: readonly (keyof typeof HINDRANCES)[]): HarmAnswer =>
  answer(
    names.map((name) => HINDRANCES[name]),
    facts,
  )

function answer(rows: readonly Hindrance[], facts: HarmFacts): HarmAnswer {
  const all = rows.flatMap(({ kind, look }) => look(facts).map((seen) => ({ kind, seen })))
  return {
    hindered: all.flatMap(({ kind, seen }) =>
      seen.status === 'present' ? [{ kind, problem: seen.value }] : [],
    ),
    unknown: all.flatMap(({ kind, seen }) =>
      seen.status === 'unknown' ? [{ kind, problem: seen.problem }] : [],
    ),
  }
}
