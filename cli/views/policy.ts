import { type Extras, type ManagementPolicy, type Rule } from '../../app/policy/index.ts'
import { fold } from './style.ts'

/** A policy file of dom0, columns aligned. Comments stand on lines of their own: qrexec knows no others. */
export function policyText({ source, release, extras, paths, groups, denied }: ManagementPolicy): string {
  const rules = [...groups.flatMap((group) => group.rules), ...denied]
  const widest = (pick: (rule: Rule) => string): number =>
    rules.reduce((width, r) => Math.max(width, pick(r).length), 0)
  // A device's name may be as long as a line by itself: it does not push all others to the right.
  const widths = [
    widest((r) => r.method),
    Math.min(
      40,
      widest((r) => r.arg),
    ),
    widest((r) => r.target),
  ] as const
  const print = (action: string) => (r: Rule) =>
    [r.method.padEnd(widths[0]), r.arg.padEnd(widths[1]), source, r.target.padEnd(widths[2]), action].join(
      ' ',
    )

  const flags = flagsOf(extras)
  const command = ['qstate policy', `--qube ${source}`, `--for ${release}`, ...flags, ...paths].join(' ')
  const header = [
    '/etc/qubes/policy.d/30-qstate.policy',
    '',
    ...fold(
      `What qstate in the qube ${source} may ask of dom0, for this spec on Qubes ${release}: to ${doings(extras)}, and nothing else. The first line that matches counts, and what no line allows is denied. Printed by`,
      HEADER_WIDTH,
      '',
    ).split('\n'),
    `  ${ascii(command)}`,
    'and to be printed anew when the spec names other qubes or settings. Of a setting there are the lines that read it,',
    'that set it, and that take it back when the spec drops it.',
  ]
  const parts = groups.map(({ title, rules: own, without }) => {
    const missing = without === undefined ? '' : `: no line to change it, because ${without}`
    return [`# ${ascii(title)}${ascii(missing)}`, ...own.map(print('allow target=dom0'))].join('\n')
  })
  const last = ['# not to be had by a line in a later file either', ...denied.map(print('deny'))].join('\n')
  return `${header.map((line) => `# ${line}`.trimEnd()).join('\n')}\n\n${[...parts, last].join('\n\n')}\n`
}

/** A path that someone chose must not begin a line of policy. */
const ascii = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?')

const HEADER_WIDTH = 118

/** What each flag adds to what a spec takes anyway. */
const ADDED: Readonly<Record<keyof Extras, string>> = {
  restart: 'to restart qubes',
  live: 'to attach and detach USB devices of running ones',
  explain: 'to read what explains a plan',
  agent: 'to hear of what changes there',
  confirm: 'to tell whether an apply on trial changes its own network',
}

function doings(extras: Extras): string {
  const added = Object.entries(ADDED).flatMap(([flag, what]) =>
    extras[flag as keyof Extras] ? [`${what} (--${flag})`] : [],
  )
  return ['plan, apply, withdraw and roll back', ...added].join(', ')
}

const flagsOf = (extras: Extras): readonly string[] =>
  Object.entries(extras).flatMap(([name, on]) => (on ? [`--${name}`] : []))
