import { type Say } from '../app/agent/index.ts'
import { type Io } from './io.ts'
import { escapeJson } from './json.ts'
import { type GlobalOptions } from './options.ts'

/** The log of an agent or a controller, on stderr: a line for people, or JSON with --log-format json. With -v more of it. */
export async function agentLog(options: GlobalOptions, io: Io): Promise<Say> {
  const { pino } = await import('pino')
  const isText = options.logFormat !== 'json'
  const logger = pino(
    {
      base: null,
      level: options.verbose === true ? 'debug' : 'info',
      formatters: { level: (level) => ({ level }) },
      timestamp: () => `,"time":"${io.now().toISOString()}"`,
    },
    {
      write: (line: string) => {
        io.err(isText ? asText(line) : escapeJson(line))
      },
    },
  )
  return (level, message, about = {}) => {
    logger[level](about, message)
  }
}

function asText(line: string): string {
  const { time, level, msg, hint, ...about } = JSON.parse(line) as Record<string, unknown>
  const more = Object.entries(about)
    .filter(([, value]) => value !== '' && value !== null)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('')
  const advice = typeof hint === 'string' && hint !== '' ? `\n  ${hint}` : ''
  return `${String(time)} ${String(level).padEnd(5)} ${String(msg)}${more}${advice}\n`
}
