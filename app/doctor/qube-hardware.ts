import { type Check, given, ok, problem, quote, warning } from './check.ts'
import { isBalanced } from '../../spec/index.ts'
import { type WindowsQube } from './qube-facts.ts'

/** The recipe of the documentation gives a Windows qube 4 to 8 GiB. */
const LEAST_MEMORY = 4096

/** The machine that a Windows qube is: one entry, one check. */
export const hardwareChecks: readonly Check<WindowsQube>[] = [
  {
    name: 'virt-mode',
    look: ({ qube, property }) =>
      given([property('virt_mode')], (mode) =>
        mode === 'hvm'
          ? ok('hvm')
          : problem(
              'needs-hvm',
              `virt_mode is ${String(mode)}: Windows needs hvm`,
              `extends: hvm, or \`qvm-prefs ${qube.name} virt_mode hvm\``,
            ),
      ),
  },
  {
    name: 'kernel',
    look: ({ qube, property }) =>
      given([property('kernel')], (kernel = '') =>
        kernel === ''
          ? ok('none')
          : problem(
              'guest-kernel',
              `the qube is started with the kernel ${quote(kernel)}, and Windows boots from its own disk`,
              `extends: hvm, or \`qvm-prefs ${qube.name} kernel ''\``,
            ),
      ),
  },
  {
    name: 'balancing',
    look: ({ qube, property }) =>
      given([property('maxmem'), property('memory')], (maxmem = '0', memory = '') =>
        !isBalanced(Number(memory), Number(maxmem))
          ? ok('off')
          : problem(
              'memory-balanced',
              `memory is balanced (maxmem ${maxmem}): Windows crashes when memory is taken from it`,
              `extends: hvm, or \`qvm-prefs ${qube.name} maxmem 0\``,
            ),
      ),
  },
  {
    name: 'memory',
    look: ({ qube, property }) =>
      given([property('memory')], (text) => {
        const memory = Number(text)
        if (memory >= LEAST_MEMORY) return ok(`${memory} MiB`)
        return warning(
          'little-memory',
          `${String(text)} MiB of memory: the documentation gives Windows 4096 to 8192`,
          `qube: { memory: 4096 }, or \`qvm-prefs ${qube.name} memory 4096\`; Windows 7 may do with less`,
        )
      }),
  },
]
