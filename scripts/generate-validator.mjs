// Compiles the schemas into code ahead of time: `spec/schema/manifest-validator.ts` and its like, which are not committed. Compiling them
// with ajv at every start took longer than all else that `qstate validate` does. scripts/setup.mjs runs this before tsc.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import standalone from 'ajv/dist/standalone/index.js'
import { build, transform } from 'esbuild'

/** The schema is made by TypeScript modules, which are bundled to be read before anything is compiled. */
async function readSchema(root, source, name) {
  const folder = mkdtempSync(join(tmpdir(), 'qstate-schema-'))
  try {
    const outfile = join(folder, 'schema.mjs')
    const entryPoints = [join(root, source)]
    await build({ entryPoints, outfile, bundle: true, format: 'esm', platform: 'node', logLevel: 'error' })
    return (await import(pathToFileURL(outfile).href))[name]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Settings of the validator. `verbose`: faults carry the schemas that explain them. */
export function makeAjv(more = {}) {
  // The tests hold the schema against its meta-schema; doing it here would double the time.
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, validateSchema: false, ...more })
  // Our schemas do not ask what no branch has looked at, and to keep account of that ajv goes through all branches of a union.
  ajv.opts.unevaluated = false
  return ajv.addVocabulary(['x-expected', 'x-setting', 'x-name'])
}

/** Where each schema is written, and where its validator goes. */
const VALIDATORS = [
  [
    'spec/schema/manifest-schema.ts',
    'manifestSchema',
    'spec/schema/manifest-validator.ts',
    'validateManifest',
  ],
  ['spec/agent/agent-schema.ts', 'agentSchema', 'spec/agent/agent-validator.ts', 'validateAgent'],
  ['spec/fleet/fleet-schema.ts', 'fleetSchema', 'spec/fleet/fleet-validator.ts', 'validateFleet'],
  ['spec/fleet/rollout-schema.ts', 'rolloutSchema', 'spec/fleet/rollout-validator.ts', 'validateRollout'],
]

export async function generateValidators(root) {
  for (const [source, schema, file, name] of VALIDATORS) {
    const ajv = makeAjv({ code: { source: true, esm: true } })
    const code = standalone.default(ajv, ajv.compile(await readSchema(root, source, schema)))
    const text = await asTypeScript(code, source, name)
    // Left alone where nothing has changed, so that nothing is compiled again.
    if (readOrNothing(join(root, file)) !== text) writeFileSync(join(root, file), text)
  }
}

/**
 * ajv's code for ES modules still calls `require` for its helpers. It is made smaller too, since all of it is read at each
 * start and nobody reads it for pleasure.
 */
async function asTypeScript(code, source, validator) {
  const helpers = []
  const body = code.replace(
    /const (\w+) = require\("(ajv\/dist\/runtime\/\w+)"\)\.default;/g,
    (_, name, path) => {
      helpers.push([name, path])
      return ''
    },
  )
  if (/\brequire\(/.test(body))
    throw new Error('ajv generates a `require` that scripts/generate-validator.mjs does not know')
  const imports = helpers.map(
    ([name, path]) => `import ${name}Module from "${path}.js"; const ${name} = ${name}Module.default;`,
  )
  const small = await transform(`${imports.join('\n')}\n${body}`, {
    format: 'esm',
    minify: true,
    target: 'es2023',
  })
  return [
    `// Made by scripts/generate-validator.mjs from ${source}: change that.`,
    '// @ts-nocheck',
    "import { type ValidateFunction } from 'ajv'",
    small.code.trim().replace(/export\s*\{[^}]*\bas validate\b[^}]*\};?$/, (list) => {
      const name = /([\w$]+) as validate\b/.exec(list)[1]
      return `\nexport const ${validator} = ${name} as ValidateFunction`
    }),
    '',
  ].join('\n')
}

function readOrNothing(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
