import { loadManifest } from '../../spec/index.ts'
import { EXIT } from '../../reconciler/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { tellDiagnostics } from '../session.ts'
import { readSources } from '../sources.ts'
import { makeStyle, plural } from '../views/style.ts'

/** Checks a spec without any host. */
export function validate(paths: readonly string[], options: GlobalOptions, io: Io): Promise<number> {
  const sources = readSources(paths.length > 0 ? paths : (options.config ?? []), io)
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
  return Promise.resolve(manifest === null ? EXIT.invalidSpec : EXIT.done)
}
