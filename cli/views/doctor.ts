import { type Examined, type Finding, type Verdict } from '../../app/doctor/index.ts'
import { escapeForTerminal, type Problem } from '../../spec/diagnostics/index.ts'
import { fold, type Paint, plural, type Style } from './style.ts'

const SIGN: Readonly<Record<Verdict, string>> = { ok: '✓', warning: '!', problem: '✗', unknown: '?' }

/** The host, then each qube: one line where all is well, details only of what is not. */
export function doctorView(examined: readonly Examined[], style: Style): string {
  return `${[...examined.map((one) => groupView(one, style)), summary(examined, style)].join('\n')}\n`
}

function groupView({ qube, about, findings }: Examined, style: Style): string {
  const title = `${style.bold(qube ?? 'host')}  ${style.dim(about)}`
  const told = merged(findings)
  const well = new Set(findings.map(({ check }) => check))
  for (const { verdict, check } of findings) if (verdict !== 'ok') well.delete(check)
  const count = plural(well.size, 'check')
  if (told.length === 0) return `${style.green('✓')} ${title}  ${style.dim(`${count}, all well`)}`
  const worst = (['problem', 'warning', 'unknown'] as const).find((verdict) =>
    told.some((one) => one.verdict === verdict),
  )
  const sign = worst ?? 'ok'
  const lines = [`${paintOf(sign, style)(SIGN[sign])} ${title}`]
  for (const { checks, verdict, problem } of told) {
    const { message, hint } = problem
    const text = `${SIGN[verdict]} ${checks.join(', ')}: ${shown(message)}`
    lines.push(paintOf(verdict, style)(hang(text, style.width, '    ')))
    if (hint !== '') lines.push(style.dim(fold(shown(hint), style.width, '        ')))
  }
  if (well.size > 0) lines.push(style.dim(`    ✓ ${count} well`))
  return lines.join('\n')
}

/** Some of it came from a host: nothing of that may move the cursor. */
const shown = (text: string): string => escapeForTerminal(text, { newlines: true })

/** The first line at the indent, what is carried over two columns further. */
function hang(text: string, width: number, indent: string): string {
  const [first = '', ...rest] = fold(text, width - 2, indent).split('\n')
  return [first, ...rest.map((line) => `  ${line}`)].join('\n')
}

interface Told {
  readonly checks: readonly string[]
  readonly verdict: Verdict
  readonly problem: Problem
}

/** What several checks say in the same words, most often why they could not look, is said once. */
function merged(findings: readonly Finding[]): readonly Told[] {
  const told = new Map<string, Told>()
  for (const finding of findings) {
    if (finding.verdict === 'ok') continue
    const { check, verdict, problem } = finding
    const key = JSON.stringify([verdict, problem.message, problem.hint])
    const earlier = told.get(key)
    told.set(key, { checks: [...(earlier?.checks ?? []), check], verdict, problem })
  }
  return [...told.values()]
}

function summary(examined: readonly Examined[], style: Style): string {
  const all = examined.flatMap(({ findings }) => findings)
  const count = (verdict: Verdict): number => all.filter((one) => one.verdict === verdict).length
  const problems = count('problem')
  const rest = [
    ...(count('warning') > 0 ? [plural(count('warning'), 'warning')] : []),
    ...(count('unknown') > 0 ? [`${count('unknown')} could not be looked at`] : []),
  ]
  const head = problems > 0 ? style.red(plural(problems, 'problem')) : style.green('No problem')
  return `\n${[head, ...rest].join('; ')}.`
}

function paintOf(verdict: Verdict, style: Style): Paint {
  switch (verdict) {
    case 'ok':
      return style.green
    case 'problem':
      return style.red
    case 'warning':
      return style.yellow
    case 'unknown':
      return style.cyan
  }
}
