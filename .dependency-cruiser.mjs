// The arrows of ARCHITECTURE.md as rules. A new arrow needs its reason here.

/** What each room may import, besides itself. Later rows stand on earlier ones. */
const ROOMS = {
  spec: [[], 'text becomes a DesiredState; how the text is reached is not its business'],
  reconciler: [['spec'], 'the core is handed its host, its providers and its clock'],
  qubesd: [
    ['spec/diagnostics'],
    'the Admin API client would be useful to anyone; of qstate it knows the shape of a problem',
  ],
  simulator: [['qubesd'], 'it stands for a daemon: it shares the framing with the client, and no more'],
  providers: [['spec', 'reconciler', 'qubesd'], 'a provider translates settings into calls; it never plans'],
  documents: [['spec', 'reconciler'], 'a document is read before anything is done with it'],
  journal: [['spec', 'reconciler', 'documents'], 'what a run keeps on disk; it decides nothing'],
  git: [['spec'], 'the one door to git; it does not know who uses it'],
  agent: [
    ['spec', 'reconciler', 'documents', 'journal', 'git'],
    'the loop of one host, handed its host and its clock',
  ],
  fleet: [['spec', 'reconciler', 'documents'], 'rollouts order reconciliations and make none'],
  app: [
    ['spec', 'reconciler', 'documents', 'qubesd', 'providers', 'journal', 'git', 'agent', 'fleet'],
    'use cases join the rooms below to one another; they know no flag and no terminal',
  ],
  cli: [
    ['spec', 'reconciler', 'simulator', 'documents', 'journal', 'agent', 'fleet', 'app'],
    'a command line becomes a call of app/, and its result a text',
  ],
}

/** What each stage of a room may import of the same room: one way, so that the folders read from top to bottom. */
const STAGES = {
  spec: {
    diagnostics: [],
    vocabulary: ['diagnostics'],
    yaml: ['diagnostics'],
    read: ['diagnostics', 'vocabulary', 'yaml'],
    schema: ['diagnostics', 'vocabulary', 'yaml', 'read'],
    compose: ['diagnostics', 'vocabulary', 'yaml', 'read', 'schema'],
    export: ['diagnostics', 'vocabulary', 'yaml', 'read', 'compose'],
    keys: ['diagnostics', 'vocabulary', 'yaml', 'read'],
    agent: ['diagnostics', 'vocabulary', 'yaml', 'read', 'schema', 'keys'],
    fleet: ['diagnostics', 'vocabulary', 'yaml', 'read', 'schema', 'compose', 'keys'],
  },
  reconciler: {
    ports: [],
    plan: ['ports'],
    ownership: ['ports', 'plan'],
    observe: ['ports', 'plan', 'ownership'],
    harm: ['ports', 'plan'],
    annotate: ['ports', 'plan', 'observe'],
    planning: ['ports', 'plan', 'ownership', 'observe', 'harm', 'annotate'],
    applying: ['ports', 'plan', 'ownership', 'observe', 'planning'],
  },
  simulator: {
    host: [],
    properties: ['host'],
    devices: ['host', 'properties'],
    reactions: ['host', 'properties'],
    methods: ['host', 'properties', 'devices', 'reactions'],
    wire: ['host', 'properties', 'methods'],
  },
  agent: {
    ports: [],
    policy: ['ports'],
    state: ['ports', 'policy'],
    notify: ['ports', 'policy', 'state'],
    loop: ['ports', 'policy', 'state', 'notify'],
  },
  documents: { table: [], read: [], host: ['table'], agent: ['table'], fleet: ['table'] },
  app: {
    host: [],
    source: ['host'],
    plan: ['host', 'source'],
    apply: ['host', 'source', 'plan'],
    import: ['host', 'source'],
    inspect: ['host', 'source', 'plan', 'import'],
    doctor: ['host', 'source'],
    policy: ['host', 'source'],
    validate: ['source'],
    init: ['source'],
    agent: ['host', 'source', 'plan', 'apply'],
    fleet: ['host', 'source', 'plan', 'apply', 'agent'],
  },
  fleet: {
    rollout: [],
    store: [],
    consent: [],
    nats: ['store'],
    member: ['rollout', 'store', 'consent'],
    controller: ['rollout', 'store'],
  },
}

/** Folders inside a room that others enter by a door of their own: the rest of the room need not be loaded for them. */
const OWN_DOORS = [
  'spec/(diagnostics|vocabulary|schema|export|keys|agent|fleet)',
  'documents/(read|host|agent|fleet)',
  'agent/state',
  'git/layout',
  'fleet/nats',
  'app/(host|source|plan|apply|inspect|import|doctor|policy|validate|init|agent|fleet)',
]

const rooms = Object.keys(ROOMS).join('|')
const code = `^(${rooms})/`

const room = (name, [allowed, why]) => ({
  name: `room-${name}`,
  severity: 'error',
  comment: why,
  from: { path: `^${name}/` },
  to: { path: code, pathNot: `^(${[name, ...allowed].join('|')})/` },
})

const stage = (name, from, allowed) => ({
  name: `stage-${name}-${from}`,
  severity: 'error',
  comment: `${name}/${from}/ stands on ${allowed.length === 0 ? 'nothing of its room' : allowed.join(', ')}`,
  from: { path: `^${name}/${from}/` },
  // Files beside the stages are shared by all of them.
  to: { path: `^${name}/.+/`, pathNot: `^${name}/(${[from, ...allowed].join('|')})/` },
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
    ...Object.entries(ROOMS).map(([name, rule]) => room(name, rule)),
    ...Object.entries(STAGES).flatMap(([name, stages]) =>
      Object.entries(stages).map(([from, allowed]) => stage(name, from, allowed)),
    ),
    {
      name: 'index-is-the-door',
      severity: 'error',
      comment:
        'what a folder lends to others is listed in its index; the rest is its own (tests look behind it, and tables.ts, which runs before the parsers that an index names are made)',
      from: { path: '^(.+/)[^/]+$', pathNot: '^(test|bench)/|^documents/tables[.]ts$' },
      to: { path: code, pathNot: ['^$1[^/]+$', '/index[.]ts$', '^app/[^/]+$', '^cli/'] },
    },
    {
      name: 'a-room-has-one-door',
      severity: 'error',
      comment: 'the folders of another room are its own business, but for those with a door of their own',
      from: { path: '^([^/]+)/', pathNot: '^(test|bench)/' },
      to: {
        path: `^(${rooms})/.+/index[.]ts$`,
        pathNot: ['^$1/', ...OWN_DOORS.map((folder) => `^${folder}/index[.]ts$`)],
      },
    },
    {
      name: 'tables-run-at-build-time',
      severity: 'error',
      comment:
        'TypeBox gives types, and schemas to scripts/generate-validator.mjs: nothing that ships loads it',
      from: { pathNot: '^(?:test|scripts|documents)/' },
      to: { path: 'node_modules/typebox' },
    },
    {
      name: 'one-use-case-knows-the-daemon',
      severity: 'error',
      comment: 'all others speak to a Host, so that one place decides what is asked and how',
      from: { path: '^app/', pathNot: '^app/host/' },
      to: { path: '^qubesd/' },
    },
    {
      name: 'one-door-to-the-system',
      severity: 'error',
      comment:
        'sockets and processes are opened in qubesd/, git/, the agent and the NATS store, and timers of systemd in one file: few places to audit',
      from: {
        path: '^(spec|reconciler|providers|fleet|journal|app|cli)/',
        pathNot: '^app/apply/revert-timer[.]ts$',
      },
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
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'typebox' },
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
