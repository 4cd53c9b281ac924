import { readFileSync } from 'node:fs'
import { qubesHost } from '../../app/host/qubesd/qubesd-host.ts'
import { slicService } from '../../app/host/slic/service.ts'
import { providers } from '../../providers/index.ts'
import { type SlicStore } from '../../providers/slic/store.ts'
import { listAvailable } from '../../qubesd/admin.ts'
import { createClient } from '../../qubesd/client.ts'
import { type Call, decodeEvents, encodeRequest } from '../../qubesd/codec.ts'
import { QubesdError } from '../../qubesd/errors.ts'
import { type Transport } from '../../qubesd/transport.ts'
import { planIsBlocked } from '../../reconciler/plan/plan.ts'
import { makePlan } from '../../reconciler/planning/make-plan.ts'
import { type Simulator } from '../../simulator/index.ts'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { QUBE_NAME } from '../../spec/vocabulary/settings.ts'
import { mutate, type Random } from './random.ts'
import { isManaged } from '../../qubesd/index.ts'

const WORDS = [
  '\0',
  '0\0',
  '2\0',
  '1\0',
  '\n',
  ' ',
  '=',
  "'",
  "\\'",
  '\\n',
  '+',
  ':',
  '*',
  '-',
  "mode='required' ",
  "device_id='x' ",
  'default=True ',
  'type=int ',
  'class=AdminVM ',
  'state=Running ',
  'uuid=',
  '../',
  '{{',
  '<',
  '\u001b[2J',
  'QubesVMNotFoundError',
  'PermissionDenied',
  '\u00ff\u00fe',
  '{"v":1',
  '"set":{}',
  '__proto__',
]

const NO_SLIC: SlicStore = {
  read: () => Promise.resolve({ status: 'absent' }),
  problem: () => Promise.resolve(undefined),
  listingCosts: false,
  list: () => Promise.resolve([]),
  texts: () => Promise.resolve(undefined),
  set: () => Promise.reject(new QstateError(problem('service-error', 'no', 'no'))),
  remove: () => Promise.resolve(),
}

const SPEC = 'examples/windows-10.yaml'

/** Answers of a real simulator, of which some come mutated. */
function lyingTransport(simulator: Simulator, random: Random): Transport {
  return {
    kind: 'socket',
    where: 'fuzz',
    exchange(call: Call) {
      const answer = simulator.act(encodeRequest(call))
      return Promise.resolve(random.below(4) === 0 ? mutate(answer, random, WORDS) : answer)
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing listens here
    async *stream() {
      throw new Error('no stream here')
    },
  }
}

/** One plan, and a look at the devices, on answers that lie. Throws where qstate would not know what to do. */
export async function fuzzAnswers(
  simulator: Simulator,
  random: Random,
): Promise<'planned' | 'blocked' | 'refused'> {
  const client = createClient(lyingTransport(simulator, random))
  const { manifest } = loadManifest([{ path: SPEC, text: readFileSync(SPEC, 'utf8') }])
  if (manifest === null) throw new Error('the example is wrong')
  const host = qubesHost({ client, slic: NO_SLIC })
  try {
    const qubes = await host.list()
    const version = host.version(qubes)
    if (!isManaged(version)) return 'refused'
    const { desired } = resolve(manifest, { qubes: [] })

    const plan = await makePlan(desired, {
      host,
      providers,
      qubes,
      version,
      now: '2026-11-24T12:00:00Z',
      commit: null,
      by: 'user@test',
      receipts: null,
      selects: () => true,
      parallelism: 4,
    })
    await listAvailable(client, version, 'sys-usb')
    return planIsBlocked(plan) ? 'blocked' : 'planned'
  } catch (error) {
    if (error instanceof QstateError || error instanceof QubesdError) return 'refused'
    throw error
  }
}

/** One stream of events, mutated and cut into pieces. */
export function fuzzEvents(random: Random): void {
  const lines = readFileSync('test/transcripts/4.3/events.jsonl', 'utf8').trim().split('\n')
  const { response_b64 } = JSON.parse(lines.at(-1) ?? '{}') as { response_b64: string }
  const stream = mutate(Buffer.from(response_b64, 'base64'), random, WORDS)
  let pending = Buffer.alloc(0)
  for (let at = 0; at < stream.length;) {
    const size = 1 + random.below(400)
    const decoded = decodeEvents(Buffer.concat([pending, stream.subarray(at, at + size)]))
    if ('malformed' in decoded) return
    pending = Buffer.from(decoded.rest)
    at += size
  }
}

const LIST = 'win7\nwin7-oem\nx.1'
const STATE = 'tables edited:0123456789ab\nhost:SLIC ok\nhost:MSDM missing'
const b64 = (text: string): string => Buffer.from(text).toString('base64')

/** What the service of dom0 says, mutated: it is read strictly, or refused. */
export async function fuzzService(random: Random): Promise<'read' | 'refused'> {
  const answers = [LIST, STATE, `${STATE}\nis ${b64('<domain/>')}\nwould ${b64('')}`]
  const transport: Transport = {
    kind: 'qrexec',
    where: 'fuzz',
    exchange() {
      const answer = Buffer.from(`0\0${answers[random.below(answers.length)] ?? ''}`, 'latin1')
      return Promise.resolve(random.below(3) === 0 ? answer : mutate(answer, random, WORDS))
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing listens here
    async *stream() {
      throw new Error('no stream here')
    },
  }
  const store = slicService(createClient(transport), () => undefined)
  try {
    const listed = await store.list()
    if (listed.length > 1000 || !listed.every(({ qube }) => QUBE_NAME.test(qube)))
      throw new Error('it lists what is no qube')
    await store.read('win7')
    const texts = await store.texts('win7', ['host:SLIC'])
    if (texts !== undefined && texts.is.length + texts.would.length > 2 * 16 * 1024)
      throw new Error('it gives a text without end')
    return 'read'
  } catch (error) {
    if (error instanceof QstateError) return 'refused'
    throw error
  }
}
