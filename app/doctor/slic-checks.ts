import { readTemplate } from '../../providers/index.ts'
import { NO_NEEDS, type Unknown } from '../../reconciler/index.ts'
import { SLIC_TABLES } from '../../spec/index.ts'
import { tableProblem } from '../host/index.ts'
import {
  type Check,
  type CheckResult,
  type CheckResults,
  locatedAt,
  ok,
  problem,
  unseen,
  warning,
} from './check.ts'
import { type CheckContext, type WantedTables, wantedTables } from './context.ts'

const TABLES = 'sys/firmware/acpi/tables'
const BY_NAME = 'etc/qubes/templates/libvirt/xen/by-name'

/** OEM activation: the tables of this machine, and the templates that hand them on. */
export const slicChecks: readonly Check<CheckContext>[] = [
  { name: 'host-tables', look: hostTables },
  { name: 'libvirt-templates', look: templates },
]

/** In the words of whoever could not read it. */
const notSeenAsIs = ({ problem: { code, message, hint } }: Unknown, about = ''): CheckResult =>
  unseen(code, `${about}${message}`, hint)

/** Contents are never shown: MSDM holds a product key. */
async function hostTables(context: CheckContext): Promise<CheckResults> {
  const { dom0, desired } = context
  const wanted = wantedTables(desired)
  if (dom0.root === null) return tablesFromAfar(context, wanted)
  return (['SLIC', 'MSDM'] as const).map((name): CheckResult => {
    const seen = dom0.read(`${TABLES}/${name}`)
    if (seen.status === 'unknown') {
      const { code, message, hint } = seen.problem
      return unseen(code, `${name}: ${message}`, hint)
    }
    const why = seen.status === 'absent' ? 'this machine has none' : tableProblem(seen.value, name)
    return tableResult(name, why, seen.status === 'absent', wanted)
  })
}

function tableResult(
  name: string,
  why: string | undefined,
  absent: boolean,
  wanted: WantedTables,
): CheckResult {
  if (why === undefined) return ok(`${name} is there and sound`)
  const isWanted = wanted.has(`host:${name}`)
  if (absent && !isWanted) return ok(`no ${name} on this machine`)
  const judge = isWanted ? problem : warning
  const result = judge(
    absent ? 'missing-table' : 'unusable-table',
    `${name}: ${why}`,
    absent
      ? 'only machines sold with Windows 7 or earlier have SLIC, and those sold with 8 or later MSDM; use `slic: off`, or a table from a file'
      : 'Xen would hand it to the guest unchecked, so qstate does not use it; a firmware update may fix it',
  )
  return locatedAt(result, wanted.get(`host:${name}`))
}

/** The service of dom0 tells of the host's tables with each qube that it is asked about. */
async function tablesFromAfar(context: CheckContext, wanted: WantedTables): Promise<CheckResults> {
  const { host, windows } = context
  const first = windows[0]
  if (first === undefined)
    return unseen('no-windows-qube', 'there is no Windows qube to ask for', 'look in dom0')
  const tables = (await host.read(first.qube.name, { ...NO_NEEDS, slic: true })).slic()
  const isForeign = tables.status === 'unknown' && tables.problem.code === 'foreign-template'
  if (tables.status === 'unknown' && !isForeign) {
    const { code, message, hint } = tables.problem
    if (wanted.size === 0) return unseen(code, message, `only needed for \`slic\` in the spec: ${hint}`)
    return locatedAt(problem(code, message, hint), [...wanted.values()][0])
  }
  return Promise.all(
    ['SLIC', 'MSDM'].map(async (name) => {
      const found = await host.tableProblem(`host:${name}`)
      return tableResult(name, found?.message, found?.code === 'missing-table', wanted)
    }),
  )
}

async function templates(context: CheckContext): Promise<CheckResults> {
  const { dom0, qubes } = context
  const listed = dom0.list(BY_NAME)
  if (listed.status === 'unknown') return dom0.root === null ? fromAfar(context) : notSeenAsIs(listed)
  const names = (listed.status === 'present' ? listed.value : []).flatMap((file) =>
    file.endsWith('.xml') ? [file.slice(0, -4)] : [],
  )
  const judged = await Promise.all(
    names.map(async (name) =>
      qubes.some((qube) => qube.name === name) ? templateOf(context, name) : orphan(name),
    ),
  )
  const told = judged.filter(({ verdict }) => verdict !== 'ok')
  return told.length > 0 ? told : ok(names.length === 0 ? 'none' : `${names.length}, all qstate's own`)
}

async function fromAfar(context: CheckContext): Promise<CheckResults> {
  const wanted = context.windows.filter(({ wanted }) => wanted?.settings.has(SLIC_TABLES) === true)
  if (wanted.length === 0)
    return unseen(
      'templates-unasked',
      'the spec has no slic, so that dom0 is not asked',
      `look in dom0: \`ls /${BY_NAME}\``,
    )
  const judged = await Promise.all(wanted.map(({ qube }) => templateOf(context, qube.name)))
  const listed = await context.host.tableTemplates(true)
  const rest =
    listed.status === 'present'
      ? listed.value
          .filter(({ qube }) => context.qubes.every(({ name }) => name !== qube))
          .map(({ qube }) => orphan(qube))
      : listed.status === 'unknown'
        ? [notSeenAsIs(listed, 'templates of qubes that are gone: ')]
        : []
  const told = [...judged, ...rest].filter(({ verdict }) => verdict !== 'ok')
  return told.length > 0 ? told : ok(`${wanted.length}, and none of a qube that is gone`)
}

async function templateOf({ host, dom0, desired }: CheckContext, name: string): Promise<CheckResult> {
  const path = `/${BY_NAME}/${name}.xml`
  const obstacle = await host.startObstacle(name)
  if (obstacle.status === 'present') {
    const { code, message, hint } = obstacle.value
    return problem(code, `${message}: ${name} does not start`, hint)
  }
  const seen = dom0.read(path.slice(1))
  const text = seen.status === 'present' ? seen.value.toString('utf8') : ''
  if (seen.status === 'present' && readTemplate(text).kind === 'foreign') {
    const setting = desired?.qubes.get(name)?.settings.get(SLIC_TABLES)
    const judge = setting === undefined ? warning : problem
    const result = judge(
      'foreign-template',
      `${path} was written by someone else: qstate leaves it alone, and sets no slic for ${name}`,
      'to let qstate have it, move it away and run `qstate plan`',
    )
    return locatedAt(result, setting?.position)
  }
  const tables = (await host.read(name, { ...NO_NEEDS, slic: true })).slic()
  if (tables.status === 'unknown') return notSeenAsIs(tables)
  const state = tables.status === 'present' ? (tables.value[0] ?? '') : ''
  if (state.startsWith('edited:'))
    return warning(
      'template-edited',
      `${path} was edited since qstate wrote it`,
      'see `qstate plan`: an apply writes it anew; to keep the edit, take slic out of the spec first',
    )
  if (state.startsWith('outdated:'))
    return warning(
      'template-outdated',
      state === 'outdated:parent'
        ? `${path} extends a template that is not the first one any more, so that what the first says does not count`
        : `the table file of ${path} is gone or changed: the qube may not start`,
      '`qstate apply` writes it anew',
    )
  return ok(name)
}

const orphan = (name: string): CheckResult =>
  warning(
    'orphan-template',
    `/${BY_NAME}/${name}.xml is of a qube that does not exist: a new qube of that name would get it`,
    `was the qube renamed? then apply its spec under the new name; and \`sudo rm /${BY_NAME}/${name}.xml /var/lib/qstate/acpi/${name}.bin\``,
  )
