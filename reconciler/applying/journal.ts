import { type Plan, type Report } from '../plan/index.ts'

/** Told of each step before and after it, so that what a killed run had done can be known. */
export interface Journal {
  /** Before the first write. When it fails, nothing is written. */
  begin(plan: Plan): Promise<void>
  write(qube: string, what: string, phase: 'before' | 'after'): Promise<void>
  end(report: Report): Promise<void>
}
