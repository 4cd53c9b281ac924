import { Command, CommanderError, Option } from 'commander'
import { collect } from './collect.ts'
import { type Io, withEscapedOutput } from './io.ts'
import { type GlobalOptions, wantsColor } from './options.ts'
import { addCommands } from './program.ts'
import { helpItem, usageProblem } from './usage.ts'
import { errorJson } from './views/error.ts'
import { fold, makeStyle } from './views/style.ts'
import { EXIT, exitCodeOf, problemOf, QstateError } from '../spec/diagnostics/index.ts'
import { jsonText } from './json.ts'

/** All options and commands. `done` is told the exit code of the command that ran. */
export function makeProgram(io: Io, done: (code: number) => void, isJson = false): Command {
  const program = new Command('qstate')
    .configureHelp({ formatItem: helpItem })
    .description('Keeps Windows qubes of Qubes OS in the state that YAML files say.')
    .option(
      '-c, --config <path>',
      'file or folder of the spec, may be given again (else QSTATE_CONFIG, else ./qstate.yaml)',
      collect,
    )
    .option('--socket <path>', 'socket of qubesd (else QSTATE_SOCKET, else dom0’s own, else qrexec)')
    .option('--qrexec-client <path>', 'qrexec-client-vm to use (else QSTATE_QREXEC_CLIENT)')
    .option('--dom0-root <folder>', 'folder that stands in for / of dom0, for SLIC (else QSTATE_DOM0_ROOT)')
    .option('--state-dir <folder>', 'where lock and history are kept (else QSTATE_STATE_DIR)')
    .option('--timeout <seconds>', 'gives up on a call whose answer is not whole after this long', '60')
    .option('--concurrency <n>', 'calls under way at once', '8')
    .option('--json', 'prints JSON, whose shape is kept stable')
    .option('--no-color', 'prints no colours (NO_COLOR does the same)')
    .option('-v, --verbose', 'tells every call on stderr')
    .addOption(
      new Option('--log-format <format>', 'of what -v tells').choices(['text', 'json']).default('text'),
    )
    .option('-V, --version', 'prints the version, as `qstate version` does')
    .on('option:version', () => {
      throw new CommanderError(EXIT.done, VERSION, '')
    })
    .helpOption('-h, --help', 'tells how to use it')
    // Of commands that have commands; this one’s own takes as many names as there are.
    .helpCommand('help [command]', 'tells how to use one of them')
    .addHelpText('afterAll', ({ command }) =>
      command.parent === null
        ? ''
        : `\n${fold('Options of every command, --json among them: qstate --help', io.columns, '')}`,
    )
    .exitOverride()
    .configureOutput({
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
      // `tell` says what is wrong with a command line, in the form of every other error.
      outputError: () => undefined,
      writeOut: (text) => {
        io.out(text)
      },
      writeErr: (text) => {
        // Help, where no command is named: as JSON that is an error.
        if (!isJson) io.err(text)
      },
    })
  addCommands(program, io, done)
  program.helpCommand(false)
  return program
}

/** Runs one command line. Returns the exit code; whatever goes wrong has been told. */
export async function main(argv: readonly string[], outside: Io): Promise<number> {
  const io = withEscapedOutput(outside)
  let code: number = EXIT.done
  // Before the options are understood: that they cannot be is told in the same way as all else.
  const isJson = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined).includes('--json')
  const program = makeProgram(
    io,
    (result) => {
      code = result
    },
    isJson,
  )
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    const options = { ...program.opts<GlobalOptions>(), json: isJson }
    if (!(error instanceof CommanderError)) return tell(error, options, io)
    if (error.code === VERSION) return (await import('./commands/version.ts')).version(options, io)
    if (error.exitCode === 0) return EXIT.done
    // The help has been printed for an answer.
    return error.code === 'commander.help' && !isJson ? EXIT.usage : tell(usageError(error), options, io)
  }
}

const VERSION = 'qstate.version'

const usageError = (error: CommanderError): QstateError => new QstateError(usageProblem(error))

/** Says what went wrong and gives the exit code for it. What nobody foresaw is a bug, and says so with its stack. */
function tell(error: unknown, options: GlobalOptions, io: Io): number {
  if (io.signal.aborted) return io.signal.reason === 'SIGTERM' ? 143 : 130
  const known = problemOf(error)
  if (known === undefined) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    io.err(`This is a bug in qstate. Please report it, with what you did and this:\n${stack}\n`)
    return EXIT.error
  }
  if (options.json === true) {
    const diagnostics = error instanceof QstateError ? error.diagnostics : []
    io.out(jsonText(errorJson(known, diagnostics)))
  } else {
    const style = makeStyle(wantsColor(options, io, io.errIsTerminal), io.columns)
    io.err(`${fold(`${style.red(style.bold('error:'))} ${known.message}`, io.columns, '')}\n`)
    io.err(`${style.dim(fold(known.hint, io.columns, '  '))}\n`)
  }
  return exitCodeOf(known.code)
}
