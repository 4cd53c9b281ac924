import { type Command } from 'commander'
import { type Instruction } from '../fleet/index.ts'
import { collect } from './collect.ts'
import { type Io } from './io.ts'
import { type GlobalOptions } from './options.ts'

type Run = <A extends unknown[]>(work: (...args: A) => Promise<number>) => (...args: A) => Promise<void>

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- commander types options as it is told
const all = <T extends GlobalOptions>(command: Command): T => command.optsWithGlobals<T>()

/** The commands about many hosts. */
export function addFleetCommands(program: Command, io: Io, run: Run): void {
  const about = (command: Command): Command =>
    command
      .option(
        '--fleet <path>',
        'file of the fleet, may be given again (else QSTATE_FLEET, else ./fleet.yaml)',
        collect,
      )
      .option('--key <file>', 'private key to connect to the servers with (else QSTATE_FLEET_KEY)')
      .option('--ca <file>', 'certificates that the servers’ are signed with (else QSTATE_FLEET_CA)')
      .option(
        '--allowed-signers <file>',
        'takes commits only that one of these keys has signed (else QSTATE_ALLOWED_SIGNERS)',
      )

  const carriesOut = (command: Command): Command =>
    about(command).option(
      '--hosts-file <file>',
      'policies for hosts without an agent, as an agent’s own file says them (else QSTATE_HOSTS_FILE)',
    )

  const fleet = program.command('fleet').description('many hosts: their state, and what runs for them')
  about(fleet.command('status'))
    .description('a line for each host: its commit, how it is, drift, when it was last seen')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/fleet.ts')).fleetStatus(all(command), io),
      ),
    )
  carriesOut(fleet.command('controller'))
    .description('carries rollouts out, until it is stopped; any number may run, one is in charge')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/fleet.ts')).fleetController(all(command), io),
      ),
    )
  fleet
    .command('key')
    .description('makes a private key, and prints the public one for the fleet’s file')
    .option('-o, --out <file>', 'writes the private key there')
    .option('--of <file>', 'makes none: prints the public one of this private key')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/fleet.ts')).fleetKey(all(command), io),
      ),
    )
  about(fleet.command('server-config'))
    .description('prints a configuration for nats-server that confines each host to itself')
    .option('--listen <address>', 'where the server listens', '0.0.0.0:4222')
    .option('--store-dir <folder>', 'where it stores', '/var/lib/nats')
    .option('--cert <file>', 'its certificate')
    .option('--cert-key <file>', 'the key of that')
    .option('--name <name>', 'its own name, where there are several')
    .option('--cluster <address>', 'where it listens to the other servers')
    .option('--route <address>', 'where another server listens to it, may be given again', collect)
    .option('--plain', 'without TLS, to try it on one machine')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/fleet.ts')).fleetServerConfig(all(command), io),
      ),
    )
  addRolloutCommands({ about, carriesOut }, program, io, run)
}

type AddOptions = (command: Command) => Command

function addRolloutCommands(
  { about, carriesOut }: { readonly about: AddOptions; readonly carriesOut: AddOptions },
  program: Command,
  io: Io,
  run: Run,
): void {
  const rollout = program.command('rollout').description('one revision for many hosts, in waves')
  carriesOut(rollout.command('plan [name]'))
    .description('shows what it would change on every host, the same together; touches none')
    .option('--wait <seconds>', 'waits so long for agents to answer', '30')
    .action(
      run(async (name: string | undefined, _: unknown, command: Command) =>
        (await import('./commands/rollout-plan.ts')).rolloutPlan(name, all(command), io),
      ),
    )
  carriesOut(rollout.command('start [name]'))
    .description('begins a rollout; without servers, carries it out from here')
    .option('--detach', 'only begins it: a controller elsewhere carries it out')
    .option('--wait <seconds>', 'waits so long for agents to tell what they would withdraw', '30')
    .option(
      '--allow-withdraw <what>',
      'agree to withdrawals that need consent: qubes of hosts (desk:win7,laptop:win8), or the number of values (=14)',
      collect,
    )
    .action(
      run(async (name: string | undefined, _: unknown, command: Command) =>
        (await import('./commands/rollout.ts')).startCommand(name, all(command), io),
      ),
    )
  about(rollout.command('status'))
    .description('shows how far it is, wave by wave')
    .option('--watch', 'goes on showing until it has ended')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/rollout.ts')).rolloutStatus(all(command), io),
      ),
    )
  const words: readonly (readonly [Instruction, string])[] = [
    ['approve', 'lets the wave begin that waits for it'],
    ['pause', 'begins nothing new'],
    ['resume', 'goes on'],
    ['abort', 'ends it; hosts get back what they had, where the rollout says so'],
    ['rollback', 'gives every host back what it had, also after the end'],
  ]
  for (const [what, description] of words)
    about(rollout.command(what))
      .description(description)
      .action(
        run(async (_: unknown, command: Command) =>
          (await import('./commands/rollout.ts')).tellRollout(what, all(command), io),
        ),
      )
  about(rollout.command('history'))
    .description('lists rollouts, the newest first')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/rollout.ts')).rolloutHistory(all(command), io),
      ),
    )
}
