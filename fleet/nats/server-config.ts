import { type Fleet } from '../../spec/fleet/index.ts'
import { inboxOf } from './connect.ts'
import { bucketsOf } from './names.ts'

export interface ServerPaths {
  readonly listen: string
  readonly storeDir: string
  /** Certificate and key of the server; null: without TLS, for trying things out on one machine. */
  readonly tls: ServerTls | null
  /** Of several servers that keep everything together; null: there is this one alone. */
  readonly cluster?: ServerCluster | null
}

interface ServerTls {
  readonly cert: string
  readonly key: string
  /** What the certificates of the other servers are signed with; null: whatever the system trusts. */
  readonly ca?: string | null
}

export interface ServerCluster {
  /** The server's own name among them. */
  readonly name: string
  /** Where it listens to the others. */
  readonly listen: string
  /** Where the others listen, as ADDRESS:PORT. */
  readonly routes: readonly string[]
}

/**
 * A configuration for nats-server in which a host may read its own orders, write its own report, and nothing else.
 *
 * Hosts are in an account of their own, for permissions do not cover where an answer goes: in one account a host could have the
 * server write its answers into another host's documents. Across accounts an answer comes back to the asker's own account, where
 * there are no documents.
 */
export function serverConfig(fleet: Fleet, paths: ServerPaths): string {
  const { control, hosts } = bucketsOf(fleet.name)
  const direct = (bucket: string): string => `$JS.API.DIRECT.GET.KV_${bucket}.$KV.${bucket}`
  const services = [`${direct(control)}.>`, `${direct(hosts)}.>`, `$KV.${hosts}.>`]
  const streams = [`$KV.${control}.orders.*`, `$KV.${control}.asks.*`]
  const users = [...fleet.hosts.values()].flatMap(({ name, key }) =>
    key === null
      ? []
      : [
          `      { nkey: ${key}, permissions: {`,
          `          publish: [${list([
            `${direct(control)}.orders.${name}`,
            `${direct(control)}.asks.${name}`,
            `${direct(hosts)}.reports.${name}`,
            `${direct(hosts)}.plans.${name}`,
            `$KV.${hosts}.reports.${name}`,
            `$KV.${hosts}.plans.${name}`,
          ])}]`,
          `          subscribe: [${list([
            `${inboxOf(name)}.>`,
            `$KV.${control}.orders.${name}`,
            `$KV.${control}.asks.${name}`,
          ])}] } } # ${name}`,
        ],
  )
  return `${[
    `# Made by \`qstate fleet server-config\` for the fleet ${fleet.name}; make it anew when hosts or keys change.`,
    `listen: "${paths.listen}"`,
    `jetstream { store_dir: "${paths.storeDir}" }`,
    ...(paths.tls === null
      ? ['# No TLS: for trying things out on one machine.']
      : [`tls { cert_file: "${paths.tls.cert}", key_file: "${paths.tls.key}" }`]),
    ...clusterLines(fleet.name, paths),
    'accounts {',
    '  # Those who are in charge: controllers, and people with their commands.',
    '  CONTROL: {',
    '    jetstream: enabled',
    '    users: [',
    ...fleet.controllers.map((key) => `      { nkey: ${key} }`),
    '    ]',
    '    exports: [',
    ...services.map((subject) => `      { service: "${subject}", accounts: [HOSTS] }`),
    ...streams.map((subject) => `      { stream: "${subject}", accounts: [HOSTS] }`),
    '    ]',
    '  }',
    '  # The hosts: each reads its own orders, writes its own report, and hears only answers to itself.',
    '  HOSTS: {',
    '    users: [',
    ...users,
    '    ]',
    '    imports: [',
    ...services.map((subject) => `      { service: { account: CONTROL, subject: "${subject}" } }`),
    ...streams.map((subject) => `      { stream: { account: CONTROL, subject: "${subject}" } }`),
    '    ]',
    '  }',
    '}',
  ].join('\n')}\n`
}

/** The others prove who they are with certificates of their own: whoever may join them may read and write everything. */
function clusterLines(fleet: string, { cluster, tls }: ServerPaths): readonly string[] {
  if (cluster === undefined || cluster === null) return []
  const ca = tls?.ca === undefined || tls.ca === null ? '' : `, ca_file: "${tls.ca}"`
  return [
    `server_name: "${cluster.name}"`,
    'cluster {',
    `  name: "${fleet}"`,
    `  listen: "${cluster.listen}"`,
    `  routes: [${list(cluster.routes.map((route) => `nats-route://${route}`))}]`,
    ...(tls === null
      ? []
      : [`  tls { cert_file: "${tls.cert}", key_file: "${tls.key}"${ca}, verify: true }`]),
    '}',
  ]
}

const list = (subjects: readonly string[]): string => subjects.map((subject) => `"${subject}"`).join(', ')
