import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { tellDiagnostics } from '../../app/host/index.ts'
import { hasDefaultSpec, readSources, type Sources, type SpecOptions } from '../../app/source/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { loadManifest } from '../../spec/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { makeStyle, plural } from '../views/style.ts'

/** Checks a spec without any host, or a fleet with the spec of every host of it. */
export async function validate(
  paths: readonly string[],
  options: GlobalOptions & SpecOptions,
  io: Io,
): Promise<number> {
  const given = named(paths, options, io)
  const read = await reader(options, io)
  const sources = read(given)
  if (isFleet(sources)) return (await import('./validate-fleet.ts')).validateFleet(sources, read, options, io)
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

/** Without a name, the fleet that is here where no spec is. */
function named(paths: readonly string[], options: GlobalOptions & SpecOptions, io: Io): readonly string[] {
  const given = paths.length > 0 ? paths : (options.config ?? [])
  if (given.length > 0 || options.fromGit !== undefined || hasDefaultSpec(io)) return given
  return existsSync(join(io.cwd, DEFAULT_FLEET)) ? [DEFAULT_FLEET] : []
}

const DEFAULT_FLEET = 'fleet.yaml'

/** Reads files of the folder, or of a revision. */
async function reader({ fromGit }: SpecOptions, io: Io): Promise<(paths: readonly string[]) => Sources> {
  if (fromGit === undefined) return (paths) => readSources(paths, io)
  const { gitSources } = await import('../../app/source/index.ts')
  return (paths) => gitSources(fromGit, paths, io.cwd)
}

const isFleet = ({ files }: Sources): boolean =>
  files.every(({ text }) => /^kind:\s*["']?(?:Fleet|Rollout)\b/m.test(text))
