import { type FleetCheck, type SpecCheck } from '../../app/validate/index.ts'
import { type Diagnostic } from '../../spec/diagnostics/index.ts'
import { fold, plural, type Style } from './style.ts'

/** Whether it is valid, in one line: its diagnostics are shown above. */
export const validationView = (checked: SpecCheck | FleetCheck, style: Style): string =>
  `${fold(checked.kind === 'spec' ? specLine(checked, style) : fleetLine(checked, style), style.width, '')}\n`

function specLine(checked: SpecCheck, style: Style): string {
  const { valid, qubes, files } = checked
  const { errors, warnings } = countsOf(checked)
  const inFiles = `in ${plural(files.length, 'file')}`
  return valid
    ? `${style.green('Valid:')} ${plural(qubes, 'qube')} ${inFiles}${warnings}.`
    : style.red(`${errors}${warnings} ${inFiles}.`)
}

function fleetLine(checked: FleetCheck, style: Style): string {
  const { valid, files, fleet, hosts, rollouts } = checked
  const { errors, warnings } = countsOf(checked)
  const inFiles = `in ${plural(files.length, 'file')}`
  const all = plural(hosts.length, 'host')
  if (valid) {
    const many = rollouts === 0 ? all : `${all} and ${plural(rollouts, 'rollout')}`
    return `${style.green('Valid:')} the fleet ${fleet ?? ''}, ${many} ${inFiles}${warnings}.`
  }
  const bad = hosts.filter((host) => !host.valid).length
  const on = fleet === null ? ': its hosts were not looked at yet' : `, on ${bad} of ${all}`
  return style.red(`${errors}${warnings} ${inFiles}${on}.`)
}

function countsOf({ diagnostics }: SpecCheck | FleetCheck): {
  readonly errors: string
  readonly warnings: string
} {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  const warnings = diagnostics.length - errors
  return {
    errors: plural(errors, 'error'),
    warnings: warnings === 0 ? '' : `, ${plural(warnings, 'warning')}`,
  }
}

/** Diagnostics of a fleet name the hosts, where they are not about all of them. */
export function placedDiagnostics(checked: SpecCheck | FleetCheck): readonly Diagnostic[] {
  if (checked.kind === 'spec') return checked.diagnostics
  const { diagnostics, hosts } = checked
  return diagnostics.map((one) => ({ ...one, message: one.message + where(one.hosts, hosts.length) }))
}

const MANY = 3

function where(hosts: readonly string[], all: number): string {
  if (hosts.length === 0 || hosts.length === all) return ''
  const more = hosts.length - MANY
  const named = hosts.slice(0, MANY).join(', ')
  return more > 0 ? ` (${named} and ${more} more)` : ` (${named})`
}

/** Without the texts of the files. */
export function validationJson(checked: SpecCheck | FleetCheck): object {
  const { valid, diagnostics } = checked
  const files = checked.files.map(({ path }) => path)
  if (checked.kind === 'spec') return { valid, files, diagnostics }
  const { fleet, hosts } = checked
  return { valid, files, diagnostics, fleet, hosts }
}
