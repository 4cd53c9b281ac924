import {
  foreign,
  MAX_TEXT,
  missingTable,
  SLIC_GET,
  SLIC_LIST,
  SLIC_REMOVE,
  SLIC_SET,
  type SlicStore,
  type Tables,
  templateName,
  unavailableTable,
  unusableTable,
} from '../../../providers/index.ts'
import { type Call, type Client, MAX_REQUEST_BYTES, QubesdError } from '../../../qubesd/index.ts'
import { type Observation } from '../../../reconciler/index.ts'
import { problem, type Problem, QstateError } from '../../../spec/diagnostics/index.ts'
import { QUBE_NAME, TABLE } from '../../../spec/index.ts'
import { tableProblem } from './acpi.ts'

/** What the qrexec transport keeps of a request for itself. */
const REQUEST_HEADER = 512

/** Exit code with which qrexec says that dom0 has no such service. */
const NOT_INSTALLED = /exit code 127\b/

/**
 * SLIC from a management qube: the qrexec services of `dom0/`, which do in dom0 what `slicFiles` does there. What the
 * host's own tables are worth comes with every reading, so that a plan can say it without a call of its own.
 */
export function slicService(client: Client, tables: Tables): SlicStore {
  const hostTables = new Map<string, Problem | undefined>()

  async function read(qube: string): Promise<Observation<readonly string[]>> {
    const call: Call = { dest: 'dom0', method: SLIC_GET, arg: qube, payload: '' }
    const text = await ask(client, call)
    const answer = parseState(text)
    if (answer === undefined) throw outdatedService(`${SLIC_GET}+${qube}`)
    for (const [table, what] of answer.host) hostTables.set(table, what)
    switch (answer.state) {
      case 'absent':
        return { status: 'absent' }
      case 'foreign':
        return foreign(pathOf(qube))
      default:
        return { status: 'present', value: answer.state }
    }
  }

  /** One line of `set`: the name, and for a table from a file its bytes. */
  function line(table: string): string {
    if (!table.startsWith('file:')) return table
    const bytes = tables(table.slice(5))
    if (bytes === undefined) throw new QstateError(unavailableTable(table))
    return `${table} ${bytes.toString('base64')}`
  }

  return {
    read,
    problem(table) {
      const bytes = table.startsWith('file:') ? tables(table.slice(5)) : undefined
      const found = bytes === undefined ? hostTables.get(table) : givenProblem(table, bytes)
      return Promise.resolve(found)
    },
    listingCosts: true,
    async list() {
      const text = await ask(client, { dest: 'dom0', method: SLIC_LIST, arg: '', payload: '' })
      const qubes = parseNames(text)
      if (qubes === undefined) throw outdatedService(SLIC_LIST)
      return qubes.map((qube) => ({ qube, path: pathOf(qube) }))
    },
    async texts(qube, wanted) {
      const payload = wanted.length === 0 ? 'none' : wanted.map(line).join('\n')
      const texts = parseTexts(await ask(client, { dest: 'dom0', method: SLIC_GET, arg: qube, payload }))
      return texts === undefined ? undefined : { path: pathOf(qube), ...texts }
    },
    async set(qube, wanted) {
      const payload = wanted.map(line).join('\n')
      await ask(client, { dest: 'dom0', method: SLIC_SET, arg: qube, payload })
    },
    async remove(qube) {
      await ask(client, { dest: 'dom0', method: SLIC_REMOVE, arg: qube, payload: '' })
    },
  }
}

function givenProblem(table: string, bytes: Buffer): Problem | undefined {
  const why = tableProblem(bytes)
  if (why !== undefined) return unusableTable(table, why)
  if (Math.ceil(bytes.length / 3) * 4 + REQUEST_HEADER + table.length < MAX_REQUEST_BYTES) return undefined
  const hint = 'apply this setting in dom0, where tables of up to 1 MiB are read from the file itself'
  return problem('table-too-large', `the table ${table} is too large for a call from a qube`, hint)
}

const UPDATE =
  'is dom0/qstate.Slic there of this version of qstate? `qstate.Slic` is copied anew at an update'

const outdatedService = (call: string): QstateError =>
  new QstateError(problem('service-outdated', `${call}: the answer is not what the service answers`, UPDATE))

interface State {
  readonly state: 'absent' | 'foreign' | readonly string[]
  readonly host: ReadonlyMap<string, Problem | undefined>
}

/** A table in force, or why what is there no longer holds, in the words of `slicFiles`. */
const SEEN = /^(?:edited:[0-9a-f]{12}|outdated:parent|outdated:table)$/

/** `absent`, `foreign` or `tables NAME,…`; then one line for each table that a host can have. */
function parseState(text: string): State | undefined {
  const [first = '', ...checks] = text.split('\n')
  const host = new Map<string, Problem | undefined>()
  for (const check of checks) {
    const [, name, verdict] = /^host:(SLIC|MSDM) ([\x20-\x7e]{1,200})$/.exec(check) ?? []
    if (name === undefined || verdict === undefined) return undefined
    host.set(`host:${name}`, hostProblem(name, verdict))
  }
  if (first === 'absent' || first === 'foreign') return { state: first, host }
  const names = /^tables ([\x21-\x7e]{1,2000})$/.exec(first)?.[1]?.split(',')
  return names?.every((name) => TABLE.test(name) || SEEN.test(name)) === true
    ? { state: names, host }
    : undefined
}

const pathOf = (qube: string): string => `/etc/qubes/templates/${templateName(qube)}`

/** More templates than this are not listed. */
const MAX_LISTED = 1000

/** Names of qubes, one a line. */
function parseNames(text: string): readonly string[] | undefined {
  if (text === '') return []
  const names = text.split('\n')
  return names.length <= MAX_LISTED && names.every((name) => QUBE_NAME.test(name)) ? names : undefined
}

/** The last two lines of an answer about an edited template, each a text in base64: what is there, what would be. */
function parseTexts(text: string): { readonly is: string; readonly would: string } | undefined {
  const [is, would, ...more] = text.split('\n').slice(3)
  const given = [
    /^is ([A-Za-z0-9+/=]*)$/.exec(is ?? '')?.[1],
    /^would ([A-Za-z0-9+/=]*)$/.exec(would ?? '')?.[1],
  ]
  const [one, other] = given.map((encoded) => decoded(encoded))
  return one === undefined || other === undefined || more.length > 0 ? undefined : { is: one, would: other }
}

function decoded(encoded: string | undefined): string | undefined {
  const bytes = encoded === undefined ? undefined : Buffer.from(encoded, 'base64')
  return bytes === undefined || bytes.length > MAX_TEXT ? undefined : bytes.toString('utf8')
}

function hostProblem(name: string, verdict: string): Problem | undefined {
  if (verdict === 'ok') return undefined
  return verdict === 'missing' ? missingTable(name) : unusableTable(`host:${name}`, verdict)
}

async function ask(client: Client, call: Call): Promise<string> {
  try {
    return (await client.call(call, { finish: call.method !== SLIC_GET })).toString('latin1')
  } catch (error) {
    // That the run is being stopped explains itself.
    throw error instanceof QubesdError && error.code !== 'aborted' ? explained(call, error) : error
  }
}

/** Not allowed, not installed, or refused: three things with three remedies. Other settings go on without SLIC. */
function explained(call: Call, error: QubesdError): QstateError {
  const name = call.arg === '' ? call.method : `${call.method}+${call.arg}`
  if (error.code === 'denied-by-policy') {
    const hint = `${error.hint}\nand install the service there, if it is not yet: docs/management-qube.md`
    return new QstateError({ ...error.problem, hint })
  }
  if (error.code === 'daemon-unreachable' && NOT_INSTALLED.test(error.message)) {
    const missing = `${name}: policy allows it, and dom0 has no such service`
    const hint =
      'install it in dom0 with dom0/install.sh (docs/management-qube.md), or leave slic out of the spec here'
    return new QstateError(problem('service-missing', missing, hint))
  }
  const said = error.message.replace(': qubesd says ', ': the service in dom0 says ')
  const hint = 'see `journalctl -t qstate.Slic` in dom0; docs/management-qube.md tells what the service needs'
  // A call that was given up may be done yet, and the core goes by that code.
  const code = error.code === 'timeout' ? 'timeout' : 'service-error'
  return new QstateError(problem(code, said, hint), { cause: error })
}
