import { type Diagnostic, type SourceFile } from '../../spec/diagnostics/index.ts'
import { loadManifest } from '../../spec/index.ts'
import { type Sources } from '../source/index.ts'

/** What is right and wrong with a spec, by itself. */
export interface SpecCheck {
  readonly kind: 'spec'
  readonly valid: boolean
  readonly files: readonly SourceFile[]
  readonly diagnostics: readonly Diagnostic[]
  /** How many qubes it names. */
  readonly qubes: number
}

export function validateSpec({ files, readTable }: Sources): SpecCheck {
  const { manifest, diagnostics } = loadManifest(files, { readTable })
  return { kind: 'spec', valid: manifest !== null, files, diagnostics, qubes: manifest?.qubes.size ?? 0 }
}
