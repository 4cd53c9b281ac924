import { type Command } from 'commander'
import { type Io } from './io.ts'
import { type GlobalOptions } from './options.ts'

type Run = <A extends unknown[]>(work: (...args: A) => Promise<number>) => (...args: A) => Promise<void>

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- commander types options as it is told
const all = <T extends GlobalOptions>(command: Command): T => command.optsWithGlobals<T>()

/** The agent of one host, and what a person tells it. */
export function addAgentCommands(program: Command, io: Io, run: Run): void {
  const agent = program
    .command('agent')
    .description('keeps the host as a git repository says, until it is stopped')
    // One that does something itself has none unasked.
    .helpCommand('help [command]', 'tells how to use one of them')
    .option('-f, --file <file>', 'the agent’s own file (else QSTATE_AGENT_FILE, else /etc/qstate/agent.yaml)')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/agent.ts')).agent(all(command), io),
      ),
    )
  agent
    .command('check')
    .description('says whether the agent’s own file is right')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/agent-orders.ts')).checkAgentFile(all(command), io),
      ),
    )
  agent
    .command('suspend')
    .description('has the agent write nothing, until it is resumed or for a while')
    .option('--for <span>', 'for so long, as in 2h')
    .option('--why <text>', 'for people: `qstate status` shows it')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/agent-orders.ts')).suspend(all(command), io),
      ),
    )
  agent
    .command('resume')
    .description('ends that')
    .action(
      run(async (_: unknown, command: Command) =>
        (await import('./commands/agent-orders.ts')).resume(all(command), io),
      ),
    )
  agent
    .command('accept <commit>')
    .description('has the agent take a commit that does not come after the one in force')
    .option(
      '--withdraw <digest>',
      'agree to the withdrawals that it holds for the commit, as `qstate status` prints it',
    )
    .action(
      run(async (commit: string, _: unknown, command: Command) =>
        (await import('./commands/agent-orders.ts')).accept(commit, all(command), io),
      ),
    )
}
