import { type TracedCall } from '../app/index.ts'
import { type Io } from './io.ts'
import { escapeJson } from './json.ts'
import { type GlobalOptions } from './options.ts'

/**
 * With -v every call to qubesd is told on stderr. Values are never logged: a feature may hold what is private.
 * pino is loaded only when it is wanted.
 */
export async function callLog(
  options: GlobalOptions,
  io: Io,
): Promise<((traced: TracedCall) => void) | undefined> {
  if (options.verbose !== true) return undefined
  const { pino } = await import('pino')
  const text = options.logFormat !== 'json'
  const logger = pino(
    { base: null, level: 'debug' },
    {
      write: (line: string) => {
        io.err(text ? asText(line) : escapeJson(line))
      },
    },
  )
  return ({ call, bytes, outcome }) => {
    if (outcome === 'ok') logger.debug({ call, bytes }, 'answered')
    else logger.debug({ call, bytes, code: outcome }, 'failed')
  }
}

function asText(line: string): string {
  const { time, call, msg, code, bytes } = JSON.parse(line) as Record<string, string | number>
  const at = new Date(Number(time)).toISOString().slice(11, 23)
  const size = bytes === 0 ? '' : ` (${String(bytes)} bytes)`
  return `${at} ${String(call)}${size}: ${code === undefined ? String(msg) : String(code)}\n`
}
