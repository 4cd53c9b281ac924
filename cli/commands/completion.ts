import { type Command } from 'commander'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'

/** Completions made from the commands themselves, so that they cannot fall behind. */
export function completion(shell: string, program: Command, io: Io): Promise<number> {
  const make = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined
  if (make === undefined) {
    throw new QstateError(
      problem('unknown-shell', `no completions for “${shell}”`, 'there are some for bash, zsh and fish'),
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

interface Completed {
  readonly name: string
  readonly help: string
  readonly options: Word[]
  /** Words that may come next: commands of its own. */
  readonly words: Word[]
}

/** A command of another is completed as a word after it; its options are among those of the other. */
const commandsOf = (program: Command): Completed[] =>
  program.commands.map((command) => {
    const all = [command, ...command.commands].flatMap(optionsOf)
    return {
      name: command.name(),
      help: command.description(),
      options: all.filter(({ word }, index) => all.findIndex((other) => other.word === word) === index),
      words: command.commands.map((inner) => ({ word: inner.name(), help: inner.description() })),
    }
  })

const SHELLS: Readonly<Record<string, (program: Command) => string>> = { bash, zsh, fish }

function bash(program: Command): string {
  const common = optionsOf(program)
    .map((o) => o.word)
    .join(' ')
  const list = (words: readonly Word[]): string => words.map(({ word }) => word).join(' ')
  const cases = commandsOf(program).map(
    ({ name, options, words }) =>
      `    ${name}) words="${list(options)}"${words.length === 0 ? '' : ` next="${list(words)}"`} ;;`,
  )
  return `# bash completion for qstate: source it, or put it into bash-completion's folder
_qstate() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" words="" next="" command="" word
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
    *) if [ -z "$command" ]; then COMPREPLY=($(compgen -W "$words" -- "$cur"))
       elif [ -n "$next" ]; then COMPREPLY=($(compgen -W "$next" -- "$cur"))
       else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
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
    ({ name, options, words }) =>
      `    ${name}) _arguments ${describe([...options, ...optionsOf(program)])} '*:${
        words.length === 0 ? 'file:_files' : `command:(${words.map(({ word }) => word).join(' ')})`
      }' ;;`,
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
    ...commands.flatMap(({ name, options, words }) => {
      const within = `-n '__fish_seen_subcommand_from ${name}'`
      return [
        ...options.map((option) => line(within, option)),
        ...words.map(({ word, help }) => `complete -c qstate ${within} -a ${word} -d '${single(help)}'`),
      ]
    }),
  ].join('\n')}\n`
}
