import { type Confirmed, untriedText } from '../../app/apply/index.ts'
import { fold, type Style } from './style.ts'

/** That an apply stays, and what of it the time to confirm it has not shown. */
export function confirmedView({ generation, untried }: Confirmed, style: Style): string {
  const head = `Generation ${generation} is confirmed, and stays.\n`
  if (untried.length === 0) return head
  const text = `Not tried by this: ${untriedText(untried)}. They take effect at the next start.`
  return `${head}${style.yellow(fold(text, style.width, ''))}\n`
}
