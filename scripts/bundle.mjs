// Puts all of qstate into one file that needs Node and nothing else: dist/bundle/qstate.cjs, and beside it the licences of what
// it holds. The same input gives the same bytes, wherever the checkout is. CommonJS, since V8's compiled code of that can be
// kept on every Node that qstate runs on (bin/qstate does).
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export async function bundle(root, folder = join(root, 'dist', 'bundle')) {
  const { version } = readJson(join(root, 'package.json'))
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['cli/bin.ts'],
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    // What Node itself brings is required: the launcher's script has no way to import.
    supported: { 'dynamic-import': false },
    outfile: 'qstate.cjs',
    // Paths are told as they are in the checkout, even where node_modules is a link.
    preserveSymlinks: true,
    // tsc keeps an import of types alone as an import; here it goes, and what it would load with it.
    tsconfigRaw: { compilerOptions: { strict: true } },
    // The library's build for Node looks into the environment at each of its tokens, whether it is to print them.
    alias: { yaml: './node_modules/yaml/browser/dist/index.js' },
    legalComments: 'none',
    logLevel: 'warning',
    define: {
      QSTATE_VERSION: JSON.stringify(version),
      // Only asked for where the version is not baked in.
      'import.meta.url': '"file:///"',
    },
  })
  mkdirSync(folder, { recursive: true })
  replace(join(folder, 'LICENSES.txt'), licences(root, Object.keys(metafile.inputs)))
  replace(join(folder, 'qstate.cjs'), wrapped(ascii(outputFiles[0].text), version))
  return folder
}

/**
 * As Node runs it, and as bin/qstate does, which knows what it has compiled before by the digest. One function holds all, so that
 * nothing of it is global.
 */
function wrapped(text, version) {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16)
  const head = `#!/usr/bin/env node\n// qstate ${version} ${digest}. Licences: see LICENSES.txt beside this.\n`
  return `${head};(function (require, module, exports) {\n${text}\n})(require, module, exports)\n`
}

/**
 * bin/qstate counts on it: ASCII is read and compiled fastest. esbuild escapes texts; what it leaves stands in patterns, where
 * the same escape means the same, and in comments.
 */
const ascii = (text) =>
  text.replace(/[^\x00-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The licence of qstate, then of each package that has a file in the bundle. */
function licences(root, inputs) {
  const names = new Set(
    inputs.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
  )
  const parts = [...names].sort().map((name) => {
    const folder = join(root, 'node_modules', name)
    const { version, license } = readJson(join(folder, 'package.json'))
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    const text =
      file === undefined ? `Its licence: ${license}.` : readFileSync(join(folder, file), 'utf8').trim()
    return `${name} ${version} (${license})\n\n${text}`
  })
  const own = readFileSync(join(root, 'LICENSE'), 'utf8').trim()
  const head = `qstate is licensed under the Apache License 2.0, which follows. It holds parts of: ${[...names].sort().join(', ')}.`
  return `${[head, own, ...parts].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

/** At once: another process may be about to start it. */
function replace(file, content) {
  writeFileSync(`${file}.${process.pid}`, content)
  renameSync(`${file}.${process.pid}`, file)
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))

if (argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..')
  console.log(join(await bundle(root, argv[2]), 'qstate.cjs'))
}
