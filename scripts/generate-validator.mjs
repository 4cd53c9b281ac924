// Compiles the schemas into code ahead of time: `spec/schema/manifest-validator.ts` and its like, which are not committed. Compiling them
// with ajv at every start took longer than all else that `qstate validate` does. scripts/setup.mjs runs this before tsc.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import standalone from 'ajv/dist/standalone/index.js'
import { build, transform } from 'esbuild'

/** Schemas are made by TypeScript modules, which are bundled to be run before anything is compiled. */
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

/** Where each schema of what people write stands, and where its validator goes. */
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

/**
 * Documents that are stored or exchanged, by folder: `documents/host/holder.ts` has the table `holderTable` and the type `Holder`, of
 * which `documents/host/holder-validator.ts` is made. Null: it is only sent.
 */
const DOCUMENTS = {
  host: {
    baseline: 'StoredBaseline',
    generation: 'GenerationMeta',
    holder: 'Holder',
    plan: 'StoredPlan',
    receipt: 'StoredReceipt',
    report: 'StoredReport',
    snapshot: 'HostSnapshot',
    step: 'Step',
    unconfirmed: 'Unconfirmed',
  },
  agent: {
    accepted: 'Accepted',
    consent: 'GivenConsent',
    memory: 'Memory',
    notification: null,
    ordered: 'Ordered',
    suspension: 'Suspension',
  },
  fleet: {
    ask: 'Ask',
    'host-plan': 'HostPlan',
    'host-report': 'StoredHostReport',
    lease: 'Lease',
    member: 'MemberMemory',
    order: 'Order',
    'rollout-consent': 'RolloutConsent',
    'rollout-state': 'RolloutState',
  },
}

const documents = Object.entries(DOCUMENTS).flatMap(([folder, types]) =>
  Object.entries(types).map(([name, type]) => ({ path: `documents/${folder}/${name}`, name, type })),
)

export async function generateValidators(root) {
  for (const [source, schema, file, name] of VALIDATORS) {
    const ajv = makeAjv({ code: { source: true, esm: true } })
    const code = standalone.default(ajv, ajv.compile(await readSchema(root, source, schema)))
    write(
      join(root, file),
      await asTypeScript(code, source, (validate) => [
        `export const ${name} = ${validate} as ValidateFunction`,
      ]),
    )
  }
  const tables = await readSchema(root, 'documents/tables.ts', 'TABLES')
  const schemas = Object.fromEntries(documents.map(({ name }) => [name, tables[name].schema]))
  const made = '// Made by scripts/generate-validator.mjs from the tables in this folder: change these.'
  const printed = `export const jsonSchemas: Readonly<Record<string, object>> = ${JSON.stringify(schemas)}`
  write(join(root, 'documents/json-schemas.ts'), `${made}\n${printed}\n`)
  for (const { path, name, type } of documents.filter((one) => one.type !== null)) {
    const { schema, ...about } = tables[name]
    // The first fault ends it: a document of faults alone takes no more memory than one of none.
    const options = { allErrors: false, verbose: false, messages: false, inlineRefs: false }
    const ajv = makeAjv({ ...options, code: { source: true, esm: true } })
    // Where in the schema a fault is does not help: what is expected in the document does.
    const code = standalone.default(ajv, ajv.compile(compact(schema))).replace(/schemaPath:"[^"]*",/g, '')
    write(
      `${join(root, path)}-validator.ts`,
      await asTypeScript(code, `${path}.ts`, (validate) => [
        `import type { ${type} } from './${name}.ts'`,
        `export const ${camel(name)}Document = { ...${JSON.stringify(about)}, validate: ${validate} as ValidateFunction<${type}> }`,
      ]),
    )
  }
}

/** A schema without what is for readers, and with each part that occurs again as a definition: it is compiled once. */
function compact(schema) {
  const times = new Map()
  const bare = strip(schema)
  visit(bare, (part) => {
    const text = JSON.stringify(part)
    times.set(text, (times.get(text) ?? 0) + 1)
  })
  const $defs = {}
  const hoist = (part) => {
    const text = JSON.stringify(part)
    const inner = mapParts(part, hoist)
    if (part.properties === undefined && (text.length < 60 || times.get(text) < 2)) return inner
    const name = `d${[...times.keys()].indexOf(text)}`
    $defs[name] = inner
    return { $ref: `#/$defs/${name}` }
  }
  return { ...mapParts(bare, hoist), $defs }
}

function strip({ $schema, $id, title, description, ...schema }) {
  // What is one value need not be of its type, too.
  if ('const' in schema) delete schema.type
  return mapParts(schema, strip)
}

function visit(schema, see) {
  mapParts(schema, (part) => {
    see(part)
    visit(part, see)
    return part
  })
}

/** A schema with another one for each that stands in it. */
function mapParts(schema, turn) {
  const { properties, items, anyOf, additionalProperties } = schema
  const turnAll = (all) => Object.fromEntries(Object.entries(all).map(([key, part]) => [key, turn(part)]))
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties: turnAll(properties) }),
    ...(items === undefined ? {} : { items: turn(items) }),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map(turn) }),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: turn(additionalProperties) } : {}),
  }
}

const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())

/** Left alone where nothing has changed, so that nothing is compiled again. */
function write(file, text) {
  if (readOrNothing(file) !== text) writeFileSync(file, text)
}

/**
 * ajv's code for ES modules still calls `require` for its helpers. It is made smaller too, since all of it is read at each
 * start and nobody reads it for pleasure.
 */
async function asTypeScript(code, source, exported) {
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
      return ['', ...exported(name)].join('\n')
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
