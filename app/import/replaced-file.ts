import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type KeptParts, keptParts, NOTHING_KEPT } from '../../spec/export/index.ts'

const MOST_BYTES = 1024 * 1024

/**
 * What is kept of a file that an import is written over. Fails with `cannot-keep` where it looks like a spec and cannot be read: with its
 * name, a configuration would lose the qubes that it has dropped.
 */
export function readReplaced(path: string, cwd: string): KeptParts {
  const full = resolve(cwd, path)
  const found = statSync(full, { throwIfNoEntry: false })
  if (found?.isFile() !== true || found.size > MOST_BYTES) return NOTHING_KEPT
  const text = readFileSync(full, 'utf8')
  const kept = keptParts({ path, text })
  if (kept !== undefined) return kept
  if (!/^apiVersion:/m.test(text)) return NOTHING_KEPT
  const message = `${path} is no sound YAML, so that its \`name\` and the like cannot be kept: nothing was written`
  throw new QstateError(problem('cannot-keep', message, 'correct it, or name another file'))
}
