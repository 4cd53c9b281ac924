import { type Command } from 'commander'
import { EXIT } from '../../reconciler/report.ts'
import { type Io, UserError } from '../io.ts'

/** Completions made from the commands themselves, so that they cannot fall behind. */
export function completion(shell: string, program: Command, io: Io): Promise<number> {
  const make = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined
  if (make === undefined) {
    throw new UserError(
      EXIT.usage,
      'unknown-shell',
      `no completions for “${shell}”`,
      'there are some for bash, zsh and fish',
    )
  }
  io.out(make(program))
  return Promise.resolve(EXIT.done)
}

interface Word {
  readonly word: string
  readonly help: string
}

const optionsOf = (command: Command): Word[] =>
  command.options.map((option) => ({ word: option.long ?? option.short ?? '', help: option.description }))

const commandsOf = (
  program: Command,
): { readonly name: string; readonly help: string; readonly options: Word[] }[] =>
  program.commands.map((command) => ({
    name: command.name(),
    help: command.description(),
    options: optionsOf(command),
  }))

const SHELLS: Readonly<Record<string, (program: Command) => string>> = { bash, zsh, fish }

function bash(program: Command): string {
  const common = optionsOf(program)
    .map((o) => o.word)
    .join(' ')
  const cases = commandsOf(program).map(
    ({ name, options }) => `    ${name}) words="${options.map((o) => o.word).join(' ')}" ;;`,
  )
  return `# bash completion for qstate: source it, or put it into bash-completion's folder
_qstate() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" words="" command="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command" in
    "") words="${commandsOf(program)
      .map((c) => c.name)
      .join(' ')}" ;;
${cases.join('\n')}
  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$words ${common}" -- "$cur")) ;;
    *) if [ -z "$command" ]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
  esac
}
complete -o filenames -F _qstate qstate
`
}

const single = (text: string): string => text.replaceAll("'", '’')

function zsh(program: Command): string {
  const describe = (words: Word[]): string =>
    words.map(({ word, help }) => `'${word}[${single(help).replace(/[[\]:]/g, ' ')}]'`).join(' ')
  const commands = commandsOf(program)
  const names = commands
    .map(({ name, help }) => `    '${name}:${single(help).replaceAll(':', ' ')}'`)
    .join('\n')
  const cases = commands.map(
    ({ name, options }) =>
      `    ${name}) _arguments ${describe([...options, ...optionsOf(program)])} '*:file:_files' ;;`,
  )
  return `#compdef qstate
_qstate() {
  local -a commands
  commands=(
${names}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${cases.join('\n')}
  esac
}
_qstate "$@"
`
}

function fish(program: Command): string {
  const line = (condition: string, { word, help }: Word): string =>
    `complete -c qstate ${condition} -l ${word.replace(/^--/, '')} -d '${single(help)}'`
  const commands = commandsOf(program)
  return `${[
    '# fish completion for qstate',
    ...commands.map(
      ({ name, help }) => `complete -c qstate -n __fish_use_subcommand -a ${name} -d '${single(help)}'`,
    ),
    ...optionsOf(program).map((option) => line('', option)),
    ...commands.flatMap(({ name, options }) =>
      options.map((option) => line(`-n '__fish_seen_subcommand_from ${name}'`, option)),
    ),
  ].join('\n')}\n`
}
