import { createServer } from 'node:net'
import { join } from 'node:path'
import { isWrite } from '../../simulator/methods/method.ts'
import { exchanges, readRequest } from '../qubesd/support.ts'
import { type Scope, tempFolder } from './temp.ts'

/**
 * A qubesd of a version that has no simulator: over a real socket it answers what the real one was recorded to answer
 * (test/transcripts), byte for byte, and knows nothing else.
 *
 * - The host is as it was at one moment of the recording: a request gets the last answer that was recorded by then. The moment
 *   is the end of `read`, before anything was changed, unless a test names another.
 * - What was not recorded by then is refused with an empty answer, as this daemon refuses what it does not know or allow.
 * - What would change the host is refused as well, recorded or not, and noted: a test counts these.
 */
export interface Replay {
  readonly socket: string
  /** All requests so far, as text. */
  readonly requests: readonly string[]
  /** Those that would have changed the host. */
  readonly writes: readonly string[]
}

export interface ReplayOptions {
  /** The last exchange that has happened: a scenario, with all of it, or a line of one, `usb.jsonl:5`. */
  readonly until?: string
  /** Contents of good answers that the recording lacks, by request: `admin.vm.feature.Get+os dom0 name win10`. */
  readonly also?: Readonly<Record<string, string>>
}

/** In the order in which they were recorded, on one host. */
const SCENARIOS = ['read', 'features', 'properties', 'usb'] as const

export async function startReplay(
  scope: Scope,
  folder: string,
  { until = 'read', also = {} }: ReplayOptions = {},
): Promise<Replay> {
  const answers = answersOf(folder, until)
  for (const [request, content] of Object.entries(also))
    answers.set(`${request}\0`, Buffer.from(`0\0${content}`))
  const socket = join(tempFolder(scope), 'qubesd.sock')
  const requests: string[] = []
  const writes: string[] = []
  const answerTo = (request: Buffer): Buffer | string => {
    const text = request.toString('latin1')
    requests.push(text)
    if (!isWrite(readRequest(request)?.call.method ?? '')) return answers.get(text) ?? ''
    writes.push(text)
    return ''
  }
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    const chunks: Buffer[] = []
    connection.on('error', () => undefined)
    connection.on('data', (chunk: Buffer) => void chunks.push(chunk))
    connection.on('end', () => connection.end(answerTo(Buffer.concat(chunks))))
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  scope.after(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      }),
  )
  return { socket, requests, writes }
}

/** The last answer to each request, by its exact bytes. */
function answersOf(folder: string, until: string): Map<string, Buffer> {
  const all = SCENARIOS.flatMap((scenario) =>
    exchanges().filter((exchange) => exchange.folder === folder && exchange.scenario === scenario),
  )
  const last = all.findLastIndex(
    ({ where, scenario }) => where === `${folder}/${until}` || scenario === until,
  )
  if (last === -1) throw new Error(`${folder} has no ${until}`)
  return new Map(
    all.slice(0, last + 1).map(({ request, response }) => [request.toString('latin1'), response] as const),
  )
}
