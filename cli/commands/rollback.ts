import { planRollback, type RollbackScope, rollbackScope, tablesOfScope } from '../../app/apply/index.ts'
import { connect } from '../../app/host/index.ts'
import { planIsEmpty } from '../../reconciler/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { targetOf, wholeNumber } from '../options.ts'
import { showTime } from '../views/value.ts'
import { runCommand, type RunFlags } from './run.ts'

/** Undoes the last generation, or everything since one, that one among it. A rollback is a generation, too. */
export async function rollback(generation: string | undefined, options: RunFlags, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const first = generation === undefined ? null : wholeNumber(generation, 'the generation', 1, 999_999)
  const made = { scope: NOTHING, isEmpty: false }
  const connection = connect(targetOf(options, io), context, (sha256) => tablesOfScope(made.scope)(sha256))
  const code = await runCommand(
    connection,
    async (host) => {
      made.scope = await rollbackScope(host.stateFolder, first)
      const plan = await planRollback(made.scope, host, context)
      made.isEmpty = planIsEmpty(plan)
      if (options.json !== true) io.out(`Undoing ${undoneText(made.scope)}.\n\n`)
      return plan
    },
    { kind: 'rollback', undoes: () => made.scope.undone.map(({ number }) => number) },
    options,
    io,
    context,
  )
  if (options.json !== true && made.isEmpty) io.out(nothingLeft(made.scope))
  return code
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
