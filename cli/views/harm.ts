import { type PlannedRestart } from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { fold, type Style } from './style.ts'

/** What a restart that the plan leads to would harm, and what is not known of that. */
export function harmLines({ qube, when, harm = {} }: PlannedRestart, style: Style): readonly string[] {
  const { refusal, needsPerson = [], unknown = [] } = harm
  const told = (text: string, hint: string): string =>
    `${style.yellow(fold(text, style.width, ''))}\n${style.dim(fold(hint, style.width, '  '))}`
  if (refusal !== undefined) return [told(`${qube} is not restarted: ${refusal.message}.`, refusal.hint)]
  const what = when === 'ask' ? 'asks before it restarts' : 'does not restart'
  return [
    ...needsPerson.map(({ message, hint }) => told(`The apply ${what} ${qube}: ${message}.`, hint)),
    ...(unknown.length === 0 ? [] : [style.dim(fold(unknownText(qube, unknown), style.width, ''))]),
  ]
}

/** Policy denies several reads at once: their lines are printed elsewhere. */
function unknownText(qube: string, unknown: readonly Problem[]): string {
  const denied = unknown.filter(({ code }) => code === 'denied-by-policy')
  const rest = unknown.filter(({ code }) => code !== 'denied-by-policy')
  const told = [
    ...(denied.length === 0 ? [] : ['policy in dom0 does not let it be read (`qstate policy --restart`)']),
    ...rest.map(({ message, hint }) => `${message} (${hint})`),
  ]
  return `· whether ${qube} starts again is not wholly known: ${told.join('; ')}`
}
