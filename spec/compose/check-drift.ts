import { problem, quote, type Report, warningAt } from '../diagnostics/index.ts'
import { type DriftStatement } from '../read/index.ts'
import { type View } from './check-qube.ts'

/**
 * A drift policy of a setting that no qube with this line has: mostly a name that is misspelt. A line of a profile is of use if one of
 * the qubes has it, and one for an area is always.
 */
export function checkDrift(qubes: Iterable<View>, report: Report): void {
  const unused = new Map<DriftStatement, string>()
  const used = new Set<DriftStatement>()
  for (const { composed } of qubes)
    for (const [path, line] of composed.drift) {
      if (!path.includes('/')) continue
      if (!composed.complete || composed.statements.get(path)?.value !== undefined) used.add(line)
      else unused.set(line, path)
    }
  for (const [line, path] of unused) {
    const what = `${quote(path)} has a drift policy, and no value`
    const hint = 'qstate notices drift only in what the spec sets; set it, or leave the line out'
    if (!used.has(line)) report(warningAt(line.position, problem('unused-drift', what, hint)))
  }
}
