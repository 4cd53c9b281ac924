import { type Code, problem, type Problem, quote } from '../diagnostics/index.ts'
import { type Setting } from './settings.ts'

/** What is wrong with a text as the value of a setting, beyond its letters and its length. */
export function textProblem(setting: Setting, text: string): Problem | undefined {
  if (text === '') {
    if (setting.off === '') return undefined
    return problem(
      'empty-text',
      `${setting.key} cannot be empty`,
      'write inherit for the default, or leave it out',
    )
  }
  const rule = RULES[setting.path]
  if (rule === undefined || rule.accepts.test(text)) return undefined
  return problem(rule.code, `${quote(text)} is not ${rule.noun}`, rule.hint)
}

interface Rule {
  readonly accepts: RegExp
  readonly code: Code
  readonly noun: string
  readonly hint: string
}

const RULES: Readonly<Record<string, Rule>> = {
  'qube/features/timezone': {
    accepts: /^(?:localtime|-?[0-9]+)$/,
    code: 'bad-timezone',
    noun: 'a timezone that Qubes reads',
    hint: 'expected localtime, or seconds from UTC in digits with an optional minus; Qubes takes anything else for UTC and says nothing',
  },
  'qube/kernel': {
    accepts: /^[A-Za-z0-9][A-Za-z0-9._+-]*$/,
    code: 'bad-kernel',
    noun: 'the name of a kernel',
    hint: 'the name of a directory under /var/lib/qubes/vm-kernels; off for the kernel of the guest itself, which Windows needs',
  },
  'qube/defaultUser': {
    accepts: /^[A-Za-z0-9_+,.-]+$/,
    code: 'bad-user',
    noun: 'a user name',
    hint: 'the login name of the Windows user; Qubes takes letters, digits and _ - + , . only, and no space',
  },
  'qube/label': {
    // As 3 and as `label-3` qubesd takes the third.
    accepts: /^(?!label-|[0-9]+$)[A-Za-z0-9_.-]+$/,
    code: 'bad-label',
    noun: 'a label',
    hint: 'red, orange, yellow, green, gray, blue, purple, black, or the name of a label of your own',
  },
  'stubdom/videoModel': {
    accepts: /^[a-z0-9][a-z0-9-]*$/,
    code: 'bad-video-model',
    noun: 'a video model',
    hint: 'vga is the default; cirrus for some old Windows; none',
  },
}
