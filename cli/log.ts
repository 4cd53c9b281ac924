import { type Call, describeCall } from '../qubesd/index.ts'
import { type Code } from '../spec/diagnostics/index.ts'
import { type Io } from './io.ts'
import { type GlobalOptions } from './options.ts'

export interface Log {
  call(call: Call, outcome: 'ok' | Code): void
}

/**
 * With -v every call to qubesd is told on stderr. Values are never logged: a feature may hold what is nobody's business.
 * pino is loaded only when it is wanted.
 */
export async function makeLog(options: GlobalOptions, io: Io): Promise<Log | undefined> {
  if (options.verbose !== true) return undefined
  const { pino } = await import('pino')
  const text = options.logFormat !== 'json'
  const logger = pino(
    { base: null, level: 'debug' },
    {
      write: (line: string) => {
        io.err(text ? asText(line) : line)
      },
    },
  )
  return {
    call(call, outcome) {
      const fields = { call: describeCall(call), bytes: call.payload.length }
      if (outcome === 'ok') logger.debug(fields, 'answered')
      else logger.debug({ ...fields, code: outcome }, 'failed')
    },
  }
}

function asText(line: string): string {
  const { time, call, msg, code, bytes } = JSON.parse(line) as Record<string, string | number>
  const at = new Date(Number(time)).toISOString().slice(11, 23)
  const size = bytes === 0 ? '' : ` (${String(bytes)} bytes)`
  return `${at} ${String(call)}${size}: ${code === undefined ? String(msg) : String(code)}\n`
}
