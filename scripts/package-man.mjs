// The manual page, made from the commands themselves, so that it cannot fall behind.

/** `program` is the commander program of cli/main.ts. */
export function manPage(program, version, date) {
  const section = (command, before) => [
    `.SS ${bold(`${before}${usageOf(command)}`)}`,
    text(sentence(command.description())),
    ...command.options.flatMap(optionLines),
    ...command.commands.flatMap((inner) => section(inner, `${command.name()} `)),
  ]
  const commands = program.commands.flatMap((command) => section(command, ''))
  return `${[
    `.TH QSTATE 1 "${date}" "qstate ${version}" "User Commands"`,
    '.SH NAME',
    `qstate \\- ${text(program.description().replace(/\.$/, '').replace(/^K/, 'k'))}`,
    '.SH SYNOPSIS',
    `${bold('qstate')} [${italic('options')}] ${italic('command')} [${italic('options')}] [${italic('arguments')}]`,
    '.SH DESCRIPTION',
    'What Windows qubes should be is written in YAML files, shown as a plan, and applied. \\fBplan\\fR never writes; the second',
    '\\fBapply\\fR writes nothing; what the files do not name is not touched.',
    '.SH COMMANDS',
    ...commands,
    '.SH OPTIONS',
    'Every command takes these too.',
    ...program.options.flatMap(optionLines),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(([code, meaning]) => ['.TP', bold(code), text(meaning)]),
    '.SH FILES',
    '.TP',
    italic('./qstate.yaml'),
    'The spec, where none is named.',
    '.TP',
    italic('/var/lib/qstate'),
    'Lock, receipts and history of each host, for all who may apply. In an app qube: /rw/qstate.',
    '.TP',
    italic('/etc/qstate/agent.yaml'),
    'The own file of the agent.',
    '.TP',
    italic('~/.cache/qstate'),
    'Compiled code of the program, kept so that it starts faster. It can be removed at any time; QSTATE_NO_COMPILE_CACHE=1 does',
    'without.',
    '.SH SEE ALSO',
    `${bold('qvm-features')}(1), ${bold('qvm-prefs')}(1), ${bold('qvm-usb')}(1)`,
  ].join('\n')}\n`
}

const EXIT_CODES = [
  ['0', 'done, or nothing to do'],
  ['1', 'error'],
  ['2', 'changes are there to be made (with --detailed-exitcode), or drift (drift)'],
  ['3', 'applied in part'],
  ['4', 'the host changed since the plan'],
  ['5', 'another run holds the host'],
  ['64', 'usage'],
  ['65', 'the spec is invalid'],
  ['130, 143', 'stopped by a signal'],
]

const usageOf = (command) =>
  [
    command.name(),
    ...command.registeredArguments.map((argument) => {
      const name = `${argument.name()}${argument.variadic ? '…' : ''}`
      return argument.required ? `<${name}>` : `[${name}]`
    }),
  ].join(' ')

const optionLines = (option) => [
  '.TP',
  bold(option.flags),
  text(`${sentence(option.description)}${standing(option)}`),
]

const standing = ({ defaultValue, argChoices }) =>
  `${argChoices === undefined ? '' : ` One of ${argChoices.join(', ')}.`}${
    typeof defaultValue === 'string' ? ` Without it: ${defaultValue}.` : ''
  }`

const sentence = (words) => (words === '' ? '' : `${words[0].toUpperCase()}${words.slice(1)}.`)

/** roff reads a backslash, and a dot or an apostrophe that begins a line. */
const text = (words) =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
    .replace(/[^\x20-\x7e]/gu, (c) => `\\[u${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`)

const bold = (words) => `\\fB${text(words)}\\fR`
const italic = (words) => `\\fI${text(words)}\\fR`
