import {
  errorAt,
  formatRange,
  problem,
  type Problem,
  quote,
  type Report,
  type SourceRange,
  warningAt,
} from '../diagnostics/index.ts'
import { type Area, type NameKind, nameProblem, type UsbDevice, type Value } from '../vocabulary/index.ts'
import { type Entry, type Written } from '../yaml/index.ts'
import { type Statement } from './manifest.ts'
import { plainTrap, type Said } from './value.ts'

/** What the readers of a body share. What the schema refused they pass over: it has been reported. */
export interface Reading {
  readonly report: Report
  readonly refused: ReadonlySet<Written>
  readonly devices: ReadonlyMap<string, UsbDevice | null>
  /** False when a document could not be read: a name that is not known may have been declared there. */
  readonly allRead: boolean
  /** Bytes of a table, or why there are none; undefined where nobody reads files. */
  readonly readTable: ((path: string, from: string) => Buffer | string) | undefined
  readonly tables: Map<string, Buffer>
}

/** What a body says so far. */
export interface Draft {
  readonly reading: Reading
  readonly statements: Map<string, Statement>
  /** What is read now stands below `once`. */
  readonly once?: true
}

export function complain(
  { reading }: { readonly reading: Pick<Reading, 'report'> },
  position: SourceRange,
  what: Problem,
): void {
  reading.report(errorAt(position, what))
}

/** Adds a statement; one path has one statement in a body. */
export function say(draft: Draft, area: Area, path: string, saying: Said, position: SourceRange): void {
  if ('wrong' in saying) {
    complain(draft, position, saying.wrong)
    return
  }
  const first = draft.statements.get(path)
  if (first !== undefined) {
    complain(
      draft,
      position,
      problem(
        'said-twice',
        `${path} is set twice here`,
        `first at ${formatRange(first.position)}; keep one of them`,
      ),
    )
    return
  }
  const value = 'unmanaged' in saying ? undefined : saying.value
  const once = draft.once === true ? { once: true as const } : {}
  draft.statements.set(path, { area, path, value, position, ...once })
}

export const value = (of: Value | null): Said => ({ value: of })

/** Whether the name of an entry will do; reported if not. */
export function checkName(report: Report, kind: NameKind, { key }: Entry): boolean {
  const what = nameProblem(kind, key.value)
  if (what !== undefined) report(errorAt(key.position, what))
  else if (plainTrap(key) !== undefined) {
    const trap = problem(
      'ambiguous-text',
      `the name ${quote(key.value)} is true, false or a number to some`,
      'put it in quotes',
    )
    report(warningAt(key.position, trap))
  }
  return what === undefined
}
