import { type Command, Option } from 'commander'
import { collect } from './collect.ts'
import { type ManagedVersion } from '../reconciler/index.ts'
import { addAgentCommands } from './agent-program.ts'
import { addFleetCommands } from './fleet-program.ts'
import { type Io } from './io.ts'
import { type GlobalOptions } from './options.ts'

/** The compiler has one added here that is new. Those of the simulator are the same. */
const MANAGED_VERSIONS = Object.keys({ '4.3': true, '4.4': true } satisfies Record<ManagedVersion, true>)

/** The commands. What a command needs is loaded when it is run: `qstate version` reads no YAML library. */
export function addCommands(program: Command, io: Io, done: (code: number) => void): void {
  const run =
    <A extends unknown[]>(work: (...args: A) => Promise<number>) =>
    async (...args: A): Promise<void> => {
      done(await work(...args))
    }
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- commander types options as it is told
  const all = <T extends GlobalOptions>(command: Command): T => command.optsWithGlobals<T>()
  const parallel = (command: Command): Command => command.option('--parallelism <n>', 'qubes at once', '4')
  const targets = (command: Command): Command =>
    parallel(
      command.option(
        '-t, --target <target>',
        'only QUBE, QUBE/AREA, tag:TAG or area:AREA; may be given again',
        collect,
      ),
    )
  const planning = (command: Command): Command =>
    targets(command).option(
      '--explain',
      'in a management qube: also reads what explains the plan (`policy --explain`)',
    )
  const writing = (command: Command): Command =>
    command
      .option('-y, --yes', 'does not ask')
      .option('--fail-fast', 'begins no other qube after one that failed')
      .option('--lock-timeout <seconds>', 'waits this long for another run', '0')
  const restarting = (command: Command): Command =>
    writing(command)
      .addOption(
        new Option(
          '--restart <when>',
          'restarts qubes for what waits (else as the spec says: never)',
        ).choices(['never', 'ask', 'now']),
      )
      .option('--live', 'attaches and detaches USB devices of running qubes now')
      .option(
        '--restart-timeout <seconds>',
        'waits this long for a qube to shut down, and to be ready again',
        '900',
      )
      .option('--restart-kill', 'kills a qube that has not shut down in that time: its data may suffer')

  program
    .command('init [folder]')
    .description('lays out a git repository for the configuration of hosts')
    .option('--host <name>', 'the first host (else this machine)')
    .action(
      run(async (folder: string | undefined, _: unknown, command: Command) =>
        (await import('./commands/init.ts')).init(folder, all(command), io),
      ),
    )

  program
    .command('validate [paths...]')
    .description('checks a spec, or a fleet with the spec of each host; needs none of them')
    .option('--from-git <revision>', 'as it is in a revision, or in a tree such as `git write-tree` makes')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/validate.ts')).validate(paths, all(command), io),
      ),
    )

  planning(program.command('plan [paths...]'))
    .description('shows what an apply would do, and why')
    .option('-o, --out <file>', 'saves the plan, for review and `qstate apply FILE`')
    .option('--detailed-exitcode', 'ends with 2 when there is anything to do')
    .option('--from-git <revision>', 'reads the spec from a revision of this repository, not from files')
    .option(
      '--diff <range>',
      'shows what revision B asks otherwise than A, as in main..HEAD; with three dots, than where they parted',
    )
    .option('--host-state <file>', 'plans for a host that `qstate record` has recorded')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/plan.ts')).plan(paths, all(command), io),
      ),
    )

  restarting(planning(program.command('apply [paths...]')))
    .description('makes the host as the spec wants it, or does what a saved plan says')
    .option(
      '--allow-remove <qube>',
      'lets this qube, which the spec wants absent, be removed with its data; may be given again',
      collect,
    )
    .option(
      '--allow-withdraw <what>',
      'agree to a withdrawal that needs consent: names of qubes (win7,win8), or the number of values (=14)',
      collect,
    )
    .option('--confirm <span>', 'takes everything back unless `qstate confirm` runs within it, as in 5m')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/apply.ts')).apply(paths, all(command), io),
      ),
    )

  program
    .command('confirm')
    .description('keeps what `apply --confirm` has applied')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/confirm.ts')).confirm(all(command), io),
      ),
    )

  writing(planning(program.command('adopt [paths...]')))
    .description('takes over what is as the spec wants it already; changes no value')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/adopt.ts')).adopt(paths, all(command), io),
      ),
    )

  writing(parallel(program.command('release <qubes...>')))
    .description('gives up what qstate owns on qubes; changes no value')
    .action(
      run(async (qubes: string[], _: unknown, command: Command) =>
        (await import('./commands/release.ts')).release(qubes, all(command), io),
      ),
    )

  restarting(parallel(program.command('withdraw [qubes...]')))
    .description('gives back what was there before qstate, on qubes or on the whole host; for leaving qstate')
    .option('--all', 'on every qube, whichever configuration has set it')
    .action(
      run(async (qubes: string[], _: unknown, command: Command) =>
        (await import('./commands/withdraw.ts')).withdraw(qubes, all(command), io),
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

  restarting(parallel(program.command('rollback [generation]')))
    .description(
      'undoes the last generation (see `qstate history`), or the one that is named and all after it',
    )
    .option('--unconfirmed', 'only where `apply --confirm` was not confirmed in time; does not ask')
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

  targets(program.command('drift [paths...]'))
    .description('shows what was changed on the host since qstate set it; ends with 2 when there is any')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/drift.ts')).drift(paths, all(command), io),
      ),
    )

  program
    .command('show [what...]')
    .description('shows qubes as qstate sees them, all where none is named, or a saved plan')
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
    .command('record')
    .description('writes what the host is like as a file, to plan without it')
    .option('-o, --out <file>', 'writes it there')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/record.ts')).record(all(command), io),
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
    .addOption(new Option('--for <release>', 'Qubes of the host').choices(MANAGED_VERSIONS))
    .option('--restart', 'also for `apply --restart` of every qube')
    .option('--live', 'also for `apply --live`')
    .option('--explain', 'also for what a plan reads only to explain itself')
    .option('--agent', 'also for the events that `qstate agent` hears')
    .option('--confirm', 'also for `apply --confirm`')
    .action(
      run(async (paths: string[], _: unknown, command: Command) =>
        (await import('./commands/policy.ts')).policy(paths, all(command), io),
      ),
    )

  addAgentCommands(program, io, run)
  addFleetCommands(program, io, run)

  program
    .command('schema [what]')
    .description('prints the JSON Schema of a spec, for editors; or that of another file or document')
    .action(
      run(async (what: string | undefined) =>
        (await import('./commands/schema.ts')).schema(what ?? 'spec', io),
      ),
    )

  program
    .command('simulator')
    .description('stands in for qubesd on --socket PATH, so that anything can be tried anywhere')
    .option('--fixture <file>', 'host to start with, as JSON')
    .addOption(new Option('--release <release>', 'Qubes to be').choices(MANAGED_VERSIONS))
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
    .command('help [command...]')
    .description('tells how to use a command')
    .action(async (names: string[]) => {
      ;(await import('./commands/help.ts')).help(names, program)
    })

  program
    .command('completion <shell>')
    .description('prints completions for bash, zsh or fish')
    .action(
      run(async (shell: string) => (await import('./commands/completion.ts')).completion(shell, program, io)),
    )
}
