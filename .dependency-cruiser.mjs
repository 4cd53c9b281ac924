// The layering of ARCHITECTURE.md as rules. A new edge needs a reason there.
const FOLDERS = 'agent|bench|bin|cli|fleet|journal|providers|qubesd|reconciler|spec|test'

const layer = (name, from, allowed, why) => ({
  name,
  severity: 'error',
  comment: why,
  from: { path: `^${from}/` },
  to: { path: `^(${FOLDERS})/`, pathNot: `^(${[from, ...allowed].join('|')})/` },
})

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'a cycle has no first page',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'a file that nothing needs is not kept',
      from: { orphan: true, pathNot: ['[.]d[.]ts$', '^test/', '^bench/', '^bin/', '^scripts/'] },
      to: {},
    },
    layer(
      'spec-is-a-leaf',
      'spec',
      [],
      'spec turns text into a DesiredState; it does not know how that is reached',
    ),
    layer(
      'reconciler-knows-only-spec',
      'reconciler',
      ['spec'],
      'the core is handed its providers, its host and its clock',
    ),
    layer(
      'qubesd-is-a-leaf',
      'qubesd',
      [],
      'the Admin API client would be useful to anyone; it knows nothing of qstate',
    ),
    layer(
      'journal-stores-plans',
      'journal',
      ['reconciler', 'spec'],
      'what a run keeps on disk; it decides nothing',
    ),
    layer(
      'providers-do-not-drive',
      'providers',
      ['spec', 'reconciler', 'qubesd'],
      'a provider translates; it never plans',
    ),
    layer('fleet-composes', 'fleet', ['spec', 'reconciler'], 'a rollout orders reconciliations'),
    layer('agent-composes', 'agent', ['spec', 'reconciler', 'journal'], 'the loop of one host'),
    {
      name: 'one-door-to-the-system',
      severity: 'error',
      comment:
        'sockets and processes are opened in qubesd/ (and git in agent/), so that there is one place to audit',
      from: { path: '^(spec|reconciler|providers|fleet|journal|cli)/' },
      to: {
        dependencyTypes: ['core'],
        path: '^(node:)?(child_process|net|dgram|http|https|tls|worker_threads|cluster|vm)$',
      },
    },
    {
      name: 'pure-core',
      severity: 'error',
      comment: 'no clock, disk or network where a plan is made',
      from: { path: '^(spec|reconciler)/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(assert|util|crypto|path)' },
    },
    {
      name: 'no-test-imports',
      severity: 'error',
      comment: 'what ships does not depend on tests',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      comment: 'what ships uses runtime dependencies only',
      from: { pathNot: '^(test|bench|scripts)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules)/' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
}
