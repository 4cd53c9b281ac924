import { parseRecord } from '../../reconciler/index.ts'
import { type Check, given, ok, problem, quote, unseen, warning } from './check.ts'
import { type WindowsQube } from './qube-facts.ts'
import { hardwareChecks } from './qube-hardware.ts'
import { stubdomChecks } from './qube-stubdom.ts'

/** What is looked at on each Windows qube: one entry, one check. */
export const QUBE_CHECKS: readonly Check<WindowsQube>[] = [
  ...hardwareChecks,
  ...stubdomChecks,
  {
    name: 'timezone',
    look: ({ qube, feature }) =>
      given([feature('timezone')], (zone) => {
        if (zone === undefined || zone === '') return ok('not set: the clock of the machine is UTC')
        if (/^(?:localtime|-?[0-9]+)$/.test(zone)) return ok(zone)
        return warning(
          'bad-timezone',
          `timezone is ${quote(zone)}: Qubes takes it for UTC and says nothing`,
          `qube: { timezone: localtime }, or \`qvm-features ${qube.name} timezone localtime\``,
        )
      }),
  },
  {
    name: 'gui',
    look: ({ qube, feature }) =>
      given([feature('gui'), feature('gui-emulated')], (gui, emulated) => {
        if (on(gui) && on(emulated))
          return warning(
            'two-guis',
            'gui and gui-emulated are both on: the guest and the emulated screen both want to show it',
            `turn one of them off: \`qvm-features ${qube.name} gui-emulated ''\` keeps the windows of Windows Tools`,
          )
        if (gui === '' && emulated === '')
          return warning(
            'no-gui',
            'gui and gui-emulated are both off: nothing of the qube is shown',
            `\`qvm-features ${qube.name} gui-emulated 1\` shows its screen`,
          )
        return ok(on(gui) ? 'shown by Windows Tools' : 'shown as an emulated screen')
      }),
  },
  {
    name: 'windows-tools',
    look: ({ feature }) =>
      given([feature('qrexec'), feature('gui'), feature('os')], (qrexec, gui, os) => {
        const seen = [
          ...(on(qrexec) ? ['qrexec'] : []),
          ...(on(gui) ? ['gui'] : []),
          ...(os === 'Windows' ? ['os'] : []),
        ]
        if (on(qrexec)) return ok(`seen: ${seen.join(', ')}`)
        return warning(
          'no-windows-tools',
          'Windows Tools have not been seen: no clipboard, no file copy, no windows of their own',
          'install them in the guest, start it and log in once; without them sound and USB work all the same',
        )
      }),
  },
  {
    name: 'qrexec-timeout',
    look: ({ qube, feature, property }) =>
      given([feature('qrexec'), property('qrexec_timeout')], (qrexec, text) => {
        const seconds = Number(text)
        if (!on(qrexec) || !(seconds < 300)) return ok(`${String(text)} s`)
        return warning(
          'short-timeout',
          `qrexec_timeout is ${seconds} s: a start that takes longer, as updates do, is broken off`,
          `extends: windows-10, or \`qvm-prefs ${qube.name} qrexec_timeout 6000\`, which is what Windows Tools set`,
        )
      }),
  },
  {
    name: 'ownership-record',
    look: ({ qube, property, record }) =>
      given([record, property('uuid')], (text, told) => {
        const uuid = qube.uuid ?? told
        if (text === undefined || text === '') return ok('none: qstate owns nothing here')
        if (uuid === undefined)
          return unseen(
            'unreadable-uuid',
            'the qube does not tell its UUID',
            'the property uuid has to be readable',
          )
        const reading = parseRecord(text, { name: qube.name, uuid })
        switch (reading.kind) {
          case 'none':
            return ok('none: qstate owns nothing here')
          case 'record':
            return ok(`of ${reading.record.at.slice(0, 60)}, with ${reading.record.set.size} settings`)
          case 'foreign':
            return warning(
              'foreign-record',
              'it carries the ownership record of another qube, as a clone does: qstate does not believe it',
              'nothing needs to be done: the next apply replaces it, and `qstate release` does not touch the other qube',
            )
          case 'unreadable': {
            const { code, message, hint } = reading.problem
            return problem(code, `${message}: qstate plans nothing here`, hint)
          }
        }
      }),
  },
]

const on = (feature: string | undefined): boolean => feature !== undefined && feature !== ''
