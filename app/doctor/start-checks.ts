import { type HarmFacts, harmOfRows, pathOfDevice, readNetworkFacts } from '../../reconciler/index.ts'
import {
  type Check,
  type CheckResult,
  given,
  locatedAt,
  notSeen,
  ok,
  orHarm,
  problem,
  quote,
  warning,
} from './check.ts'
import { type CheckContext } from './context.ts'
import { type WindowsQube } from './qube-facts.ts'

/** What keeps a qube from its next start, as restarts ask it too: one entry, one check. */
export const startChecks = (context: CheckContext): readonly Check<WindowsQube>[] => [
  {
    name: 'state',
    look: (one) =>
      harmOfRows(factsOf(one, context), ['state']).hindered.map(({ problem: { code, message, hint } }) =>
        (code === 'crashed' ? problem : warning)(code, message, hint),
      ),
  },
  {
    name: 'start',
    async look(one) {
      const facts = factsOf(one, context)
      const network = await readNetworkFacts(facts, context)
      return orHarm(harmOfRows({ ...facts, network }, ['prohibited', 'network']), () => ok('allowed'))
    },
  },
  {
    name: 'audio-model',
    look: (one) =>
      orHarm(harmOfRows(factsOf(one, context), ['model']), () =>
        given([one.feature('audio-model')], (model = '') => soundOf(one, model)),
      ),
  },
  {
    name: 'audiovm',
    look: (one) => orHarm(harmOfRows(factsOf(one, context), ['audioQube']), () => audioQubeOf(one)),
  },
  {
    name: 'required-devices',
    look(one) {
      const { assigned, wanted } = one
      if (assigned.status === 'unknown') return notSeen(assigned)
      const required = (assigned.status === 'present' ? assigned.value : []).filter(
        ({ mode }) => mode === 'required',
      )
      if (required.length === 0) return ok('none')
      const facts = factsOf(one, context)
      return required.flatMap((device): readonly CheckResult[] => {
        const alone: HarmFacts = { ...facts, assigned: { status: 'present', value: [device] } }
        const found = orHarm(harmOfRows(alone, ['devices']), () =>
          ok(`${pathOfDevice(device).slice('usb/'.length)} is plugged in`),
        )
        const line = wanted?.settings.get(pathOfDevice(device))?.position
        return [found].flat().map((result) => locatedAt(result, line))
      })
    },
  },
]

/** Of the qube itself: what has been read of it for other checks is not read again. */
function factsOf(one: WindowsQube, { plugged, qubes }: CheckContext): HarmFacts {
  return {
    qube: one.qube,
    ownQube: null,
    listed: (name) => qubes.find((qube) => qube.name === name),
    model: one.feature('audio-model'),
    prohibited: one.prohibited,
    property: (name) => (name === 'auto_cleanup' ? { status: 'absent' } : one.property(name)),
    assigned: one.assigned,
    plugged: (backend) => plugged.get(backend) ?? { status: 'absent' },
    // The check of libvirt templates looks at those of all qubes.
    files: { status: 'absent' },
    lent: { status: 'absent' },
    network: null,
  }
}

function soundOf({ qube }: WindowsQube, model: string): CheckResult {
  if (model === '') return ok('no sound card')
  if (model === 'ich6') return ok('ich6')
  return warning(
    'silent-model',
    `audio-model is ${quote(model)}: it is likely silent, the stubdomain gives its sound to ich6 only`,
    `audio: ich6, or \`qvm-features ${qube.name} audio-model ich6\``,
  )
}

const audioQubeOf = ({ qube, qubes, feature, property }: WindowsQube): ReturnType<typeof given> =>
  given([feature('audio-model'), property('audiovm')], (model = '', audiovm = '') => {
    if (model === '') return ok('not needed: no sound card')
    if (audiovm === '')
      return warning(
        'no-audiovm',
        'no audiovm: the sound card is there, and nobody plays it',
        `audio: { audiovm: dom0 }, or \`qvm-prefs ${qube.name} audiovm dom0\``,
      )
    if (qubes.some(({ name }) => name === audiovm)) return ok(audiovm)
    return problem(
      'unknown-qube',
      `audiovm is ${audiovm}, and there is no such qube`,
      `\`qvm-prefs --default ${qube.name} audiovm\``,
    )
  })
