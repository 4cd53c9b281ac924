import { type Revision } from '../../git/index.ts'
import {
  type Diagnostic,
  formatDiagnostics,
  located,
  problem,
  type Result,
} from '../../spec/diagnostics/index.ts'
import { loadManifest } from '../../spec/index.ts'
import { type CommittedSpec } from '../ports/index.ts'

/** The spec of a revision, or why it is none: what is wrong with it is quoted. */
export function loadSpec(
  commit: string,
  revision: Revision,
): Result<{ readonly spec: CommittedSpec; readonly warnings: string }> {
  const files = [...revision.files].map(([path, text]) => ({ path, text }))
  const { manifest, diagnostics } = loadManifest(files, {
    readTable: revision.read,
    ...(revision.shape === undefined ? {} : { shape: revision.shape }),
  })
  const told = (list: readonly Diagnostic[]): string =>
    formatDiagnostics(list, files, { color: false, width: 100 }).trimEnd()
  if (manifest !== null)
    return { ok: true, value: { spec: { commit, manifest, revision }, warnings: told(diagnostics) } }
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const count = errors.length === 1 ? 'one error' : `${errors.length} errors`
  const why = `${commit.slice(0, 12)}: ${count} in the spec\n${told(errors.slice(0, 5))}`
  const hint = 'correct it with a new commit; `qstate validate` in a pre-commit hook keeps such commits out'
  return { ok: false, problem: located(problem('invalid-spec', why, hint), errors[0]?.at) }
}
