import { readdirSync, readFileSync } from 'node:fs'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { formatDiagnostics } from '../../spec/diagnostics/format.ts'
import { mutate, type Random } from './random.ts'

const WORDS = [
  '{',
  '}',
  '[',
  ']',
  ': ',
  '- ',
  '\n',
  '\n  ',
  '\t',
  '"',
  "'",
  '&a ',
  '*a',
  '<<: *a',
  '!!binary ',
  '!x ',
  '|',
  '>',
  '%YAML 1.1\n',
  '---\n',
  '...\n',
  '#',
  'off',
  'inherit',
  'unmanaged',
  'null',
  '~',
  'yes',
  '0755',
  '1e999',
  '-0',
  '.inf',
  '0x10',
  '2026-01-01',
  '\u0000',
  '\ufeff',
  '\u2028',
  'extends: windows-10',
  'qubes:',
  'usb:',
  'slic: host',
  'sys-usb+2-1:*',
  '__proto__',
  'constructor',
  'apiVersion: qstate/v1\n',
  '💻',
]

export const SAMPLES = readdirSync('examples')
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(`examples/${name}`))

const HOST = {
  qubes: ['win10-work', 'win-x', 'constructor'].map((name) => ({
    name,
    klass: 'AppVM',
    tags: new Set(['windows', 'office-app']),
  })),
}

/** One mutated spec through everything that reads one. Throws where qstate would. */
export function fuzzSpec(random: Random): void {
  const text = mutate(random.pick(SAMPLES), random, WORDS).toString('utf8')
  const sources = [{ path: 'fuzz.yaml', text }]
  const { manifest, diagnostics } = loadManifest(sources, { readTable: () => Buffer.alloc(8) })
  formatDiagnostics(diagnostics, sources, { color: random.below(2) === 0, width: 40 + random.below(100) })
  if (manifest === null && !diagnostics.some((d) => d.severity === 'error'))
    throw new Error('refused, and no error told')
  for (const { at } of diagnostics) {
    if (at.line < 1 || at.column < 1 || at.length < 1) throw new Error('a place outside the file')
  }
  if (manifest !== null) resolve(manifest, HOST)
}
