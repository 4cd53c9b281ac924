import { type FileOrigin } from '../../git/index.ts'
import { escapeForTerminal, type Problem, problem } from '../../spec/diagnostics/index.ts'

/** The commit that stands for all files: `+` at its end where some are not as it has them; null where no one commit does. */
export function commitOfAll(origins: readonly FileOrigin[]): string | null {
  const [only, ...others] = origins.filter(({ repository }) => repository !== null)
  if (only === undefined || only.commit === null || others.length > 0) return null
  const isWhole = origins.length === 1 || only.commit.endsWith('+')
  return isWhole ? only.commit : `${only.commit}+`
}

/** What a person should know of a spec that no one commit has; undefined: one has it, or none of it is in a repository. */
export function mixedOrigins(origins: readonly FileOrigin[]): Problem | undefined {
  if (origins.length < 2) return undefined
  const places = origins.map(({ repository, commit, files }) => {
    const where =
      repository === null
        ? 'in no repository'
        : `${escapeForTerminal(repository)} (${commit === null ? 'no commit' : commit.slice(0, 12)})`
    return `${where}: ${listed(files.map((path) => escapeForTerminal(path)))}`
  })
  const message = `no one commit has all files of this spec: ${places.join('; ')}`
  const hint = 'keep them in one repository; `qstate history` tells which file was of which commit'
  return problem('mixed-origins', message, hint)
}

const listed = (files: readonly string[]): string =>
  files.length > 3 ? `${files.slice(0, 3).join(', ')} and ${files.length - 3} more` : files.join(', ')
