import { type QubeDifference, type RevisionDiff, type SettingDifference } from '../../app/plan/index.ts'
import { AREAS } from '../../spec/index.ts'
import { fold, padTo, plural, type Style } from './style.ts'
import { belowArea, shortCommit, showValue } from './value.ts'

/** What one revision asks otherwise than another, qube by qube. */
export function diffView({ from, to, qubes }: RevisionDiff, style: Style): string {
  const parts = [style.dim(`${shortCommit(from)} → ${shortCommit(to)}`)]
  for (const qube of qubes) parts.push(qubeView(qube, style))
  const settings = qubes.reduce((sum, qube) => sum + qube.settings.length, 0)
  parts.push(
    qubes.length === 0
      ? style.green('Both ask for the same.')
      : fold(
          `${style.bold('Changed:')} ${plural(settings, 'setting')} in ${plural(qubes.length, 'qube')}. What that changes on a host is its plan’s to say.`,
          style.width,
          '',
        ),
  )
  return `${parts.join('\n\n')}\n`
}

function qubeView({ qube, status, settings, besides }: QubeDifference, style: Style): string {
  const head =
    status === 'changed'
      ? ''
      : status === 'added'
        ? style.green('  new here')
        : style.red('  no longer named')
  const lines = [`${style.bold(qube)}${head}`]
  const width = Math.max(
    12,
    ...settings.map(({ path }) => belowArea(path).length).filter((length) => length <= 28),
  )
  for (const area of AREAS) {
    const inArea = settings.filter(({ path }) => path.startsWith(`${area}/`))
    if (inArea.length > 0) lines.push(`  ${area}`, ...inArea.map((one) => settingLine(one, width, style)))
  }
  for (const { what, before, after } of besides)
    lines.push(
      `  ${what}  ${before === null ? 'nothing' : JSON.stringify(before)} → ${after === null ? 'nothing' : JSON.stringify(after)}`,
    )
  return lines.join('\n')
}

function settingLine({ path, before, after }: SettingDifference, width: number, style: Style): string {
  const sign = before === null ? style.green('+') : after === null ? style.red('-') : style.yellow('~')
  const shown = (value: SettingDifference['before']): string =>
    value === null ? 'not asked for' : showValue(path, value)
  return `    ${sign} ${padTo(belowArea(path), width)}  ${shown(before)} → ${style.bold(shown(after))}`
}
