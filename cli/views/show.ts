import { type ShownQube, type ShownSetting } from '../../app/inspect/index.ts'
import { escapeForTerminal, type Problem } from '../../spec/diagnostics/index.ts'
import { AREAS } from '../../spec/index.ts'
import { diffLines } from './plan.ts'
import { padTo, type Style } from './style.ts'
import { belowArea, showValue } from './value.ts'

/** Longer names, of devices mostly, do not push everything to the right. */
const WIDEST_NAME = 28

/** One qube: what is set on it, what its template gives it, and what of that is qstate's. */
export function showView({ qube, settings }: ShownQube, style: Style): string {
  const lines = [`${style.bold(qube.name)} ${style.dim(`${qube.klass}, ${qube.state.toLowerCase()}`)}`]
  const lengths = settings.map((setting) => belowArea(setting.path).length)
  const width = Math.max(12, ...lengths.filter((length) => length <= WIDEST_NAME))
  for (const area of AREAS) {
    const own = settings.filter((setting) => setting.path.startsWith(`${area}/`))
    if (own.length === 0) continue
    lines.push(`  ${area}`)
    for (const setting of own) {
      lines.push(
        `    ${padTo(escapeForTerminal(belowArea(setting.path)), width)}  ${valueText(setting, style)}`,
      )
      lines.push(...diffLines(setting.diff ?? [], '      ', style))
    }
  }
  if (lines.length === 1) lines.push(style.dim('  nothing that qstate manages is set'))
  return `${lines.join('\n')}\n`
}

function valueText(setting: ShownSetting, style: Style): string {
  switch (setting.origin) {
    case 'set':
      return `${showValue(setting.path, setting.value)}${setting.owned ? style.dim('  (qstate)') : ''}`
    case 'template':
      return `${showValue(setting.path, setting.value)}${style.dim('  from its template')}`
    case 'unknown':
      return style.red(`unknown: ${escapeForTerminal(setting.problem?.message ?? '')}`)
    case 'unmanaged':
      return `${showValue(setting.path, setting.value)}${style.dim(`  not managed: ${escapeForTerminal(withHint(setting.problem))}`)}`
  }
}

const withHint = (what: Problem | undefined): string =>
  what === undefined || what.hint === '' ? (what?.message ?? '') : `${what.message} (${what.hint})`
