import { layOutRepository } from '../../app/init/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { HOST_NAME } from '../../spec/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'
import { layRow } from '../views/style.ts'
import { jsonText } from '../json.ts'

export interface InitFlags extends GlobalOptions {
  readonly host?: string
}

/** Lays out a repository for the configuration of hosts. Writes over nothing. */
export async function init(folder: string | undefined, options: InitFlags, io: Io): Promise<number> {
  const host = options.host ?? (HOST_NAME.test(io.hostname) ? io.hostname : 'laptop')
  if (!HOST_NAME.test(host)) {
    const hint = 'letters, digits and dashes, beginning with a letter'
    throw new QstateError(problem('bad-option', `--host “${host}” is no name of a host`, hint))
  }
  const { isNew, prefix, ...made } = await layOutRepository(
    folder ?? '.',
    host,
    await commandContext(options, io),
  )
  if (options.json === true) {
    io.out(jsonText(made))
    return EXIT.done
  }
  const first = folder === undefined ? '' : `  cd ${folder}\n`
  const guide = made.files.find((path) => path.endsWith('.md')) ?? ''
  const steps = [
    [`git config core.hooksPath ${prefix}.githooks`, 'each commit is checked'],
    ['git add . && git commit', `hosts/${host}.yaml is where to begin`],
  ] as const
  const next = steps.map(([command, why]) => layRow([`  ${command}`, `# ${why}`], io.columns, '    '))
  io.out(`${made.files.map((path) => `  ${path}\n`).join('')}
Laid out${isNew ? ', as a new git repository' : ''}. Next:
${first}${next.join('\n')}
${guide} tells the rest.
`)
  return EXIT.done
}
