import { type Problem, problem, quote, warningAt } from '../diagnostics/index.ts'
import { type Draft } from './context.ts'
import { type Statement } from './manifest.ts'

/** Warnings about one value, whatever stands around it. */
export function adviseOnValue({ reading, statements }: Draft): void {
  for (const statement of statements.values()) {
    const what = adviceOn(statement)
    if (what !== undefined) reading.report(warningAt(statement.position, what))
  }
}

function adviceOn({ path, value }: Statement): Problem | undefined {
  if (value === undefined) return undefined
  const text = typeof value === 'string' ? value : ''
  if (value === null) return RESET_BY_TOOLS.has(path) ? resetByTools(path) : undefined
  if (path === 'audio/model' && SILENT.has(text)) {
    return problem(
      'silent-model',
      `the audio model ${quote(text)} is likely silent on Qubes 4.3`,
      'there the stubdomain gives its audio backend to ich6 only',
    )
  }
  if (IGNORED.has(path) && value !== '') {
    return problem(
      'ignored-feature',
      `${path} is set, but no release of Qubes reads it`,
      'the documentation names it; it changes nothing',
    )
  }
  if (path === 'stubdom/videoModel' && value !== '' && !VIDEO_MODELS.has(text)) {
    return problem(
      'unusual-model',
      `unusual video model ${quote(text)}`,
      'vga is the default, cirrus helps some old Windows, none is no screen; others may keep the qube from starting',
    )
  }
  return undefined
}

const resetByTools = (path: string): Problem =>
  problem(
    'reset-by-tools',
    `${path} will not stay absent: Windows Tools set it again at the next boot`,
    'off keeps it off; a value keeps that value',
  )

const SILENT: ReadonlySet<string> = new Set(['ac97', 'es1370', 'sb16'])
const IGNORED: ReadonlySet<string> = new Set(['audio/timerPeriod', 'audio/latency', 'audio/bufferLength'])
const VIDEO_MODELS: ReadonlySet<string> = new Set(['vga', 'cirrus', 'none'])
const RESET_BY_TOOLS: ReadonlySet<string> = new Set([
  'audio/model',
  'stubdom/qrexec',
  'qube/features/timezone',
  'qube/features/no-monitor-layout',
])
