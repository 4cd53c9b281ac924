import { type Check, given, ok, problem, quote, warning } from './check.ts'
import { type WindowsQube } from './qube-facts.ts'

/** libvirt of Qubes starts these, and only ich6 is given the sound of the stubdomain. */
const SILENT: ReadonlySet<string> = new Set(['ac97', 'es1370', 'sb16'])

/** Sound, and the stubdomain that sound and USB go through: one entry, one check. */
export const soundChecks: readonly Check<WindowsQube>[] = [
  {
    name: 'audio-model',
    look: ({ qube, feature }) =>
      given([feature('audio-model')], (model = '') => {
        if (model === '') return ok('no sound card')
        if (model === 'ich6') return ok('ich6')
        const fix = `audio: ich6, or \`qvm-features ${qube.name} audio-model ich6\``
        if (SILENT.has(model))
          return warning(
            'silent-model',
            `audio-model is ${model}: it is likely silent, the stubdomain gives its sound to ich6 only`,
            fix,
          )
        const what = `audio-model is ${quote(model)}: libvirt of Qubes refuses it, and the qube does not start`
        return model === '0'
          ? problem(
              'unknown-model',
              `${what}; 0 is not off`,
              `audio: off, or \`qvm-features ${qube.name} audio-model ''\``,
            )
          : problem('unknown-model', what, fix)
      }),
  },
  {
    name: 'audiovm',
    look: ({ qube, qubes, feature, property }) =>
      given([feature('audio-model'), property('audiovm')], (model = '', audiovm = '') => {
        if (model === '') return ok('not needed: no sound card')
        if (audiovm === '')
          return warning(
            'no-audiovm',
            'no audiovm: the sound card is there, and nobody plays it',
            `audio: { audiovm: dom0 }, or \`qvm-prefs ${qube.name} audiovm dom0\``,
          )
        const player = qubes.find(({ name }) => name === audiovm)
        if (player === undefined)
          return problem(
            'unknown-qube',
            `audiovm is ${audiovm}, and there is no such qube`,
            `\`qvm-prefs --default ${qube.name} audiovm\``,
          )
        if (player.klass === 'AdminVM' || player.state === 'Running') return ok(audiovm)
        const silent = qube.state === 'Running' ? 'there is no sound now' : 'there will be no sound'
        return warning(
          'not-running',
          `audiovm ${audiovm} is not running: ${silent}`,
          `\`qvm-start ${audiovm}\` before this qube is started, and let it start with the host: \`qvm-prefs ${audiovm} autostart true\``,
        )
      }),
  },
  {
    name: 'linux-stubdom',
    look: ({ qube, feature }) =>
      given(
        [feature('linux-stubdom'), feature('audio-model'), feature('stubdom-qrexec')],
        (linux, model = '', qrexec = '') => {
          if (linux !== '') return ok('the Linux stubdomain')
          const fix = `stubdom: { linux: inherit }, or \`qvm-features --unset ${qube.name} linux-stubdom\``
          return model === '' && qrexec === ''
            ? warning(
                'needs-linux-stubdom',
                'linux-stubdom is off: the old stubdomain has neither sound nor USB',
                fix,
              )
            : problem(
                'needs-linux-stubdom',
                'linux-stubdom is off: sound and USB, which are asked for, are not there',
                fix,
              )
        },
      ),
  },
  {
    name: 'stubdom-qrexec',
    look: ({ qube, feature, assigned, wanted }) =>
      given<unknown>([feature('stubdom-qrexec'), assigned], (qrexec) => {
        if (typeof qrexec === 'string' && qrexec !== '') return ok('on')
        const paths = wanted === null ? [] : [...wanted.settings.values()]
        const inSpec = paths.some(({ path, value }) => /^usb\/(?!denied\/)/.test(path) && value !== null)
        const count = assigned.status === 'present' ? assigned.value.length : 0
        if (count === 0 && !inSpec) return ok('off, and no USB device is assigned')
        return problem(
          'needs-stubdom-qrexec',
          'stubdom-qrexec is off, and a USB device is assigned: it cannot be attached',
          `stubdom: { qrexec: true }, or \`qvm-features ${qube.name} stubdom-qrexec 1\`, then restart the qube`,
        )
      }),
  },
]
