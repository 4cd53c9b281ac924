import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { connectHost } from '../../app/host/index.ts'
import { importQubes as importSpec, readReplaced } from '../../app/import/index.ts'
import { writeOutputFile } from '../../app/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { commandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, targetOf } from '../options.ts'
import { importRemarks } from '../views/import.ts'
import { jsonText } from '../json.ts'

export interface ImportFlags extends GlobalOptions {
  readonly all?: boolean
  readonly out?: string
  readonly force?: boolean
}

/** Prints what is set on qubes as a spec, or writes it to a file. Changes nothing on the host. */
export async function importQubes(names: readonly string[], options: ImportFlags, io: Io): Promise<number> {
  const { out, force = false } = options
  const { cwd } = io
  // Before minutes are spent on reading.
  if (out !== undefined && !force && existsSync(resolve(cwd, out))) throw fileExists(out)
  const replaced = out === undefined ? {} : { kept: readReplaced(out, cwd) }
  const context = await commandContext(options, io)
  const host = await connectHost(targetOf(options, io), context)
  const spec = await importSpec(names, { all: options.all === true, ...replaced }, host, context)
  const { yaml, qubes, leftOut } = spec
  if (out !== undefined && !writeOutputFile({ path: out, cwd, text: yaml, isNew: !force }))
    throw fileExists(out)
  if (options.json === true) {
    const left_out = leftOut.map(({ qube, path, problem }) => ({ qube, path, problem }))
    io.out(jsonText(withAdvice({ yaml, qubes, left_out }, context)))
  } else if (out === undefined) io.out(yaml)
  io.err(importRemarks(spec, io.columns))
  if (out !== undefined) io.err(`Written: qstate plan ${out} shows no change of a value\n`)
  return EXIT.done
}

const fileExists = (file: string): QstateError =>
  new QstateError(problem('file-exists', `${file} is there already`, 'name another file, or add --force'))
