import { type Check, given, ok, problem, warning } from './check.ts'
import { type WindowsQube } from './qube-facts.ts'

/** The stubdomain that sound and USB go through: one entry, one check. */
export const stubdomChecks: readonly Check<WindowsQube>[] = [
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
