import {
  planRollback,
  revertUnconfirmed,
  type RollbackScope,
  rollbackScope,
  tablesOfScope,
  takenBack,
} from '../../app/apply/index.ts'
import { connect } from '../../app/host/index.ts'
import { planIsEmpty } from '../../reconciler/index.ts'
import { EXIT, exitCodeOf } from '../../spec/diagnostics/index.ts'
import { revertCommand } from '../confirm-options.ts'
import { type CommandContext, commandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { outStyle, targetOf, wholeNumber } from '../options.ts'
import { attachLines, restartLines } from '../views/afterwards.ts'
import { planView } from '../views/plan.ts'
import { fold } from '../views/style.ts'
import { reportView } from '../views/report.ts'
import { showTime } from '../views/value.ts'
import { runCommand, type RunFlags } from './run.ts'
import { jsonText } from '../json.ts'

/** Undoes the last generation, or everything since one, that one among it. A rollback is a generation, too. */
export async function rollback(
  generation: string | undefined,
  options: RunFlags & { readonly unconfirmed?: boolean },
  io: Io,
): Promise<number> {
  const context = await commandContext(options, io)
  const first = generation === undefined ? null : wholeNumber(generation, 'the generation', 1, 999_999)
  if (options.unconfirmed === true) return takeBack(first, options, io, context)
  const made = { scope: NOTHING, isEmpty: false }
  const connection = connect(targetOf(options, io), context, (sha256) => tablesOfScope(made.scope)(sha256))
  const code = await runCommand(
    connection,
    async (host) => {
      made.scope = await rollbackScope(host.stateFolder, first)
      const plan = await planRollback(made.scope, host, context)
      made.isEmpty = planIsEmpty(plan)
      if (options.json !== true) io.out(`${fold(`Undoing ${undoneText(made.scope)}.`, io.columns, '')}\n\n`)
      return plan
    },
    { kind: 'rollback', undoes: () => made.scope.undone.map(({ number }) => number) },
    options,
    io,
    context,
  )
  if (options.json !== true && made.isEmpty) io.out(fold(nothingLeft(made.scope), io.columns, ''))
  return code
}

/** What the timer of `apply --confirm` and the unit for the next boot run: no person is present. */
async function takeBack(
  generation: number | null,
  options: RunFlags,
  io: Io,
  context: CommandContext,
): Promise<number> {
  const connection = connect(targetOf(options, io), context)
  const reverted = await revertUnconfirmed(generation, connection, revertCommand(options, io), context)
  if (reverted === null) {
    io.out(options.json === true ? '{ "reverted": null }\n' : 'Nothing is to be taken back now.\n')
    return EXIT.done
  }
  const { plan, applied, restarts, attached, unfinished } = reverted
  const exitCode = unfinished === null ? EXIT.done : exitCodeOf(unfinished.code)
  if (unfinished !== null) context.warn(unfinished)
  if (options.json === true) {
    const answer = { reverted: reverted.generation, ...applied, live: attached, restarts, exitCode }
    io.out(jsonText(withAdvice(answer, context)))
  } else {
    const style = outStyle(options, io)
    io.out(`${planView(plan, style, 'Nothing to do.')}\n${reportView(applied, style)}`)
    io.out(restartLines(restarts, style) + attachLines(attached, style))
    if (unfinished === null) io.out(fold(`${takenBack(reverted).message}.\n`, io.columns, ''))
  }
  return exitCode
}

const NOTHING: RollbackScope = { undone: [], before: null }

function undoneText({ undone }: RollbackScope): string {
  const [newest, oldest] = [undone[0], undone.at(-1)]
  if (newest === undefined || oldest === undefined) return 'nothing'
  if (newest !== oldest) return `generations ${oldest.number} to ${newest.number}`
  const { number, meta } = newest
  const kind = meta.kind === undefined ? '' : `${meta.kind} `
  return `generation ${number} (${kind}by ${meta.who}, ${showTime(meta.at)})`
}

/** A rollback never goes further back than it is told to. */
function nothingLeft({ before }: RollbackScope): string {
  const further = before === null ? '' : ` \`qstate rollback ${before}\` undoes generation ${before} as well.`
  return `Nothing more of it can be undone.${further}\n`
}
