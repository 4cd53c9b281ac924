import { loadManifest } from '../../spec/index.ts'
import { EXIT } from '../../reconciler/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { tellDiagnostics } from '../session.ts'
import { readSources } from '../sources.ts'
import { sourcesFromGit, type SpecOptions } from '../spec-source.ts'
import { makeStyle, plural } from '../views/style.ts'

/** Checks a spec without any host. */
export async function validate(
  paths: readonly string[],
  options: GlobalOptions & SpecOptions,
  io: Io,
): Promise<number> {
  const given = paths.length > 0 ? paths : (options.config ?? [])
  const sources =
    options.fromGit === undefined
      ? readSources(given, io)
      : await sourcesFromGit(options.fromGit, given, io.cwd)
  const { manifest, diagnostics } = loadManifest(sources.files, { readTable: sources.readTable })
  const errors = diagnostics.filter((d) => d.severity === 'error').length
  const warnings = diagnostics.length - errors
  if (options.json === true) {
    io.out(
      `${JSON.stringify({ valid: manifest !== null, files: sources.files.map((f) => f.path), diagnostics }, null, 2)}\n`,
    )
  } else {
    tellDiagnostics(diagnostics, sources, options, io)
    const style = makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)
    const told = warnings === 0 ? '' : `, ${plural(warnings, 'warning')}`
    const files = plural(sources.files.length, 'file')
    if (manifest === null) io.out(`${style.red(`${plural(errors, 'error')}${told} in ${files}.`)}\n`)
    else io.out(`${style.green('Valid:')} ${plural(manifest.qubes.size, 'qube')} in ${files}${told}.\n`)
  }
  return manifest === null ? EXIT.invalidSpec : EXIT.done
}
