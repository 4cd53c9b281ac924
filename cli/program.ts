import { type Command, Option } from 'commander'
import { type Io } from './io.ts'
import { type GlobalOptions } from './options.ts'

/** An option that may be given again. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value]

/** The commands. What a command needs is loaded when it is run: `qstate version` reads no YAML library. */
export function addCommands(program: Command, io: Io, done: (code: number) => void): void {
  const run =
    <A extends unknown[]>(work: (...args: A) => Promise<number>) =>
    async (...args: A): Promise<void> => {
      done(await work(...args))
    }
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- commander types options as it is told
  const all = <T extends GlobalOptions>(command: Command): T => command.optsWithGlobals<T>()
  const targets = (command: Command): Command =>
    command
      .option(
        '-t, --target <target>',
        'only QUBE, QUBE/AREA, tag:TAG or area:AREA; may be given again',
        collect,
      )
      .option('--parallelism <n>', 'qubes at once', '4')
  const applying = (command: Command): Command =>
    targets(command)
      .option('-y, --yes', 'does not ask')
      .option('--fail-fast', 'begins no other qube after one that failed')
      .option('--lock-timeout <seconds>', 'waits this long for another run', '0')
      .addOption(
        new Option(
          '--restart <when>',
          'restarts qubes for what waits (else as the spec says: never)',
        ).choices(['never', 'ask', 'now']),
      )
      .option('--live', 'attaches and detaches USB devices of running qubes now')
      .option('--restart-timeout <seconds>', 'waits this long for a qube to shut down', '900')

  program
    .command('validate [paths...]')
    .description('checks a spec; needs no host')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/validate.ts')).validate(paths, all(command), io),
      ),
    )

  targets(program.command('plan [paths...]'))
    .description('shows what an apply would do, and why')
    .option('-o, --out <file>', 'saves the plan, for review and `qstate apply FILE`')
    .option('--detailed-exitcode', 'ends with 2 when there is anything to do')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/plan.ts')).plan(paths, all(command), io),
      ),
    )

  applying(program.command('apply [paths...]'))
    .description('makes the host as the spec wants it, or does what a saved plan says')
    .option(
      '--allow-remove <qube>',
      'lets this qube, which the spec wants absent, be removed with its data; may be given again',
      collect,
    )
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/apply.ts')).apply(paths, all(command), io),
      ),
    )

  applying(program.command('adopt [paths...]'))
    .description('takes over what is as the spec wants it already; changes no value')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/adopt.ts')).adopt(paths, all(command), io),
      ),
    )

  applying(program.command('release <qubes...>'))
    .description('gives up what qstate owns on qubes; changes no value')
    .action(
      run(async (qubes: string[], _: unknown, command: Command) =>
        (await import('./commands/release.ts')).release(qubes, all(command), io),
      ),
    )

  program
    .command('history')
    .description('lists the applies made from here, the newest first')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/history.ts')).history(all(command), io),
      ),
    )

  applying(program.command('rollback [generation]'))
    .description('undoes the last apply, or everything since a generation')
    .action(
      run(async (generation: string | undefined, _: unknown, command: Command) =>
        (await import('./commands/rollback.ts')).rollback(generation, all(command), io),
      ),
    )

  targets(program.command('status [paths...]'))
    .description('a line for each qube: as wanted, drifted, blocked, waiting for a restart')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/status.ts')).status(paths, all(command), io),
      ),
    )

  program
    .command('show <what...>')
    .description('shows qubes as qstate sees them, or a saved plan')
    .action(
      run(async (what: string[], _: unknown, command: Command) =>
        (await import('./commands/show.ts')).show(what, all(command), io),
      ),
    )

  program
    .command('import [qubes...]')
    .description('writes what is set on qubes as a spec: named qubes, or all that are HVM')
    .option('--all', 'also what guest and host set for themselves')
    .option('-o, --out <file>', 'writes it there')
    .option('--force', 'over a file that is there already')
    .action(
      run(async (qubes: string[], _: unknown, command: Command) =>
        (await import('./commands/import.ts')).importQubes(qubes, all(command), io),
      ),
    )

  program
    .command('devices')
    .description('lists USB devices as YAML, ready to paste')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/devices.ts')).devices(all(command), io),
      ),
    )

  program
    .command('doctor [paths...]')
    .description('checks what Windows qubes need of the host, and says how to mend it; writes nothing')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/doctor.ts')).doctor(paths, all(command), io),
      ),
    )

  program
    .command('policy [paths...]')
    .description('prints the qrexec policy that a management qube needs for a spec')
    .requiredOption('--qube <name>', 'the qube that qstate runs in')
    .addOption(new Option('--for <release>', 'Qubes of the host').choices(['4.2', '4.3', '4.4']))
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/policy.ts')).policy(paths, all(command), io),
      ),
    )

  program
    .command('schema')
    .description('prints the JSON Schema of a spec, for editors')
    .action(run(async () => (await import('./commands/schema.ts')).schema(io)))

  program
    .command('simulator')
    .description('stands in for qubesd on --socket PATH, so that anything can be tried anywhere')
    .option('--fixture <file>', 'host to start with, as JSON')
    .addOption(new Option('--release <release>', 'Qubes to be').choices(['4.2', '4.3', '4.4']))
    .option('--state <file>', 'keeps its state there')
    .option('--faults <file>', 'misbehaves as the JSON in it says')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/simulator.ts')).simulator(all(command), io),
      ),
    )

  program
    .command('version')
    .description('tells the version')
    .option('--host', 'and which Qubes answers')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/version.ts')).version(all(command), io),
      ),
    )

  program
    .command('completion <shell>')
    .description('prints completions for bash, zsh or fish')
    .action(
      run(async (shell: string) => (await import('./commands/completion.ts')).completion(shell, program, io)),
    )
}
