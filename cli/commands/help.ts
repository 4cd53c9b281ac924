import { type Command } from 'commander'
import { nearest, problem, QstateError } from '../../spec/diagnostics/index.ts'

/** Tells how to use a command, as its `--help` does: `qstate help rollout start`. Without a name, of all. */
export function help(names: readonly string[], program: Command): never {
  let command = program
  for (const name of names) {
    const all = command.commands
    const next = all.find((one) => one.name() === name)
    if (next === undefined) {
      const near = nearest(
        name,
        all.map((one) => one.name()),
      )
      throw new QstateError(
        problem(
          'unknown-command',
          `there is no command “${[...names.slice(0, names.indexOf(name)), name].join(' ')}”`,
          near === undefined ? '`qstate --help` lists what there is' : `did you mean ${near}?`,
        ),
      )
    }
    command = next
  }
  return command.help()
}
