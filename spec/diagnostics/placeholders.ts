import { splitLines } from './format.ts'
import { type Diagnostic } from './problem.ts'
import { type SourceFile } from './source.ts'

/** What the file of a fleet fills in, for each host of it. */
export const PLACEHOLDER = /\$\{([A-Za-z0-9][A-Za-z0-9_-]*)\}/g

/** Says of what is wrong with a value that nobody has filled in who would, and how that is checked. */
export function explainPlaceholders(
  diagnostics: readonly Diagnostic[],
  sources: readonly SourceFile[],
): readonly Diagnostic[] {
  const files = new Map(
    sources.filter(({ text }) => text.includes('${')).map(({ path, text }) => [path, splitLines(text)]),
  )
  if (files.size === 0) return diagnostics
  return diagnostics.map((diagnostic) => {
    // A value that is no YAML stays none, whatever is filled in.
    if (diagnostic.code.startsWith('yaml-')) return diagnostic
    const { file, line, column, length } = diagnostic.at
    const [from, to] = [column - 1, column - 1 + length]
    const found = [...(files.get(file)?.[line - 1] ?? '').matchAll(PLACEHOLDER)].find(
      ({ 0: placeholder, index }) => index < to && index + placeholder.length > from,
    )
    if (found === undefined) return diagnostic
    const who = `a fleet's file fills in ${found[0]} for each host: \`qstate validate FILE\` checks that file`
    return { ...diagnostic, hint: [who, diagnostic.hint].filter(Boolean).join('; ') }
  })
}
